"""The `.part` file of a download, and the record beside it that says what its bytes are of.

Of a download that was cut off, killed or cancelled both files stay, and the next one goes on where it ended. The file
gets its final name only when it is whole and checked.
"""

import dataclasses
import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from vit_core.errors import CorruptDownload, StorageFull
from vit_core.store.location import Location
from vit_core.store.problems import writing
from vit_core.store.sink import Sink, Version

_AHEAD = 4_000_000  # bytes of an object of unstated size that room is made for at once
_log = logging.getLogger(__name__)


class PartFile(Sink):
    """Keeps the bytes of one object in a file."""

    def __init__(
        self,
        part: Path,
        location: Location,
        *,
        stop: threading.Event,
        on_size: Callable[[int, bool], None],
    ) -> None:
        """Open the part file, with what an earlier download left in it.

        Args:
            part: the file; its record is `part` + ".json". The caller holds the lock of this download.
            location: the object.
            stop: ends the download when set.
            on_size: told the size of the object before its bytes come, and whether that is only the least that it has,
                as of an object whose size nobody states; raises StorageFull if it cannot have room.

        Raises:
            StoreError: the file cannot be made; StorageFull if for want of space.
        """
        super().__init__(location, stop=stop)
        self._part = part
        self._on_size = on_size
        self._room = 0  # bytes that there is room for
        with writing(part):
            part.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = part.open("a+b", buffering=0)
        self._take_up()

    def begin(self, start: int, version: Version) -> None:
        """Get ready for bytes from `start` on, and make sure that there is room for them.

        Raises:
            StorageFull: there is not.
        """
        super().begin(start, version)
        self._room = version.size or 0
        self._on_size(self._room, version.size is None)

    def finish(self, target: Path) -> None:
        """Put the file in its place, whole or not at all.

        Raises:
            CorruptDownload: it is not an archive at all, and there was no checksum to tell.
            StorageFull: the last bytes found no room.
        """
        self._check_is_archive(target)
        with writing(target):
            os.fsync(self._file.fileno())
            self.close()
            self._part.replace(target)
            _record_path(self._part).unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the file and its record."""
        self.close()
        delete_part(self._part)

    def close(self) -> None:
        """Close the file and keep it."""
        self._file.close()

    def reset(self) -> None:
        """Forget all bytes, on the disk too."""
        super().reset()
        with writing(self._part):
            self._file.truncate(0)
            _record_path(self._part).unlink(missing_ok=True)

    def _take_up(self) -> None:
        version = recorded_version(self._part, self._location)
        held = self._file.seek(0, os.SEEK_END)
        if version is None or (version.size is not None and held > version.size):
            return
        self._file.seek(0)
        self._start_sums(version)
        while block := self._file.read(1 << 20):
            self._add_to_sums(block)
        self.offset, self.furthest, self.version = held, held, version
        _log.info("going on with %s at byte %d", self._location.name, held)

    def _empty(self, version: Version) -> None:
        with writing(self._part):
            self._file.truncate(0)
            record = {"url": self._location.shown, **dataclasses.asdict(version)}
            _record_path(self._part).write_text(json.dumps(record), encoding="utf-8")

    def _keep(self, data: bytes) -> None:
        if self.offset + len(data) > self._room:
            self._ask_for_room(self.offset + len(data))
        view = memoryview(data)
        with writing(self._part):
            while view:  # an unbuffered write may take only a part, as at the end of a full disk
                view = view[self._file.write(view) :]

    def _ask_for_room(self, needed: int) -> None:
        """Make room for some bytes ahead, so as not to ask for each block; where it is scarce, for these alone."""
        try:
            self._on_size(needed + _AHEAD, True)
            self._room = needed + _AHEAD
        except StorageFull:
            self._on_size(needed, True)
            self._room = needed

    def _check_is_archive(self, target: Path) -> None:
        if target.suffix not in (".npz", ".safetensors") or (self.version and self.version.is_provable):
            return
        self._file.seek(0)
        head = self._file.read(40)
        # Each .npz is a zip archive; a .safetensors begins with the length of its JSON, in 8 bytes.
        if not (head.startswith(b"PK") if target.suffix == ".npz" else head[8:9] == b"{"):
            raise CorruptDownload(
                f"What came for {self._location.shown} is no {target.suffix} file: it begins with {head!r}. "
                "A proxy or a sign-in page may have answered in its place; open the address in a browser to see."
            )


def recorded_version(part: Path, location: Location) -> Version | None:
    """Read of which version the bytes of a part file are; None if of none that can be told, or of another place."""
    record = _read_record(part)
    generation, size = record.get("generation"), record.get("size")
    crc32c, digest = record.get("crc32c"), record.get("digest")
    if record.get("url") != location.shown or not isinstance(generation, str) or not isinstance(size, int | None):
        return None
    if not (isinstance(crc32c, str | None) and isinstance(digest, str | None)):
        return None
    return Version(generation, size, crc32c, digest)


def claimed_bytes(part: Path) -> int:
    """Give the size that a part file will have when it is whole; 0 if that is not known."""
    size = _read_record(part).get("size")
    return size if isinstance(size, int) else 0


def delete_part(part: Path) -> int:
    """Delete a part file and its record; give the bytes freed."""
    freed = part.stat().st_size if part.exists() else 0
    part.unlink(missing_ok=True)
    _record_path(part).unlink(missing_ok=True)
    return freed


def _read_record(part: Path) -> dict[str, object]:
    try:
        record = json.loads(_record_path(part).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # none, or one that a crash cut off
        return {}
    return record if isinstance(record, dict) else {}


def _record_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")
