"""Files of a run, all or nothing, and the sentences for a disk that refuses them. No JAX here."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vit_core.errors import Failure, StorageFull

# A quota is a full disk to the person who meets it, and so is a limit on the size of one file.
_FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def keeping(what: str, folder: Path) -> Iterator[None]:
    """Turn what the disk refuses within the block into an error for people.

    Args:
        what: is being written, as a noun: "the report".
        folder: where it goes.

    Raises:
        StorageFull: there is no room.
        Failure: the system has another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL_DISK:
            raise StorageFull(
                f"There is no room on the disk for {what} in {str(folder)!r} ({error.strerror}). "
                "Free some space, then resume the run."
            ) from error
        raise Failure(
            f"In {str(folder)!r}, {what} cannot be written: {error.strerror or error}. "
            "Make the folder writable, then resume the run."
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Put a text under its name when it is complete and on the disk, in place of an older one.

    Raises:
        OSError: the folder is missing, or the disk is full; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
