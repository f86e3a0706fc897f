"""A folder that appears when all that belongs in it is written, and the sentences for a disk that refuses it."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vit_core.errors import Failure, StorageFull
from vit_core.store.problems import FULL_DISK_ERRORS


@contextlib.contextmanager
def whole_folder(target: Path, *, what: str) -> Iterator[Path]:
    """Give an empty folder beside `target` to write into; it takes the target's place when the block ends well.

    An older folder of that name is replaced. When the block fails, nothing of it is left.

    Args:
        target: the folder to make, and the folders above it.
        what: is being written, as a noun: "the model".

    Raises:
        StorageFull: there is no room.
        Failure: the system has another reason not to write.
    """
    with writing(what, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        try:
            yield temporary
            _flush(temporary)
            temporary.chmod(0o755)
            _put(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def writing(what: str, target: Path) -> Iterator[None]:
    """Turn what the disk refuses within the block into an error for people.

    Raises:
        StorageFull: there is no room.
        Failure: the system has another reason not to write.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK_ERRORS:
            raise StorageFull(
                f"There is no room on the disk for {what} in {str(target)!r} ({error.strerror}). "
                "Free some space, then try again."
            ) from error
        raise Failure(f"In {str(target)!r}, {what} cannot be written: {error.strerror or error}.") from error


def _flush(folder: Path) -> None:
    """See that the content is on the disk before the name says so."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _put(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)  # one step where the target is not there, or is empty
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        # No system call exchanges folders everywhere; the older one stands aside for a moment.
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
        try:
            target.replace(aside)
            temporary.replace(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
