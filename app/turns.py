"""Pages that compute do so one after the other.

Threads of one process share one interpreter. Where the pages of a hundred visitors compute at once, it goes from one to
the next every few milliseconds, and all of them are late: half of a hundred visitors waited 6 s, in turn 1 s.
"""

import contextlib
import threading
from collections.abc import Iterator

PATIENCE_S = 30.0  # a page that is stuck holds up the others no longer than this
_turn = threading.RLock()


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Compute while no other page does; for work without waiting, such as for a network. May be nested."""
    has_turn = _turn.acquire(timeout=PATIENCE_S)
    try:
        yield
    finally:
        if has_turn:
            _turn.release()
