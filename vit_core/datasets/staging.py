"""A folder that is there with all its files, or not at all.

Files gather in a hidden folder beside the one that is wanted, and a rename shows them. Who gathers holds a lock on the
hidden folder, which the system frees when the process dies, so that what a killed process left is told from what
another process is at, and swept.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vit_core.errors import BadDataset, StorageFull, StoreError, shorten

_PREFIX = ".taking-"
_FULL_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a folder to put files into; at the end of the block it becomes `folder`, on an error it is gone.

    Raises:
        BadDataset: there is already something at `folder`.
        StorageFull: there is no room on the disk.
        StoreError: the folder cannot be made.
    """
    with disk(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _held(folder.parent):  # so that nobody sweeps the folder between its making and its locking
            _sweep(folder.parent)
            staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_PREFIX))
            lock = _open_folder(staging)
            fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield staging
        with disk(folder.parent):
            staging.chmod(0o755)
            _show(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(lock)


def sweep_staging(parent: Path) -> None:
    """Remove what processes that died were gathering below a folder.

    Raises:
        StoreError: the folder cannot be read.
    """
    with disk(parent):
        if parent.is_dir():
            with _held(parent):
                _sweep(parent)


def note_use(folder: Path) -> None:
    """Note that a folder of images is used once more: those that nobody uses are deleted a week later."""
    with disk(folder), contextlib.suppress(PermissionError):  # another user's, whose use of it counts
        os.utime(folder)


def check_room(folder: Path, size_bytes: int) -> None:
    """Refuse what the disk has no room for, before a byte of it is written.

    Raises:
        StorageFull: less is free than `size_bytes`.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(there).free
    if free < size_bytes:
        raise StorageFull(
            f"The images need {size_bytes / 1e6:.0f} MB, and the disk of {shorten(str(there), 300)!r} has "
            f"{free / 1e6:.0f} MB left. Free some space, or set VIT_RUNS_DIR to a folder on another disk."
        )


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses within the block into an error for people.

    Raises:
        StorageFull: there is no room.
        StoreError: the system has another reason.
    """
    try:
        yield
    except OSError as error:
        shown = shorten(str(folder), 300)
        if error.errno in _FULL_DISK_ERRORS:
            raise StorageFull(
                f"There is no room on the disk of {shown!r} for the images ({error.strerror}). "
                "Free some space, or set VIT_RUNS_DIR to a folder on another disk."
            ) from error
        raise StoreError(
            f"The folder {shown!r} cannot be written: {error.strerror or error}. "
            "Make it writable, or set VIT_RUNS_DIR to another folder."
        ) from error


def _show(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)  # replaces an empty folder, and nothing else
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        raise BadDataset(f"There is already data in {shorten(str(folder), 300)!r}; take another folder.") from error


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    lock = _open_folder(folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open_folder(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _sweep(parent: Path) -> None:
    """Remove what processes that died left below a folder."""
    for staging in parent.glob(f"{_PREFIX}*"):
        try:
            lock = _open_folder(staging)
        except FileNotFoundError:  # its owner was through with it
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(staging, ignore_errors=True)  # another process may be at the same
        except BlockingIOError:  # it belongs to a process that is at it
            continue
        finally:
            os.close(lock)
