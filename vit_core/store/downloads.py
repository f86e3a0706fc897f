"""Downloads in the background, for a page that is drawn again and again: started once, looked at often.

At most a few run at a time; the others wait their turn. States are kept in memory, a bounded number of them.
"""

import collections
import dataclasses
import threading
from pathlib import Path
from typing import Literal

from vit_core.errors import Cancelled, StoreError, VitError
from vit_core.store.progress import Progress
from vit_core.store.store import Store

_MOST_WAITING = 32
_MOST_KEPT = 200


@dataclasses.dataclass(frozen=True)
class DownloadState:
    """How one download stands.

    Attributes:
        name: as it was asked for.
        status: "running" includes the wait for its turn, with `progress` None.
        progress: the latest, None before the first.
        path: of the file, when done.
        error: what to tell the user, when failed or cancelled.
    """

    name: str
    status: Literal["running", "done", "failed", "cancelled"]
    progress: Progress | None = None
    path: Path | None = None
    error: VitError | None = None


class Downloads:
    """The downloads that the pages of one server have asked for; safe to share between threads."""

    def __init__(self, store: Store, *, at_once: int = 2) -> None:
        """Start with none; `at_once` is how many may run at the same time."""
        self._store = store
        self._turns = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._states: collections.OrderedDict[str, DownloadState] = collections.OrderedDict()
        self._cancels: dict[str, threading.Event] = {}

    def start(self, name: str) -> DownloadState:
        """Start a download unless it runs already; one that failed or was cancelled starts again."""
        with self._lock:
            if name in self._cancels:
                return self._states[name]
            if len(self._cancels) >= _MOST_WAITING:
                return DownloadState(name, "failed", error=_too_many())
            state = DownloadState(name, "running")
            cancel = self._cancels[name] = threading.Event()
            self._keep(state)
        threading.Thread(target=self._run, args=(name, cancel), name=f"download of {name}", daemon=True).start()
        return state

    def state(self, name: str) -> DownloadState | None:
        """Give how a download stands, None if it was never started or is long over."""
        with self._lock:
            return self._states.get(name)

    def states(self) -> tuple[DownloadState, ...]:
        """Give all that is kept, the latest started last."""
        with self._lock:
            return tuple(self._states.values())

    def cancel(self, name: str) -> None:
        """Stop a download if it runs; its state says so soon after."""
        with self._lock:
            if name in self._cancels:
                self._cancels[name].set()

    def _run(self, name: str, cancel: threading.Event) -> None:
        # What is shown if something ends the work that is no error of ours; its traceback is then in the log.
        last = DownloadState(name, "failed", error=StoreError(f"The download of {name} stopped; see the log."))
        try:
            last = self._fetch(name, cancel)
        finally:
            with self._lock:
                del self._cancels[name]
                self._keep(last)

    def _fetch(self, name: str, cancel: threading.Event) -> DownloadState:
        def show(progress: Progress) -> None:
            with self._lock:
                self._keep(DownloadState(name, "running", progress))

        try:
            self._wait_for_turn(name, cancel)
            try:
                path = self._store.fetch(name, progress=show, cancel=cancel)
            finally:
                self._turns.release()
        except Cancelled as error:
            return DownloadState(name, "cancelled", error=error)
        except VitError as error:
            return DownloadState(name, "failed", error=error)
        return DownloadState(name, "done", path=path)

    def _wait_for_turn(self, name: str, cancel: threading.Event) -> None:
        while not self._turns.acquire(timeout=0.1):
            if cancel.is_set():
                raise Cancelled(f"The download of {name} was cancelled before it began.")

    def _keep(self, state: DownloadState) -> None:
        """Keep a state, and forget the oldest of those that are over when there are too many; the lock is held."""
        self._states[state.name] = state
        over = [name for name in self._states if name not in self._cancels and name != state.name]
        for name in over[: max(0, len(self._states) - _MOST_KEPT)]:
            del self._states[name]


def _too_many() -> StoreError:
    return StoreError(f"{_MOST_WAITING} downloads are waiting already; try again when some are done.")
