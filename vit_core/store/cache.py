"""The local cache: files of downloads, bounded in size, shared by threads and processes.

The least recently used files are deleted first, and never one that somebody holds a lease on. The time of the last use
is the file's modification time, since many disks do not record reads.

    CACHE/checkpoints/BUCKET/NAME.npz             a whole, checked file
    CACHE/checkpoints/hub_…/{model.safetensors,…} a repository of the Hugging Face Hub, used and deleted as one
    CACHE/checkpoints/hub_…/contents.json         which files belong to it, with their sizes
    CACHE/checkpoints/{at_,hub_}…/origin.txt      the address that the files of such a folder came from
    CACHE/checkpoints/BUCKET/NAME.npz.part        a download under way or cut off, with NAME.npz.part.json
    CACHE/locks/BUCKET/NAME.npz.{download,use}    lock files, never deleted; the first holds what was stated
"""

import contextlib
import dataclasses
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from vit_core.errors import ObjectMissing, StorageFull
from vit_core.store.checked import Checked
from vit_core.store.location import Location, shelf_for
from vit_core.store.locks import locked, try_lock
from vit_core.store.part import delete_part
from vit_core.store.problems import describe_size, writing
from vit_core.store.shelves import (
    ORIGIN,
    PART,
    REPOSITORY,
    CacheEntry,
    CacheUsage,
    KeptFile,
    awaited_bytes,
    files_of,
    forget_contents,
    is_complete,
    is_proven,
    is_repository,
    name_of,
    scan,
    write_contents,
)

_log = logging.getLogger(__name__)
_FRESH_S = 60.0  # between a download and the lease of who asked for it; spared while older files can go
_STALE_PART_S = 7 * 24 * 3600.0


@dataclasses.dataclass(frozen=True)
class Slot:
    """Where one object lies in the cache."""

    path: Path
    part: Path
    download_lock: Path
    use_lock: Path


