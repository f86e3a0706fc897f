"""Checkpoint files that visitors brought: saved at once under our own names, bounded, the oldest deleted for new ones.

A file's name here is made from its content, so a link to it works for whoever has the file's digest and nobody else.
Told how many attention heads its model has, it gets a second name that says so, and a small file that tells whoever
reads it.
"""

import hashlib
import json
import os
import re
from io import BytesIO
from pathlib import Path
from typing import get_args

from vit_core.checkpoints.beginnings import BEGINNING_BYTES, Format, format_of
from vit_core.checkpoints.beside import OWN_SUFFIX
from vit_core.errors import BadCheckpoint, StorageFull, shorten

MAX_FILE_BYTES = 500 * 1000**2
MAX_TOTAL_BYTES = 2 * 1000**3
_NAME = re.compile(r"(own-[0-9a-f]{16})(?:-h([1-9][0-9]{0,2}))?")
_SUFFIXES = tuple(f".{kind}" for kind in get_args(Format))
_CHUNK = 1 << 20


def bare_name(name: str) -> str:
    """Give the name of a visitor's file without what was told of it.

    Example:
        >>> bare_name("own-0123456789abcdef-h12")
        'own-0123456789abcdef'
    """
    match = _NAME.fullmatch(name)
    return match[1] if match else name


def told_heads(name: str) -> int | None:
    """Give the attention heads that a visitor told of a file, by its name; None where none were told."""
    match = _NAME.fullmatch(name)
    return int(match[2]) if match and match[2] else None


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

    def with_heads(self, name: str, num_heads: int) -> str:
        """Give the name of the same file, known to have so many attention heads.

        Raises:
            BadCheckpoint: the file is no longer here.
            StorageFull: the disk has no room.
        """
        path = self.path(name)
        if path is None:
            raise BadCheckpoint("Your file is no longer here; bring it once more.")
        told = f"{bare_name(name)}-h{num_heads}"
        target = path.with_name(told + path.suffix)
        try:
            target.with_name(target.name + OWN_SUFFIX).write_text(json.dumps({"num_heads": num_heads}))
            if not target.exists():
                os.link(path, target)  # takes no room
        except OSError as error:
            raise StorageFull(f"Your file could not be kept here ({error.strerror}); free some disk space.") from error
        return told

    def clear(self) -> int:
        """Delete all of them; give the bytes freed."""
        freed = 0
        for path in self._files():
            freed += path.stat().st_size if path.stat().st_nlink == 1 else 0  # the last name of its bytes
            _delete(path)
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
        total = sum(path.stat().st_size // path.stat().st_nlink for path in files)
        for path in files:
            if total <= MAX_TOTAL_BYTES:
                return
            if path.stem != keep:
                total -= path.stat().st_size // path.stat().st_nlink
                _delete(path)

    def _files(self) -> list[Path]:
        found = self._folder.glob("own-*.*") if self._folder.is_dir() else ()
        return [path for path in found if path.suffix in _SUFFIXES]


def _delete(path: Path) -> None:
    """Delete a file, and what was told of it."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + OWN_SUFFIX).unlink(missing_ok=True)
