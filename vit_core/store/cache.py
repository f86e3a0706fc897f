"""The local cache: files of downloads, bounded in size, shared by threads and processes.

The least recently used files are deleted first, and never one that somebody holds a lease on. The time of the last use
is the file's modification time, since many disks do not record reads.

    CACHE/checkpoints/BUCKET/NAME.npz             a whole, checked file
    CACHE/checkpoints/hub_…/{model.safetensors,…} a repository of the Hugging Face Hub, used and deleted as one
    CACHE/checkpoints/{at_,hub_}…/origin.txt      the address that the files of such a folder came from
    CACHE/checkpoints/BUCKET/NAME.npz.part        a download under way or cut off, with NAME.npz.part.json
    CACHE/locks/BUCKET/NAME.npz.{download,use}    lock files, empty or nearly so, never deleted
"""

import contextlib
import dataclasses
import logging
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from vit_core.errors import ObjectMissing, StorageFull
from vit_core.store.location import Location, shelf_for
from vit_core.store.locks import FileLock, locked, try_lock
from vit_core.store.part import claimed_bytes, delete_part
from vit_core.store.problems import describe_size, writing

_log = logging.getLogger(__name__)
_FRESH_S = 60.0  # between a download and the lease of who asked for it; spared while older files can go
_STALE_PART_S = 7 * 24 * 3600.0
_PART = ".part"
_ORIGIN = "origin.txt"
_REPOSITORY = "hub_"  # how the folder of a repository begins


@dataclasses.dataclass(frozen=True)
class Slot:
    """Where one object lies in the cache."""

    path: Path
    part: Path
    download_lock: Path
    use_lock: Path


@dataclasses.dataclass(frozen=True)
class CacheUsage:
    """What the cache holds, in files and bytes, and its limit."""

    files: int
    bytes: int
    limit_bytes: int


@dataclasses.dataclass(frozen=True)
class CacheEntry:
    """One file of the cache.

    Attributes:
        name: of the object; the whole address where a person gave one.
        bytes: on disk.
        used_at: time of the last use, UTC.
        is_whole: False for a download under way or cut off.
    """

    name: str
    bytes: int
    used_at: datetime
    is_whole: bool


@dataclasses.dataclass(frozen=True)
class _File:
    path: Path
    bytes: int
    used_at_s: float
    beside: tuple[Path, ...] = ()  # deleted with it

    @property
    def is_part(self) -> bool:
        return self.path.name.endswith(_PART)


