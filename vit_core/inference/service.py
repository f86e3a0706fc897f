"""Predictions for many users at once: the web process's side.

    submit --> bounded queue --> one thread --> the predictor process, which owns the accelerator

Requests for one checkpoint that wait together are computed together. A large request goes in parts, and others take
their turn in between. Knows nothing of JAX: this process never imports it.
"""

import atexit
import threading

from vit_core.errors import OutOfMemory, PredictorBusy, PredictorCrashed, PredictorError, VitError
from vit_core.inference.messages import Batch, BatchAnswer, answer_from_frame, batch_to_frame, error_from_frame
from vit_core.inference.process import WorkerProcess
from vit_core.inference.results import Answer, ImageAnswer, Prediction, Request, ServiceStatus, State
from vit_core.inference.tickets import QUEUED, Job, Part, Ticket
from vit_core.settings import Settings

__all__ = ["Answer", "ImageAnswer", "Prediction", "PredictionService", "Request", "ServiceStatus", "Ticket"]

# Users who were answered together ask again together, but not in the same microsecond.
_LINGER_S = 0.003


class PredictionService:
    """Answers requests from any thread with one predictor process, which starts on first use."""

    def __init__(
        self,
        settings: Settings,
        *,
        queue_limit: int = 32,
        queue_bytes: int = 1_000_000_000,
        batch_images: int = 32,
        memory_limit_bytes: int | None = None,
        start_limit_s: float = 180.0,
        answer_limit_s: float = 900.0,
    ) -> None:
        """Prepare; no thread and no process is started before the first request.

        Args:
            settings: device and cache folder.
            queue_limit: requests that may wait.
            queue_bytes: bytes that the images of all requests may take here; a single one may always come in.
            batch_images: images that go to the predictor at once.
            memory_limit_bytes: of the checkpoints that stay loaded; None is a fourth of the memory, or half of the
                accelerator's.
            start_limit_s: time after which a process that is not ready counts as dead.
            answer_limit_s: time after which a batch without an answer counts as hung; loading and compiling included.
        """
        self._settings = settings
        self._queue_limit = queue_limit
        self._queue_bytes = queue_bytes
        self._batch_images = batch_images
        self._memory_limit_bytes = memory_limit_bytes
        self._start_limit_s = start_limit_s
        self._answer_limit_s = answer_limit_s
        self._changed = threading.Condition()  # guards everything below
        self._wanted_device = settings.device
        self._waiting: list[Job] = []
        self._current: list[Part] = []
        self._worker: WorkerProcess | None = None
        self._loaded: tuple[str, ...] = ()
        self._thread: threading.Thread | None = None
        self._closed = False
        atexit.register(self.close)

    def submit(self, request: Request) -> Ticket:
        """Queue a request.

        Raises:
            PredictorBusy: too much waits already; the message gives the place it would have had.
            PredictorError: the service is closed.
        """
        with self._changed:
            if self._closed:
                raise PredictorError("The predictor is shut down; restart the app.")
            self._drop_cancelled()
            self._check_room(request)
            job = Job(request)
            self._waiting.append(job)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="predictor queue", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return Ticket(job, self._place_of)

    def status(self) -> ServiceStatus:
        """Say how it is doing; costs nothing."""
        with self._changed:
            worker = self._worker
            waiting = sum(not job.cancelled for job in self._waiting)
            state: State = "cold"
            if worker is not None and worker.is_alive():
                state = "starting" if not worker.device else "busy" if self._current else "ready"
            device = worker.device if worker is not None and worker.device else None
            memory = worker.memory_bytes if worker is not None and state != "cold" else None
            return ServiceStatus(state, device, self._loaded if state != "cold" else (), waiting, memory)

    def release_device(self, *, timeout_s: float = 60.0) -> None:
        """Give the accelerator up, for a fine-tuning run say; further requests are answered on the CPU.

        Returns when the process that held it is gone; what it was computing is finished first.

        Raises:
            PredictorError: it is still computing after `timeout_s`.
        """
        self._want_device("cpu", timeout_s)

    def reclaim_device(self, *, timeout_s: float = 60.0) -> None:
        """Take the accelerator back after `release_device`.

        Raises:
            PredictorError: the process on the CPU is still computing after `timeout_s`.
        """
        self._want_device(self._settings.device, timeout_s)

    def close(self) -> None:
        """End the process and the thread; who still waits gets a `PredictorError`. Safe to call twice."""
        with self._changed:
            self._closed = True
            if self._worker is not None:
                self._worker.kill()
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join()
        atexit.unregister(self.close)

    def __enter__(self) -> "PredictionService":
        """Close at the end of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    # --- the queue, under the lock ----------------------------------------------------------------------------

    def _drop_cancelled(self) -> None:
        self._waiting = [job for job in self._waiting if not job.cancelled]

    def _check_room(self, request: Request) -> None:
        place = len(self._waiting) + 1
        held = sum(job.size_bytes for job in self._waiting) + sum(part.job.size_bytes for part in self._current)
        if place > self._queue_limit or (held and held + request.size_bytes > self._queue_bytes):
            raise PredictorBusy(f"The predictor is busy, place {place}; try again in a moment.")

    def _place_of(self, job: Job) -> int:
        with self._changed:
            self._drop_cancelled()
            computed = any(part.job is job for part in self._current)  # a large one is in both
            return 0 if computed or job not in self._waiting else self._waiting.index(job) + 1

    def _want_device(self, device: str, timeout_s: float) -> None:
        with self._changed:
            self._wanted_device = device
            self._changed.notify_all()
            if not self._changed.wait_for(self._has_wanted_device, timeout_s):
                raise PredictorError(f"The predictor still computes after {timeout_s:.0f} s; try again.")

    def _has_wanted_device(self) -> bool:
        worker = self._worker
        if worker is None or worker.wanted_device == self._wanted_device:
            return True
        return self._wanted_device == "cpu" and worker.owns_nothing  # a machine without an accelerator

    def _next_parts(self) -> list[Part]:
        """Take the first request and what can be computed with it; a request that is not finished goes to the end."""
        self._drop_cancelled()
        first, room = self._waiting[0].key if self._waiting else None, self._batch_images
        parts: list[Part] = []
        for job in self._waiting:
            if room and job.key == first and (part := job.take(room)):
                parts.append(part)
                room -= len(part.images)
        taken = [part.job for part in parts]
        unfinished = [job for job in taken if job.taken < job.total]
        self._waiting = [job for job in self._waiting if job not in taken] + unfinished
        return parts

    # --- the thread -------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while parts := self._await_parts():
                try:
                    self._answer(parts)
                except VitError as error:
                    self._fail(error)
        finally:  # also after an error of ours: nobody must wait for ever
            self._stop_worker()
            with self._changed:
                ended = [part.job for part in self._current] + self._waiting
                self._current, self._waiting = [], []
            for job in ended:
                job.fail(PredictorError("The predictor was shut down."))

    def _await_parts(self) -> list[Part]:
        """Wait for the next batch; empty when the service is closed."""
        while True:
            with self._changed:
                self._current = []
                self._changed.wait_for(lambda: self._closed or self._waiting or not self._has_wanted_device())
                self._changed.wait_for(self._is_batch_full, _LINGER_S)
                if self._closed:
                    return []
                keep = self._has_wanted_device()
                if keep and (parts := self._next_parts()):
                    self._current = parts
                    return parts
            if not keep:
                self._stop_worker()

    def _is_batch_full(self) -> bool:
        images = sum(job.total - job.taken for job in self._waiting)
        return self._closed or not self._waiting or images >= self._batch_images

    def _answer(self, parts: list[Part]) -> None:
        worker = self._running_worker(parts)
        worker.send(
            batch_to_frame(
                Batch(
                    key=parts[0].job.key,
                    names=tuple(name for part in parts for name in part.names),
                    top_k=tuple(part.top_k for part in parts for _ in part.names),
                    images=tuple(image for part in parts for image in part.images),
                )
            )
        )
        while (frame := worker.receive(self._answer_limit_s)).kind == "stage":
            _show_stage(parts, str(frame.fields["stage"]))
        if frame.kind == "error":
            raise error_from_frame(frame)
        self._deliver(parts, answer_from_frame(frame), device=worker.device)

    def _running_worker(self, parts: list[Part]) -> WorkerProcess:
        if self._worker is not None and self._worker.is_alive():
            return self._worker
        self._stop_worker()
        _show_stage(parts, "starting the predictor")
        with self._changed:
            self._worker = worker = WorkerProcess(
                self._settings, device=self._wanted_device, memory_limit_bytes=self._memory_limit_bytes
            )
        worker.await_ready(self._start_limit_s)
        return worker

    def _deliver(self, parts: list[Part], answer: BatchAnswer, *, device: str) -> None:
        with self._changed:
            self._loaded = answer.loaded
        images = iter(answer.images)
        for part in parts:
            part.job.stage = QUEUED  # unless this was its last part
            part.job.add(answer, tuple(next(images) for _ in part.images), device=device)

    def _fail(self, error: VitError) -> None:
        if isinstance(error, PredictorCrashed | OutOfMemory) or not (self._worker and self._worker.device):
            self._stop_worker()
        with self._changed:
            failed = [part.job for part in self._current]
            self._waiting = [job for job in self._waiting if job not in failed]
            closed = self._closed
        for job in failed:
            job.fail(PredictorError("The predictor was shut down.") if closed else error)

    def _stop_worker(self) -> None:
        worker = self._worker
        if worker is not None:
            worker.stop()
        with self._changed:
            self._worker, self._loaded = None, ()
            self._changed.notify_all()


def _show_stage(parts: list[Part], stage: str) -> None:
    for part in parts:
        part.job.stage = stage
