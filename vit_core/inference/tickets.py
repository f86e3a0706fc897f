"""A request on its way: what the asker holds (`Ticket`) and what the service works through (`Job`).

Knows how far a request has come and how its answer is put together from batches; knows nothing of processes and queues.
"""

import dataclasses
import threading
import time
import weakref
from collections.abc import Callable

from vit_core.errors import Cancelled, VitError
from vit_core.inference.messages import BatchAnswer, BatchKey
from vit_core.inference.results import Answer, ImageAnswer, Request

QUEUED = "queued"


class Job:
    """A request, its parts that are answered, and its end.

    The service's thread works through it; any thread may cancel it.

    Attributes:
        request: what was asked; None once it has ended, so that the images leave memory.
        key: what its images must share with others to be computed together.
        size_bytes: of its images.
        taken: images handed to the predictor so far.
        stage: for the screen, see `Ticket.stage`.
        cancelled: nobody waits for it any more.
        ended: set when there is an answer or an error.
    """

    def __init__(self, request: Request) -> None:
        self.request: Request | None = request
        self.total = len(request.images)
        self.size_bytes = request.size_bytes
        self.key = BatchKey(
            checkpoint=request.checkpoint,
            path=request.path,
            labels=request.labels,
            resolution=request.resolution,
            preprocessing=request.preprocessing,
            attention=request.attention,
        )
        self.taken = 0
        self.stage = QUEUED
        self.cancelled = False
        self.ended = threading.Event()
        self.answer: Answer | None = None
        self.error: VitError | None = None
        self._images: list[ImageAnswer] = []
        self._seconds: dict[str, float] = {}
        self._largest_batch = 0
        self._submitted = time.monotonic()

    @property
    def images_done(self) -> int:
        """Images that are answered."""
        return len(self._images) if self.answer is None else self.total

    def take(self, room: int) -> "Part | None":
        """Hand out the next images, at most `room`; None when it has ended meanwhile."""
        request = self.request
        if request is None:
            return None
        if self.taken == 0:
            self._seconds["queue"] = time.monotonic() - self._submitted
        start, self.taken = self.taken, min(self.taken + room, self.total)
        images, names = request.images[start : self.taken], request.names[start : self.taken]
        return Part(self, images, names, top_k=request.top_k)

    def add(self, part: BatchAnswer, images: tuple[ImageAnswer, ...], *, device: str) -> None:
        """Take in the answers of a batch, of which `images` belong to this request; the last one ends it."""
        if self.ended.is_set():
            return
        self._images.extend(images)
        for name, value in part.seconds.items():
            self._seconds[name] = self._seconds.get(name, 0.0) + value
        self._largest_batch = max(self._largest_batch, len(part.images))
        if len(self._images) < self.total:
            return
        self.answer = Answer(
            images=tuple(self._images),
            device=device,
            resolution=part.resolution,
            preprocessing=self.key.preprocessing,
            num_classes=part.num_classes,
            label_set=part.label_set,
            label_source=part.label_source,
            notes=part.notes,
            seconds=dict(self._seconds),
            batch_images=self._largest_batch,
            no_classes=part.no_classes,
        )
        self._end()

    def fail(self, error: VitError) -> None:
        """End it without an answer; a second end changes nothing."""
        if not self.ended.is_set():
            self.error = error
            self._end()

    def _end(self) -> None:
        self.request = None
        self._images.clear()
        self.stage = "done"
        self.ended.set()


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Images of one request that go to the predictor at once.

    Attributes:
        job: the request they are of.
        images: bytes of the image files.
        names: one each.
        top_k: classes wanted per image.
    """

    job: Job
    images: tuple[bytes, ...]
    names: tuple[str, ...]
    top_k: int


@dataclasses.dataclass(frozen=True, eq=False)
class Ticket:
    """What the asker holds. When the last reference to it is gone, the request is dropped as if cancelled.

    Every method returns at once except `result`, and may be called from any thread.
    """

    _job: Job
    _place: Callable[[Job], int]

    def __post_init__(self) -> None:
        """Drop the work when nobody holds the ticket: a closed browser tab must not keep the device busy."""
        weakref.finalize(self, setattr, self._job, "cancelled", True).atexit = False

    def place(self) -> int:
        """Requests up to and including this one that wait; 0 while it is computed and afterwards."""
        return self._place(self._job)

    def stage(self) -> str:
        """Say what happens now.

        Returns:
            "queued", "starting the predictor", "loading checkpoint", "compiling (first time)", "computing" or "done".
        """
        return self._job.stage

    def progress(self) -> tuple[int, int]:
        """Give the images that are answered, and all images."""
        return self._job.images_done, self._job.total

    def done(self) -> bool:
        """Tell whether `result` would return or raise at once."""
        return self._job.ended.is_set()

    def cancel(self) -> None:
        """Give the request up; what waits is dropped, what is being computed is thrown away. Safe to call twice."""
        self._job.cancelled = True
        self._job.fail(Cancelled("The request was cancelled."))

    def result(self, timeout_s: float | None = None) -> Answer:
        """Wait for the answer.

        Args:
            timeout_s: None waits for ever.

        Raises:
            VitError: what went wrong, as one sentence; `Cancelled` after `cancel`.
            TimeoutError: no answer yet after `timeout_s`; the request goes on.
        """
        if not self._job.ended.wait(timeout_s):
            raise TimeoutError(f"There is no answer yet after {timeout_s} s.")
        if self._job.answer is not None:
            return self._job.answer
        error = self._job.error or Cancelled("The request was cancelled.")
        raise type(error)(str(error)) from error