class Cache:
    """The files under one folder."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        """Describe the cache; touches nothing."""
        self._files_folder = folder.absolute() / "checkpoints"
        self._locks_folder = folder.absolute() / "locks"
        self._limit_bytes = limit_bytes

    def slot(self, location: Location) -> Slot:
        """Give the place of an object; two buckets with the same names stay apart."""
        bucket, _, file_name = location.url.partition("?")[0].rpartition("/")
        if location.shelf:
            file_name = file_name if location.kind == "gs" else unquote(file_name)
            return self._slot(self.shelf(location.shelf) / file_name)
        return self._slot(self._files_folder / shelf_for("", bucket) / f"{location.name}{_suffix(file_name)}")

    def shelf(self, name: str) -> Path:
        """Give the folder of the files of one origin."""
        return self._files_folder / name

    def prepare(self, location: Location) -> None:
        """Make the folder for an object, with a note of where its files come from if nothing else tells.

        Raises:
            StoreError: it cannot be written; StorageFull if for want of space.
        """
        folder = self.slot(location).path.parent
        with writing(folder / _ORIGIN):
            folder.mkdir(parents=True, exist_ok=True)
            if location.shelf and not (folder / _ORIGIN).is_file():
                origin = location.name if location.kind == "hub" else location.name.rpartition("/")[0] + "/"
                (folder / _ORIGIN).write_text(origin, encoding="utf-8")

    def touch(self, path: Path) -> bool:
        """Mark a whole file as used now; say whether it is there."""
        return self.take(self._slot(path)) is not None

    def take(self, slot: Slot) -> Path | None:
        """Give the whole file if it is there, and mark it as used now."""
        try:
            os.utime(slot.path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:  # a cache that others fill: readable is enough
            return slot.path if slot.path.is_file() else None
        return slot.path

    @contextlib.contextmanager
    def lease(self, path: Path) -> Iterator[Path]:
        """Keep a file from being deleted within the block; a file outside of the cache needs no keeping.

        Raises:
            ObjectMissing: it was deleted before the lease began; fetch it again.
        """
        if not path.is_relative_to(self._files_folder):
            yield path
            return
        slot = self._slot(path)
        with locked(slot.use_lock, shared=True):
            if self.take(slot) is None:
                raise ObjectMissing(f"{path.name} has been deleted from the cache; fetch it again.")
            yield path

    def make_room(self, needed_bytes: int, *, slot: Slot, is_least: bool = False) -> None:
        """Delete what has not been used for longest until `needed_bytes` more fit, for the object of `slot`.

        Args:
            needed_bytes: size of the object.
            slot: its place.
            is_least: whether it may have more than that.

        Raises:
            StorageFull: they cannot fit, within the limit of the cache or on the disk.
        """
        what = f"{slot.path.name} has {'at least ' if is_least else ''}{describe_size(needed_bytes)}"
        if needed_bytes > self._limit_bytes:
            raise StorageFull(
                f"{what}, but the whole cache may hold only {describe_size(self._limit_bytes)}; raise VIT_CACHE_LIMIT."
            )
        with locked(self._locks_folder / "room"):
            for file in self._oldest_first(slot):
                if self._shortage(needed_bytes, slot) <= 0:
                    return
                self._delete(file)
            self._check_room(needed_bytes, slot, what)

    def usage(self) -> CacheUsage:
        """Count what is there."""
        files = self._scan()
        return CacheUsage(len(files), sum(file.bytes for file in files), self._limit_bytes)

    def entries(self) -> tuple[CacheEntry, ...]:
        """List what is there, the latest used first."""
        return tuple(
            CacheEntry(
                _name_of(file),
                file.bytes,
                datetime.fromtimestamp(file.used_at_s, UTC),
                not file.is_part,
            )
            for file in sorted(self._scan(), key=lambda file: -file.used_at_s)
        )

    def clear(self) -> int:
        """Delete all that nobody uses or downloads; give the bytes freed."""
        return sum(self._delete(file) for file in self._scan())

    def discard(self, path: Path) -> bool:
        """Delete one file that proved to be bad, in use or not; say whether it was in the cache."""
        if not path.is_relative_to(self._files_folder):
            return False
        for each in path.parent.iterdir() if _is_repository(path.parent) else (path,):
            each.unlink(missing_ok=True)
        return True

    def sweep(self) -> None:
        """Delete what is left of downloads that nobody went on with for a week."""
        for file in self._scan():
            if file.is_part and time.time() - file.used_at_s > _STALE_PART_S:
                self._delete(file)

    def _slot(self, path: Path) -> Slot:
        lock = self._locks_folder / path.parent.name / path.name
        used = _REPOSITORY if _is_repository(path.parent) else lock.name  # the files of a repository as one
        return Slot(
            path,
            path.with_name(path.name + _PART),
            lock.with_name(lock.name + ".download"),
            lock.with_name(used + ".use"),
        )

    def _scan(self) -> list[_File]:
        found = []
        for path in self._files_folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):  # deleted by another process since it was listed
                status = path.stat()
                if not path.name.endswith((_PART + ".json", _ORIGIN)):
                    found.append(_File(path, status.st_size, status.st_mtime))
        return _with_repositories_as_one(found)

    def _oldest_first(self, slot: Slot) -> list[_File]:
        now = time.time()
        own = slot.path.parent if _is_repository(slot.path.parent) else None
        files = [file for file in self._scan() if file.path not in (slot.path, slot.part) and file.path.parent != own]
        return sorted(files, key=lambda file: (abs(now - file.used_at_s) < _FRESH_S, file.used_at_s))

    def _shortage(self, needed_bytes: int, slot: Slot) -> int:
        files = {file.path: file for file in self._scan()}
        own = files.pop(slot.part, None)
        # Other downloads under way will take up what they have announced.
        held = sum(max(file.bytes, claimed_bytes(file.path) if file.is_part else 0) for file in files.values())
        missing = needed_bytes - (own.bytes if own else 0)
        return max(held + needed_bytes - self._limit_bytes, missing - self._free_bytes(slot))

    def _free_bytes(self, slot: Slot) -> int:
        with writing(slot.part):
            return shutil.disk_usage(slot.part.parent).free

    def _check_room(self, needed_bytes: int, slot: Slot, what: str) -> None:
        if self._shortage(needed_bytes, slot) <= 0:
            return
        free = self._free_bytes(slot)
        held = slot.part.stat().st_size if slot.part.exists() else 0
        if needed_bytes - held > free:
            raise StorageFull(
                f"{what}, but the disk of the cache has only "
                f"{describe_size(free)} free. Free some space, or set VIT_CACHE_DIR to a folder on another disk."
            )
        raise StorageFull(
            f"{what} and does not fit: what else is in the cache "
            f"(limit {describe_size(self._limit_bytes)}) is in use. Try again later, or raise VIT_CACHE_LIMIT."
        )

    def _delete(self, file: _File) -> int:
        """Delete a file unless it is in use; give the bytes freed."""
        slot = self._slot(file.path.with_name(file.path.name.removesuffix(_PART)))
        lock = self._try_lock(slot, file)
        if lock is None:
            return 0
        try:
            _log.info("deleting %s from the cache", file.path.name)
            if file.is_part:
                return delete_part(file.path)
            for path in (file.path, *file.beside):
                path.unlink(missing_ok=True)
            return file.bytes
        finally:
            lock.release()

    def _try_lock(self, slot: Slot, file: _File) -> FileLock | None:
        return try_lock(slot.download_lock if file.is_part else slot.use_lock)


def _suffix(file_name: str) -> str:
    return "." + file_name.rpartition(".")[2] if "." in file_name else ""


def _is_repository(folder: Path) -> bool:
    return folder.name.startswith(_REPOSITORY)


def _with_repositories_as_one(files: list[_File]) -> list[_File]:
    """Take the whole files of each repository together, by the name of the largest: of the weights, as a rule."""
    alone = [file for file in files if file.is_part or not _is_repository(file.path.parent)]
    together: dict[Path, list[_File]] = {}
    for file in files:
        if not file.is_part and _is_repository(file.path.parent):
            together.setdefault(file.path.parent, []).append(file)
    for members in together.values():
        first, *others = sorted(members, key=lambda file: -file.bytes)
        size, used_at_s = sum(file.bytes for file in members), max(file.used_at_s for file in members)
        alone.append(_File(first.path, size, used_at_s, tuple(file.path for file in others)))
    return alone


def _name_of(file: _File) -> str:
    """Give the name by which a person knows a file of the cache."""
    name = file.path.name.removesuffix(_PART)
    try:
        origin = file.path.with_name(_ORIGIN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return name.removesuffix(".npz")
    return origin if _is_repository(file.path.parent) else origin + name
