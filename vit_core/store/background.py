"""Work in a daemon thread with an outcome: the one way here to bound work that cannot be interrupted.

A name lookup, a handshake or a library that retries for minutes may block for longer than a person waits. The caller
waits for the thread only as long as it wants; the thread ends by itself later, and never keeps the program alive.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from vit_core.errors import StoreError, VitError

T = TypeVar("T")


class Background(threading.Thread, Generic[T]):
    """A started daemon thread that computes one value.

    Attributes:
        ended: set when the work has ended, however it did.
    """

    def __init__(self, work: Callable[[], T], *, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.ended = threading.Event()
        self._work = work
        self._values: list[T] = []
        # What the caller meets if the work fails with something that is not ours; the thread's own traceback is
        # then in the log.
        self._error: VitError = StoreError(f"{name} stopped for an unexpected reason; see the log.")
        self.start()

    def run(self) -> None:
        """Do the work; `threading` calls this."""
        try:
            self._values.append(self._work())
        except VitError as error:
            self._error = error
        finally:
            self.ended.set()

    def outcome(self) -> T:
        """Give the value of work that has ended, or raise its error."""
        if self._values:
            return self._values[0]
        raise self._error


def run_within(work: Callable[[], T], *, seconds: float, late: VitError, name: str) -> T:
    """Do the work, but wait for it no longer than `seconds`.

    Raises:
        VitError: `late` if the work is not done by then, or what the work raised.
    """
    thread = Background(work, name=name)
    if not thread.ended.wait(max(0.0, seconds)):
        raise late
    return thread.outcome()
