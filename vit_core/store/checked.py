"""Files that were read whole once and found good, so that the next process need not read them whole again.

A file counts as the one that was checked while its place on the disk, size and times stay: any write changes the time
of its last change, which no program can set on a local disk. Damage that the system does not see, a failing disk say,
is not found so; the programs that fetch, export and fine-tune look at every byte as ever.

    CACHE/checked/SUM-OF-THE-PATH.json    what the system said of the file when it was read
"""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path

_TICK_NS = 20_000_000  # of the clock of a file system: a write sooner than this after another may have the same time
_MOST = 1000  # notes; the oldest go

Identity = tuple[int, int, int, int, int]


class Checked:
    """The notes in one folder."""

    def __init__(self, folder: Path) -> None:
        """Describe the notes; touches nothing."""
        self._folder = folder

    def identity(self, path: Path) -> Identity | None:
        """Give what the system says of a file: device, number, size, and times; None if it says nothing."""
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def known_good(self, path: Path) -> Identity | None:
        """Give what the system says of a file if that is what it said when the file was found good, else None."""
        try:
            noted = json.loads(self._note(path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        identity = self.identity(path)
        return identity if identity is not None and noted == list(identity) else None

    def note(self, path: Path, identity: Identity | None) -> None:
        """Remember that a file was found good, if it is the one that it was before it was read.

        Args:
            path: the file.
            identity: as it was before.
        """
        settled = identity is not None and time.time_ns() - max(identity[3:]) > _TICK_NS
        if settled and identity == self.identity(path):
            self._write(path, identity)

    def follow(self, path: Path, before: Identity | None) -> None:
        """Remember a file that was good before its times were set, and is still the same file of the same size."""
        after = self.identity(path)
        if before is not None and after is not None and before[:3] == after[:3]:
            self._write(path, after)

    def _note(self, path: Path) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()}.json"

    def _write(self, path: Path, identity: Identity | None) -> None:
        with contextlib.suppress(OSError):  # a disk that is full or read-only: the file is read whole the next time
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=".part", delete=False) as file:
                json.dump(identity, file)
            Path(file.name).replace(self._note(path))
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        notes = list(self._folder.iterdir())
        if len(notes) > _MOST:
            notes.sort(key=lambda note: note.stat().st_mtime_ns)
            for note in notes[: len(notes) - _MOST]:
                note.unlink(missing_ok=True)
