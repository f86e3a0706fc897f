"""Where a running run says how it is doing: the status in memory, and on the disk at every sign of life."""

import contextlib
import dataclasses
import logging
import threading

from vit_core.errors import Failure, StorageFull
from vit_core.runs.files import RunFiles
from vit_core.runs.status import Status, write_status

_RESERVE_BYTES = 65_536

logger = logging.getLogger(__name__)


class Board:
    """The status of a run that this process owns; safe to share between threads."""

    def __init__(self, files: RunFiles, status: Status) -> None:
        """Begin with what the files say."""
        self._files = files
        self._status = status
        self._lock = threading.Lock()
        self._ended = False
        self._trouble = False

    @property
    def status(self) -> Status:
        """What was said last."""
        return self._status

    def note(self, **changes: object) -> None:
        """Change fields of the status; the next sign of life tells."""
        with self._lock:
            self._status = dataclasses.replace(self._status, **changes)  # type: ignore[arg-type]  # names of its fields

    def beat(self) -> None:
        """Give a sign of life. A disk that refuses it stops no run: the next one may go through."""
        with self._lock:
            if self._ended:
                return
            self._status = self._status.beating()
            try:
                write_status(self._files, self._status, durable=False)
                self._trouble = False
            except Failure as error:
                if not self._trouble:
                    logger.warning("%s", error)
                self._trouble = True

    def say(self, **changes: object) -> None:
        """Change fields of the status and write it for good.

        Raises:
            StorageFull, Failure: the disk refuses it.
        """
        self.note(**changes)
        with self._lock:
            self._status = self._status.beating()
            write_status(self._files, self._status)

    def end(self, **changes: object) -> None:
        """Say the last word; on a full disk too, for which some room was kept.

        Raises:
            StorageFull, Failure: the disk refuses it all the same.
        """
        with self._lock:
            if self._ended:  # another thread had the last word
                return
            status = dataclasses.replace(self._status, **changes)  # type: ignore[arg-type]  # names of its fields
            try:
                write_status(self._files, status)
            except StorageFull:
                self._files.reserve.unlink(missing_ok=True)
                write_status(self._files, status)
            self._status, self._ended = status, True

    def keep_room(self) -> None:
        """Keep some room on the disk for the last word."""
        with contextlib.suppress(OSError):  # a disk as full as that says so at the first real file
            if not self._files.reserve.exists():
                self._files.reserve.write_bytes(bytes(_RESERVE_BYTES))
