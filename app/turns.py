"""Explore's pages compute one after the other.

Threads of one process share one interpreter. Where the pages of a hundred visitors compute at once, it goes from one to
the next every few milliseconds, and all of them are late.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

PATIENCE_S = 10.0  # a page that is stuck holds up the others no longer than this; one takes a tenth of a second
_LEAST_S = 0.1


class _Turn(threading.local):
    """What a thread knows of its own turn."""

    is_inside = False


_turn = _Turn()
_lock = threading.Lock()
_began: list[float] = [0.0]  # when the page that computes now began, by the monotonic clock


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Compute while no other page does; for work that waits for no disk. A part of a page may say it, too."""
    if _turn.is_inside:
        yield
        return
    has_lock = _wait()
    _turn.is_inside = True
    try:
        yield
    finally:
        _turn.is_inside = False
        if has_lock:
            _lock.release()


def _wait() -> bool:
    """Wait for the lock and tell whether it was had, or else the page that holds it is stuck."""
    while not _lock.acquire(timeout=max(_began[0] + PATIENCE_S - time.monotonic(), _LEAST_S)):
        if time.monotonic() > _began[0] + PATIENCE_S:
            return False
    _began[0] = time.monotonic()
    return True
