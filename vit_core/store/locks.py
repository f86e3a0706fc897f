"""Locks between threads and processes, on files: freed by the system when their holder dies.

`flock`, because a lock of `lockf` is lost when the process closes the file anywhere. A lock file is never deleted: who
opened the old one and who opens the new one would both hold "the" lock. Keep them on a local disk.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from vit_core.store.problems import writing


class FileLock:
    """A held lock; one object per holder, also within one process."""

    def __init__(self, path: Path, *, shared: bool = False, wait: bool = True) -> None:
        """Take the lock.

        Args:
            path: the lock file, made if it is not there.
            shared: together with other shared holders, or alone.
            wait: until it is free, however long.

        Raises:
            BlockingIOError: `wait` is False and somebody else holds it.
            StoreError: the lock file cannot be made.
        """
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BaseException:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Give it back; once."""
        os.close(self._descriptor)

    def write_note(self, note: bytes) -> None:
        """Leave a note in the file for the next holder."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, note, 0)


def try_lock(path: Path) -> FileLock | None:
    """Take the lock alone if it is free now."""
    try:
        return FileLock(path, wait=False)
    except BlockingIOError:
        return None


@contextlib.contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock within the block."""
    lock = FileLock(path, shared=shared)
    try:
        yield
    finally:
        lock.release()


def read_note(path: Path) -> bytes:
    """Read the note in a lock file; empty if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
