"""How fast a run is of late, and how long it will take: figures from a clock that is handed in."""

from collections import deque

_WINDOW_S = 30.0


class Pace:
    """Counts updates against time; tests and pauses between them do not count as slow training."""

    def __init__(self, *, batch: int, total_steps: int) -> None:
        self._batch, self._total_steps = batch, total_steps
        self._marks: deque[tuple[float, int]] = deque()
        self._seconds_per_step: float | None = None
        self._test_seconds = 0.0

    @property
    def images_per_second(self) -> float | None:
        """Images learned from per second, of late; None before two updates followed one another."""
        return self._batch / self._seconds_per_step if self._seconds_per_step else None

    @property
    def seconds_per_step(self) -> float | None:
        """The same for updates."""
        return self._seconds_per_step

    def mark(self, step: int, now: float) -> None:
        """Take in that an update was done."""
        self._marks.append((now, step))
        while now - self._marks[0][0] > _WINDOW_S and len(self._marks) > 2:
            self._marks.popleft()
        since, first_step = self._marks[0]
        if step > first_step and now > since:
            self._seconds_per_step = (now - since) / (step - first_step)

    def pause(self) -> None:
        """Take in that something else than updates comes now."""
        self._marks.clear()

    def tested(self, seconds: float) -> None:
        """Take in how long a test took."""
        self._test_seconds = seconds

    def seconds_left(self, step: int, *, tests_left: int) -> float | None:
        """Give the time to the end, by the speed of late; None before it is known."""
        if self._seconds_per_step is None:
            return None
        return (self._total_steps - step) * self._seconds_per_step + tests_left * self._test_seconds
