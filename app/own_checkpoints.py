"""Checkpoint files that visitors brought: saved at once under our own names, bounded, the oldest deleted for new ones.

A file's name here is made from its content, so a link to it works for whoever has the file's digest and nobody else.
"""

import hashlib
import re
from io import BytesIO
from pathlib import Path
from typing import get_args

from vit_core.checkpoints.beginnings import BEGINNING_BYTES, Format, format_of
from vit_core.errors import BadCheckpoint, StorageFull, shorten

MAX_FILE_BYTES = 500 * 1000**2
MAX_TOTAL_BYTES = 2 * 1000**3
_NAME = re.compile(r"own-[0-9a-f]{16}")
_SUFFIXES = tuple(f".{kind}" for kind in get_args(Format))
_CHUNK = 1 << 20


class OwnCheckpoints:
    """The visitors' files in one folder, shared by the processes that use the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path | None:
        """Give the file behind a name such as "own-0123456789abcdef", or None."""
        if not _NAME.fullmatch(name):
            return None
        return next((path for path in self._files() if path.stem == name), None)

    def save(self, source: BytesIO, *, given_name: str, size_bytes: int) -> str:
        """Save an upload and give its name here.

        Raises:
            BadCheckpoint: empty, too large, or not the start of a file of weights.
            StorageFull: the disk has no room.
        """
        given = shorten(given_name, 60)
        if size_bytes > MAX_FILE_BYTES:
            raise BadCheckpoint(
                f"“{given}” has {size_bytes / 1e6:,.0f} MB; files up to {MAX_FILE_BYTES / 1e6:,.0f} MB can be brought "
                "by the browser. Put larger ones into a folder and let the operator set VIT_BUCKET to it."
            )
        source.seek(0)
        try:
            kind = format_of(source.read(BEGINNING_BYTES))
        except BadCheckpoint as error:
            raise BadCheckpoint(f"“{given}” {error}") from error
        source.seek(0)
        name = f"own-{hashlib.file_digest(source, 'sha256').hexdigest()[:16]}"
        source.seek(0)
        try:
            self._write(f"{name}.{kind}", source)
        except OSError as error:
            raise StorageFull(f"“{given}” could not be saved here ({error.strerror}); free some disk space.") from error
        self._make_room(keep=name)
        return name

    def clear(self) -> int:
        """Delete all of them; give the bytes freed."""
        freed = 0
        for path in self._files():
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
        return freed

    def _write(self, name: str, source: BytesIO) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f"{name}.part"
        with part.open("wb") as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk)
        part.replace(self._folder / name)

    def _make_room(self, *, keep: str) -> None:
        files = sorted(self._files(), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= MAX_TOTAL_BYTES:
                return
            if path.stem != keep:
                total -= path.stat().st_size
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        found = self._folder.glob("own-*.*") if self._folder.is_dir() else ()
        return [path for path in found if path.suffix in _SUFFIXES]