class Cache:
    """The files under one folder."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        """Describe the cache; touches nothing."""
        self._files_folder = folder.absolute() / "checkpoints"
        self._locks_folder = folder.absolute() / "locks"
        self.checked = Checked(folder.absolute() / "checked")
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
        with writing(folder / ORIGIN):
            folder.mkdir(parents=True, exist_ok=True)
            if location.shelf and not (folder / ORIGIN).is_file():
                origin = location.name if location.kind == "hub" else location.name.rpartition("/")[0] + "/"
                (folder / ORIGIN).write_text(origin, encoding="utf-8")

    def touch(self, path: Path) -> bool:
        """Mark a whole file as used now; say whether it is there."""
        return self.take(self._slot(path)) is not None

    def take(self, slot: Slot) -> Path | None:
        """Give the whole file if it is there, and mark it as used now."""
        before = self.checked.known_good(slot.path)
        try:
            os.utime(slot.path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:  # a cache that others fill: readable is enough
            return slot.path if slot.path.is_file() else None
        if before is not None:
            self.checked.follow(slot.path, before)
        return slot.path

    @contextlib.contextmanager
    def lease(self, path: Path) -> Iterator[Path]:
        """Keep a file from being deleted within the block; a file outside of the cache needs no keeping.

        Raises:
            ObjectMissing: it was deleted before the lease began; fetch it again.
        """
        if not self.owns(path):
            yield path
            return
        slot = self._slot(path)
        with locked(slot.use_lock, shared=True):
            is_gone = is_repository(path.parent) and not is_complete(path.parent)
            if is_gone or self.take(slot) is None:
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
        own = frozenset({slot.path, slot.part})
        self._make_room(_Wish(what, needed_bytes, slot, lambda file: file.path in own))

    def claim(self, files: Mapping[str, int], *, slot: Slot, name: str) -> None:
        """Make room for all files of a repository, before the first is downloaded, and note which they are.

        Args:
            files: the bytes of each, 0 where nobody says.
            slot: the place of one of them.
            name: of the repository, for a message.

        Raises:
            StorageFull: they cannot fit, within the limit of the cache or on the disk.
        """
        folder, needed_bytes = slot.path.parent, sum(files.values())
        wish = _Wish(
            f"{name} has {describe_size(needed_bytes)}", needed_bytes, slot, lambda file: file.path.parent == folder
        )
        self._make_room(wish, claimed=files)

    def using(self, location: Location) -> contextlib.AbstractContextManager[None]:
        """Keep all that is there of a repository, or comes, from being deleted by others within a `with` block."""
        return locked(self.slot(location).use_lock, shared=True)

    def usage(self) -> CacheUsage:
        """Count what is there."""
        files = scan(self._files_folder)
        return CacheUsage(len(files), sum(file.bytes for file in files), self._limit_bytes)

    def entries(self) -> tuple[CacheEntry, ...]:
        """List what is there, the latest used first."""
        return tuple(
            CacheEntry(name_of(file.path), file.bytes, datetime.fromtimestamp(file.used_at_s, UTC), file.is_whole)
            for file in sorted(scan(self._files_folder), key=lambda file: -file.used_at_s)
        )

    def clear(self) -> int:
        """Delete all that nobody uses or downloads; give the bytes freed."""
        return sum(self._delete(file) for file in scan(self._files_folder))

    def owns(self, path: Path) -> bool:
        """Tell whether a file lies in the cache."""
        return path.is_relative_to(self._files_folder)

    def discard(self, path: Path) -> bool:
        """Delete a file that proved to be bad, in use or not; say whether that helps.

        A file that still has the checksum that its bucket stated is bad where it was published: it stays, since
        another copy would be the same. Of a repository the files are looked at one by one; downloads go on.
        """
        if not self.owns(path):
            return False
        candidates = files_of(path.parent) if is_repository(path.parent) else [path]
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            bad = [each for each in candidates if not is_proven(each, self._slot(each).download_lock)]
            for each in bad:
                each.unlink(missing_ok=True)
            return bool(bad)
        return True

    def sweep(self) -> None:
        """Delete what is left of downloads that nobody went on with for a week."""
        for file in scan(self._files_folder):
            if file.is_part and time.time() - file.used_at_s > _STALE_PART_S:
                self._delete(file)

    def _slot(self, path: Path) -> Slot:
        lock = self._locks_folder / path.parent.name / path.name
        used = REPOSITORY if is_repository(path.parent) else lock.name  # the files of a repository as one
        return Slot(
            path,
            path.with_name(path.name + PART),
            lock.with_name(lock.name + ".download"),
            lock.with_name(used + ".use"),
        )

    def _make_room(self, wish: "_Wish", *, claimed: Mapping[str, int] | None = None) -> None:
        if wish.bytes > self._limit_bytes:
            raise StorageFull(
                f"{wish.what}, but the whole cache may hold only {describe_size(self._limit_bytes)}; "
                "raise VIT_CACHE_LIMIT."
            )
        with writing(wish.slot.path):
            wish.slot.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._locks_folder / "room"):
            for file in self._oldest_first(wish):
                if self._shortage(wish) <= 0:
                    break
                self._delete(file)
            self._check_room(wish)
            if claimed is not None:
                with writing(wish.slot.path):
                    write_contents(wish.slot.path.parent, claimed)

    def _oldest_first(self, wish: "_Wish") -> list[KeptFile]:
        now = time.time()
        own = wish.slot.path.parent if is_repository(wish.slot.path.parent) else None
        files = [file for file in scan(self._files_folder) if not wish.is_own(file) and file.path.parent != own]
        return sorted(files, key=lambda file: (abs(now - file.used_at_s) < _FRESH_S, file.used_at_s))

    def _shortage(self, wish: "_Wish") -> int:
        files = scan(self._files_folder)
        others = [file for file in files if not wish.is_own(file)]
        # Other downloads under way will take up what they have announced.
        held = sum(file.claimed_bytes for file in others) + self._awaited_bytes(others, wish.slot.path.parent)
        missing = wish.bytes - sum(file.bytes for file in files if wish.is_own(file))
        return max(held + wish.bytes - self._limit_bytes, missing - self._free_bytes(wish.slot))

    def _awaited_bytes(self, files: list[KeptFile], own: Path) -> int:
        """Give what repositories that others download will have, beyond what is there of them."""
        folders = [folder for folder in self._files_folder.glob(f"{REPOSITORY}*") if folder != own]
        return sum(
            max(0, awaited - sum(file.claimed_bytes for file in files if file.path.parent == folder))
            for folder in folders
            if (awaited := awaited_bytes(folder, self._slot(folder / ORIGIN).use_lock))
        )

    def _free_bytes(self, slot: Slot) -> int:
        with writing(slot.part):
            return shutil.disk_usage(slot.part.parent).free

    def _check_room(self, wish: "_Wish") -> None:
        if self._shortage(wish) <= 0:
            return
        free = self._free_bytes(wish.slot)
        held = sum(file.bytes for file in scan(self._files_folder) if wish.is_own(file))
        if wish.bytes - held > free:
            raise StorageFull(
                f"{wish.what}, but the disk of the cache has only "
                f"{describe_size(free)} free. Free some space, or set VIT_CACHE_DIR to a folder on another disk."
            )
        raise StorageFull(
            f"{wish.what} and does not fit: what else is in the cache "
            f"(limit {describe_size(self._limit_bytes)}) is in use. Try again later, or raise VIT_CACHE_LIMIT."
        )

    def _delete(self, file: KeptFile) -> int:
        """Delete a file unless it is in use; give the bytes freed."""
        slot = self._slot(file.path.with_name(file.path.name.removesuffix(PART)))
        lock = try_lock(slot.download_lock if file.is_part else slot.use_lock)
        if lock is None:
            return 0
        try:
            _log.info("deleting %s from the cache", file.path.name)
            if file.is_part:
                return delete_part(file.path)
            return _delete_whole(file.path)
        finally:
            lock.release()


@dataclasses.dataclass(frozen=True)
class _Wish:
    """Room that is wanted: for what, in words, how much, where, and which files are a part of it already."""

    what: str
    bytes: int
    slot: Slot
    is_own: Callable[[KeptFile], bool]


def _delete_whole(path: Path) -> int:
    """Delete a file, or all of its repository that is there by now: some may have come since it was listed."""
    paths = [path]
    if is_repository(path.parent):
        forget_contents(path.parent)
        paths = files_of(path.parent)
    freed = 0
    for each in paths:
        with contextlib.suppress(FileNotFoundError):  # by hand, or as one that proved to be bad
            size = each.stat().st_size
            each.unlink()
            freed += size
    return freed


def _suffix(file_name: str) -> str:
    return "." + file_name.rpartition(".")[2] if "." in file_name else ""
