"""How far a piece of work raises the memory of this process, at its peak."""

import resource
import sys
from pathlib import Path

import psutil

_RESET_PEAK = "5"  # to /proc/self/clear_refs, see man 5 proc
_KILOBYTE = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in


class PeakMemory:
    """Remembers what is held when it is made, and forgets the peak before, where the system can (Linux)."""

    def __init__(self) -> None:
        self._before = int(psutil.Process().memory_info().rss)
        self._was_reset = False
        clear = Path("/proc/self/clear_refs")
        if clear.exists():
            try:
                clear.write_text(_RESET_PEAK)
                self._was_reset = True
            except OSError:
                return  # some containers forbid it; then the peak of the whole life of the process counts

    def risen_bytes(self) -> int:
        """Give the peak since then, above what was held then."""
        return max(0, self._peak() - self._before)

    def _peak(self) -> int:
        if self._was_reset:
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE
