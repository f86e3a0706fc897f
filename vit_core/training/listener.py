"""What a training run tells while it runs, and to whom. No JAX here."""

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, Protocol, runtime_checkable

from vit_core.errors import VitError

BEAT_S = 1.0  # a sign of life at least this often

MetricsRow = Mapping[str, float | int]


@dataclasses.dataclass(frozen=True)
class LoopProgress:
    """How far a run is, and what it is doing.

    Attributes:
        step: updates done.
        total_steps: updates asked for.
        activity: "decoding", "computing features", "compiling", "training", "testing", "saving", "loading".
        activity_seconds: how long it has been at that; a large number is what a hung device looks like.
        seconds_left: by the speed of late, tests included; None before it is known.
        images_per_second: learned from, of late.
        accuracy: the last test's, 0 to 1; None before the first.
        best_accuracy: the best test's.
        memory_bytes: most that the run has held so far: of the accelerator, else of the machine.
        done: of `total` pieces of the activity, images decoded say; both 0 where it has none.
        total: see `done`.
    """

    step: int = 0
    total_steps: int = 0
    activity: str = "loading"
    activity_seconds: float = 0.0
    seconds_left: float | None = None
    images_per_second: float | None = None
    accuracy: float | None = None
    best_accuracy: float | None = None
    memory_bytes: int | None = None
    done: int = 0
    total: int = 0


@runtime_checkable
class Listener(Protocol):
    """Whoever wants to know; never called from two threads at once."""

    def metrics(self, row: MetricsRow) -> None:
        """Take a point of the curve; it is in `metrics.jsonl` already."""

    def say(self, text: str) -> None:
        """Take a sentence for the log."""

    def progress(self, progress: LoopProgress) -> None:
        """Take how far the run is: at least every 2 seconds, whatever it does."""

    def stop_requested(self) -> bool:
        """Tell whether the run shall save its state and end."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How `train` ended.

    Attributes:
        ended: "done", or "stopped" on request, to be resumed.
        step: updates done.
        best_step: update after which the best test was; the last one where there was no test.
        best_accuracy: of that test, 0 to 1.
        accum_steps: parts that a batch was computed in.
        device: "CPU", "NVIDIA H200".
        seconds: trained so far, without the pauses of a stopped run.
    """

    ended: Literal["done", "stopped"]
    step: int
    best_step: int
    best_accuracy: float | None
    accum_steps: int
    device: str
    seconds: float


class Silence:
    """A listener that wants to know nothing and never asks to stop."""

    def metrics(self, row: MetricsRow) -> None:
        """Take nothing."""

    def say(self, text: str) -> None:
        """Take nothing."""

    def progress(self, progress: LoopProgress) -> None:
        """Take nothing."""

    def stop_requested(self) -> bool:
        """Never ask to stop."""
        return False


class Herald:
    """Tells a listener: one call at a time, and a sign of life every second while something long goes on.

    Use it as a context manager. What the listener raises in the background, a full disk say, the next call raises.
    """

    def __init__(self, listener: Listener, *, total_steps: int) -> None:
        self._listener = listener
        self._progress = LoopProgress(total_steps=total_steps)
        self._since = self._told = time.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._beat, name="signs of life", daemon=True)

    def __enter__(self) -> "Herald":
        self.update(activity=self._progress.activity)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def progress(self) -> LoopProgress:
        """What was told last."""
        return self._progress

    def say(self, text: str) -> None:
        """Give the listener a sentence."""
        self._check()
        with self._lock:
            self._listener.say(text)

    def metrics(self, row: MetricsRow) -> None:
        """Give the listener a point of the curve."""
        self._check()
        with self._lock:
            self._listener.metrics(row)

    def stop_requested(self) -> bool:
        """Ask the listener whether to stop."""
        self._check()
        with self._lock:
            return self._listener.stop_requested()

    def update(self, **changes: object) -> None:
        """Change fields of the progress and tell it, unless that was done within the last tenth of a second."""
        self._check()
        with self._lock:
            self._progress = dataclasses.replace(self._progress, **changes)  # type: ignore[arg-type]  # names of its fields
            if "activity" in changes or time.monotonic() - self._told > BEAT_S / 10:
                self._tell()

    def count(self, done: int, total: int) -> None:
        """Tell how much of the activity is done."""
        self.update(done=done, total=total)

    @contextmanager
    def doing(self, activity: str) -> Iterator[None]:
        """Say what goes on within the block; afterwards it is again what it was before."""
        before, self._since = self._progress.activity, time.monotonic()
        self.update(activity=activity, done=0, total=0)
        try:
            yield
        finally:
            self._since = time.monotonic()
            with self._lock:
                self._progress = dataclasses.replace(self._progress, activity=before, done=0, total=0)

    def alive(self) -> None:
        """Say that the activity has just made headway: its seconds begin anew."""
        self._since = time.monotonic()

    def _check(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _tell(self) -> None:
        self._told = time.monotonic()
        self._listener.progress(dataclasses.replace(self._progress, activity_seconds=self._told - self._since))

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S / 4):
            with self._lock:
                if time.monotonic() - self._told < BEAT_S:
                    continue
                try:
                    self._tell()
                except (OSError, VitError) as error:  # raised by the next call, in the thread of the run
                    self._problem = error
                    return
