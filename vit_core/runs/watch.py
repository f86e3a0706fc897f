"""The thread that keeps a run honest while it works: signs of life, the wish to stop, the locks, the folder.

A signal is seen at once even while the main thread compiles for a minute: Python's own handlers would wait for it, so
the number goes through a socket to this thread.
"""

import contextlib
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from vit_core.errors import BadRun, Failure, VitError
from vit_core.runs.board import Board
from vit_core.runs.engine import GRACE_S
from vit_core.runs.files import RunFiles, read_json, write_json
from vit_core.store.owners import Ownership

_LOOK_S = 1.0
_BEAT_S = 2.0
_EXIT_STOPPED = 1

logger = logging.getLogger(__name__)


class Watch:
    """Watches over a run from `with` to its end; to be used in the main thread of a process, which gets the signals."""

    def __init__(self, files: RunFiles, board: Board) -> None:
        """Prepare; nothing is watched before `with`."""
        self._files = files
        self._board = board
        self._owned: list[Ownership] = []
        self._stop = threading.Event()
        self._over = threading.Event()
        self._problem: VitError | None = None
        self._deadline = float("inf")
        self._ears, self._bell = socket.socketpair()
        self._before: list[Callable[[], object]] = []
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> "Watch":
        for end in (self._ears, self._bell):
            end.setblocking(False)
        old = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._before.append(lambda: signal.set_wakeup_fd(old))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            handler = signal.signal(number, _leave_it_to_the_watch)
            self._before.append(lambda number=number, handler=handler: signal.signal(number, handler))  # type: ignore[misc]  # the values of this turn
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._ring()
        self._thread.join()
        for restore in self._before:
            restore()
        self._ears.close()
        self._bell.close()

    def guard(self, ownership: Ownership) -> None:
        """See that a lock stays ours."""
        self._owned.append(ownership)

    def stop_requested(self) -> bool:
        """Tell whether somebody wants the run to stop.

        Raises:
            Failure: the run must end at once: its folder or one of its locks is gone.
        """
        if self._problem is not None:
            raise self._problem
        return self._stop.is_set()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # full: it rings already
            self._bell.send(b"\0")

    def _watch(self) -> None:
        try:
            self._look_after_it()
        except OSError as error:  # such as a folder that may no longer be looked into
            self._problem = Failure(f"The run cannot look after its own files: {error.strerror or error}.")

    def _look_after_it(self) -> None:
        beaten = 0.0
        while not self._over.is_set():
            if self._hear():
                self._want_stop("It was told to stop.")
            elif self._files.stop.exists():
                self._want_stop("It was asked to stop.")
            self._problem = self._problem or self._look()
            if time.monotonic() > self._deadline:
                self._give_up()
            if time.monotonic() - beaten >= _BEAT_S and self._problem is None:
                self._board.beat()
                beaten = time.monotonic()

    def _hear(self) -> bool:
        """Wait a second for a signal."""
        ready, _, _ = select.select([self._ears], [], [], _LOOK_S)
        return bool(ready) and any(self._ears.recv(64))  # zeros are our own

    def _want_stop(self, why: str) -> None:
        if self._stop.is_set():
            return
        logger.info("%s It ends after the step under way.", why)
        try:
            grace_s = float(read_json(self._files.stop)["grace_s"])
        except (BadRun, KeyError, TypeError, ValueError):
            grace_s = GRACE_S
            with contextlib.suppress(Failure):  # the mark is for those who look on
                write_json(self._files.stop, {"grace_s": grace_s}, durable=False)
        self._deadline = time.monotonic() + max(0.0, grace_s)
        self._stop.set()

    def _look(self) -> VitError | None:
        if problem := is_gone(self._files.folder):
            return Failure(problem)
        try:
            lost = [ownership for ownership in self._owned if not ownership.keep()]
        except Failure as error:
            return error
        if not lost:
            return None
        return Failure(
            "Somebody deleted a lock file of this run and another process took it; the run ends, so that the two do "
            "not get into each other's way. Never delete files of the folder VIT_LOCK_DIR."
        )

    def _give_up(self) -> None:
        """End without saving: the step under way took longer than the grace."""
        reason = "It was stopped before it could save its last steps."
        logger.warning("%s", reason)
        with contextlib.suppress(Failure):  # the state is then derived: interrupted
            self._board.end(state="stopped", reason=reason)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(_EXIT_STOPPED)  # the main thread is in the middle of a computation that cannot be broken off


def is_gone(folder: Path) -> str:
    """Say that the folder of a run is gone, as a sentence; empty when it is there."""
    return "" if folder.is_dir() else f"The folder of the run, {str(folder)!r}, was deleted or moved; the run ends."


def _leave_it_to_the_watch(number: int, frame: FrameType | None) -> None:
    """Do nothing: the watch has heard it already."""
