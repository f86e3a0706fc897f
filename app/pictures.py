"""The pictures that one visitor gave: files in a private folder, counted, told apart, and forgotten with the visit.

Bytes leave the web process's memory as soon as they arrive: uploads of many visitors would fill it otherwise. Nothing
is decoded here; the process that owns the accelerator does that, and says which file is no picture.
"""

import dataclasses
import hashlib
import shutil
import tempfile
import weakref
from pathlib import Path

from vit_core.errors import shorten

MAX_PICTURES = 200
MAX_TOTAL_BYTES = 500 * 1000**2


@dataclasses.dataclass(frozen=True)
class Picture:
    """One picture as given. `digest` (SHA-256, hex) is its identity and its file's name; `name` is only shown."""

    digest: str
    name: str
    size_bytes: int


class PictureBox:
    """The accepted pictures, in the order they came, and a sentence for each one left out.

    The folder is deleted when the box is: at the end of the visit, or when the process ends.
    """

    def __init__(self, *, max_picture_bytes: int, parent: Path | None = None) -> None:
        self._max_picture_bytes = max_picture_bytes
        self._folder = Path(tempfile.mkdtemp(prefix="vit-explorer-pictures-", dir=parent))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._pictures: dict[str, Picture] = {}
        self.notes: list[str] = []

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The accepted pictures, first come first."""
        return tuple(self._pictures.values())

    @property
    def total_bytes(self) -> int:
        """Bytes on disk."""
        return sum(picture.size_bytes for picture in self._pictures.values())

    def add(self, name: str, data: bytes) -> Picture | None:
        """Take one picture, or leave a sentence in `notes` that says why not.

        Gives the picture that now stands for `data`: the earlier one when the same bytes were given before.
        """
        digest = hashlib.sha256(data).hexdigest()
        if earlier := self._pictures.get(digest):
            self.notes.append(f"{_quoted(name)} is the same picture as {_quoted(earlier.name)}, which is here already.")
            return earlier
        if refusal := self._refusal(name, len(data)):
            self.notes.append(refusal)
            return None
        try:
            (self._folder / digest).write_bytes(data)
        except OSError as error:
            self.notes.append(
                f"{_quoted(name)} could not be kept on this machine ({error.strerror}); free some disk space."
            )
            return None
        picture = Picture(digest=digest, name=name, size_bytes=len(data))
        self._pictures[digest] = picture
        return picture

    def note_too_large(self, name: str, size_bytes: int) -> None:
        """Leave the sentence for a picture that the page kept back because of its size."""
        self.notes.append(self._too_large(name, size_bytes))

    def note_too_many(self, name: str) -> None:
        """Leave the sentence for a picture that the page kept back because of the number."""
        self.notes.append(_too_many(name))

    def read(self, picture: Picture) -> bytes:
        """Give the bytes of an accepted picture."""
        return (self._folder / picture.digest).read_bytes()

    def remove(self, digest: str) -> None:
        """Forget one picture and delete its file."""
        if self._pictures.pop(digest, None):
            (self._folder / digest).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all pictures and notes, and delete the files."""
        for digest in tuple(self._pictures):
            self.remove(digest)
        self.notes.clear()

    def _refusal(self, name: str, size_bytes: int) -> str | None:
        if size_bytes == 0:
            return f"{_quoted(name)} is empty; choose a picture file."
        if size_bytes > self._max_picture_bytes:
            return self._too_large(name, size_bytes)
        if len(self._pictures) >= MAX_PICTURES:
            return _too_many(name)
        if self.total_bytes + size_bytes > MAX_TOTAL_BYTES:
            return (
                f"{_quoted(name)} was left out: with it the pictures would pass {_megabytes(MAX_TOTAL_BYTES)} in all. "
                "Clear some and add it again."
            )
        return None

    def _too_large(self, name: str, size_bytes: int) -> str:
        limit = _megabytes(self._max_picture_bytes)
        return f"{_quoted(name)} has {_megabytes(size_bytes)}; the limit is {limit} a picture. Save it smaller."


def _too_many(name: str) -> str:
    return f"{_quoted(name)} was left out: {MAX_PICTURES} pictures are the limit. Clear some and add it again."


def _quoted(name: str) -> str:
    return f"“{shorten(name, 60)}”"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
