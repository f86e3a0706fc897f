"""The folder of pictures on their way in: what was sent, under a lock that goes with the process.

    .data/.intake-ID/name.txt    what people call the pictures
    .data/.intake-ID/…           what was sent; gone when they are in

When the process dies the system frees the lock. What was sent is deleted then, and the name is kept for a week, so
that whoever opens the link is told what became of the pictures.
"""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Literal

from vit_core.datasets.staging import disk, sweep_staging

Fate = Literal["unknown", "under way", "abandoned"]
_PREFIX, _NAME = ".intake-", "name.txt"


class Spool:
    """The folder of one intake, held until it is closed.

    Attributes:
        data_id: of the data set that is to be.
        name: of it, for people.
        folder: for what was sent.
    """

    def __init__(self, parent: Path, data_id: str, *, name: str) -> None:
        """Make the folder and hold it.

        Raises:
            StorageFull: the disk has no room.
            StoreError: the folder cannot be made.
        """
        self.data_id, self.name = data_id, name
        self.folder = _folder(parent, data_id)
        with disk(parent):
            self.folder.mkdir(parents=True)
            self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                # The name last: a folder without one has nothing to tell of, and is not looked at.
                (self.folder / _NAME).write_text(name, encoding="utf-8", errors="replace")
            except OSError:
                self.close()
                raise

    def close(self) -> None:
        """Delete it with all that was sent."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def fate_of(parent: Path, data_id: str) -> tuple[Fate, str]:
    """Give what is known of an intake, of whatever process, and the name of its pictures.

    What an abandoned one left is deleted, but for its name.
    """
    folder = _folder(parent, data_id)
    try:
        name = (folder / _NAME).read_text(encoding="utf-8", errors="replace")
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # none, or it has just ended
        return "unknown", ""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "under way", name
    else:
        _empty(folder)
        return "abandoned", name
    finally:
        os.close(lock)


def sweep_abandoned(parent: Path) -> None:
    """Delete what processes that died left of their intakes, but for the names.

    Raises:
        StoreError: the folder cannot be read.
    """
    sweep_staging(parent)
    for folder in sorted(parent.glob(f"{_PREFIX}*")):
        fate_of(parent, folder.name.removeprefix(_PREFIX))


def _folder(parent: Path, data_id: str) -> Path:
    return parent / f"{_PREFIX}{data_id}"


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _NAME:
            path.unlink(missing_ok=True)
