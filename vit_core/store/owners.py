"""Who owns what: a lock file whose holder leaves a note, keeps it through a deletion, and may hand it to a child.

Ownership is the `flock` and nothing else: it ends with its holder, however that dies. The note says who holds it, for
people and for signals. Probing takes the lock shared for a moment, so whoever takes it tries for a moment, too.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from vit_core.errors import Failure, StorageFull
from vit_core.store.problems import FULL_DISK_ERRORS

_PAUSE_S = 0.02
_NOTE_BYTES = 4096  # one block: a reader sees the old note or the new one


class Ownership:
    """A held lock. Its descriptor closes in children unless it is passed on by `subprocess.Popen(pass_fds=…)`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Keep a lock that is held; see `own` and `adopt`."""
        self.path = path
        self.descriptor = descriptor

    def write_note(self, note: bytes) -> None:
        """Say who holds it, in at most 4096 bytes.

        Raises:
            StorageFull: there is no room.
            Failure: the file cannot be written.
        """
        with _locking(self.path):
            os.pwrite(self.descriptor, note[:_NOTE_BYTES].ljust(_NOTE_BYTES), 0)

    def keep(self) -> bool:
        """Take the lock again where its file was deleted; False when somebody else was faster.

        To be called every second or so: whoever deletes a lock file by hand would else let a second owner in.
        """
        if _is_same(self.descriptor, self.path):
            with contextlib.suppress(OSError):  # another user's file; the time only keeps it from being tidied away
                os.utime(self.descriptor)
            return True
        again = own(self.path)
        if again is None:
            return False
        with contextlib.suppress(OSError):  # the note is for people; the lock counts
            os.pwrite(again.descriptor, os.pread(self.descriptor, _NOTE_BYTES, 0), 0)
        os.close(self.descriptor)
        self.descriptor = again.descriptor
        return True

    def release(self) -> None:
        """Give it back; once. A child that got the descriptor still holds it."""
        os.close(self.descriptor)


def own(path: Path, *, patience_s: float = 0.2) -> Ownership | None:
    """Take a lock if nobody holds it.

    Args:
        path: the lock file; made where it is missing, and never to be deleted.
        patience_s: how long to try; others who only look at it hold it for some microseconds.

    Raises:
        StorageFull: there is no room for the file.
        Failure: the file cannot be made or locked there.
    """
    deadline = time.monotonic() + patience_s
    while True:
        with _locking(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if _try_lock(path, descriptor, fcntl.LOCK_EX) and _is_same(descriptor, path):
                return Ownership(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_PAUSE_S)


def adopt(path: Path, descriptor: int) -> Ownership | None:
    """Go on holding a lock that a parent process took and passed on; None if that is not what the descriptor is."""
    try:
        held = _is_same(descriptor, path) and _try_lock(path, descriptor, fcntl.LOCK_EX)
    except OSError:  # not open at all
        return None
    if held:
        os.set_inheritable(descriptor, False)
    return Ownership(path, descriptor) if held else None


def owner_note(path: Path) -> bytes | None:
    """Give the note of whoever holds a lock now; None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # no such file, or not ours to look at: not ours to wait for
        return None
    try:
        if _try_lock(path, descriptor, fcntl.LOCK_SH):
            return None
        return os.pread(descriptor, _NOTE_BYTES, 0).rstrip(b" \0")
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[Ownership]:
    """Hold a lock within the block, for things that take moments; waits for it however long.

    Raises:
        StorageFull, Failure: as of `own`.
    """
    while (lock := own(path, patience_s=10.0)) is None:
        pass
    try:
        yield lock
    finally:
        lock.release()


def _try_lock(path: Path, descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # ENOLCK of some network disks
        raise Failure(
            f"The folder {str(path.parent)!r} cannot hold locks ({error.strerror}); "
            "set VIT_LOCK_DIR to a folder on a disk of this machine."
        ) from error
    return True


def _is_same(descriptor: int, path: Path) -> bool:
    """Tell whether the open file still goes by its name."""
    held = os.fstat(descriptor)
    try:
        named = path.stat()
    except OSError:
        return False
    return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


@contextlib.contextmanager
def _locking(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = StorageFull if error.errno in FULL_DISK_ERRORS else Failure
        raise kind(
            f"The folder of the locks, {str(path.parent)!r}, cannot be written: {error.strerror or error}. "
            "Make room or make it writable, or set VIT_LOCK_DIR to another folder on a disk of this machine."
        ) from error
