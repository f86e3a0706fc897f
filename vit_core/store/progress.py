"""How far a download is and how fast it goes; pure, the clock is an argument."""

import collections
import dataclasses


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far the download of one object is.

    Attributes:
        name: the object's name.
        done_bytes: bytes on disk, those of an earlier, interrupted download included.
        total_bytes: size of the object, None while unknown.
        bytes_per_s: mean over the last seconds, None at the start.
        seconds_left: at that speed, None where it cannot be told.
    """

    name: str
    done_bytes: int
    total_bytes: int | None
    bytes_per_s: float | None
    seconds_left: float | None


class SpeedMeter:
    """Turns successive byte counts into `Progress`, with the speed over a sliding window."""

    def __init__(self, name: str, *, window_s: float = 5.0) -> None:
        self._name = name
        self._window_s = window_s
        self._samples: collections.deque[tuple[float, int]] = collections.deque()

    def measure(self, done_bytes: int, total_bytes: int | None, *, now: float) -> Progress:
        """Add a sample and give the progress.

        Args:
            done_bytes: bytes so far; a fall, as after a restart, starts a new window.
            total_bytes: size of the object, or None.
            now: seconds of a monotonic clock.
        """
        if self._samples and done_bytes < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((now, done_bytes))
        while len(self._samples) > 2 and now - self._samples[1][0] >= self._window_s:
            self._samples.popleft()
        speed = self._speed()
        left = (total_bytes - done_bytes) / speed if total_bytes is not None and speed else None
        return Progress(self._name, done_bytes, total_bytes, speed, left)

    def _speed(self) -> float | None:
        first, last = self._samples[0], self._samples[-1]
        return (last[1] - first[1]) / (last[0] - first[0]) if last[0] - first[0] >= 0.05 else None
