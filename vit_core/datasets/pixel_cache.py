"""A file of decoded images: written once by several threads, checked, then mapped into memory by every later run.

    decoded-images-KEY.pixels = head:   magic, key, checksum of the table
                                table:  a checksum per image
                                pixels: uint8, one image after another

Which image lies where follows from their sizes, which the key stands for. A file appears whole under its name or not at
all. Knows nothing of where pixels come from.
"""

import contextlib
import functools
import logging
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from vit_core.datasets.threads import available_cores, in_order
from vit_core.store.locks import try_lock
from vit_core.store.problems import describe_size, writing

_MAGIC = b"ViT pixels 2\0\0\0\0"  # the number is the version of the layout and of how pixels are made
_HEAD = len(_MAGIC) + 32 + 4
_SUFFIX = ".pixels"
_PART = ".part"
_SHARE_OF_FREE = 0.5  # of the room on the disk, that one cache file may take
_POLL_S = 0.2

_log = logging.getLogger(__name__)

Make = Callable[[int], np.ndarray]
Progress = Callable[[int, int], None]


class PixelCache:
    """A cache file, open for reading; safe to read from several threads."""

    def __init__(self, path: Path, table: np.ndarray, sizes: Sequence[tuple[int, int]]) -> None:
        """Map the file; see `open_cache`."""
        self._path = path
        self._sizes = sizes
        self._starts = _starts(sizes)
        self._table = table
        self._seen = np.zeros(len(sizes), np.bool_)
        self._pixels = np.asarray(np.memmap(path, np.uint8, mode="r"))  # slices of a plain array cost less

    def read(self, number: int) -> UInt8[np.ndarray, "H W 3"] | None:
        """Give an image, read-only; None where the file is damaged, which is then not used by later runs."""
        pixels = self._pixels[self._starts[number] : self._starts[number + 1]]
        if not self._seen[number]:
            if zlib.crc32(pixels.data) != self._table[number]:
                _log.warning("%s is damaged at image %d and is deleted; the image is decoded again", self._path, number)
                self._path.unlink(missing_ok=True)
                return None
            self._seen[number] = True
        return pixels.reshape(*self._sizes[number], 3)


def open_cache(
    folder: Path,
    key: bytes,
    sizes: Sequence[tuple[int, int]],
    make: Make,
    *,
    limit_bytes: int,
    progress: Progress | None = None,
) -> PixelCache | None:
    """Open the cache file of a key, making it first where there is no sound one.

    Args:
        folder: of the cache files.
        key: 32 bytes that stand for everything the pixels depend on.
        sizes: height and width of each image.
        make: gives an image by its number, uint8 [H, W, 3]; called from several threads.
        limit_bytes: of all cache files in the folder.
        progress: told how many images are made, and of how many. What it raises ends the making.

    Returns:
        None where there is too little room by the limit or on the disk.

    Raises:
        StorageFull: the disk filled up on the way; nothing is left behind.
        StoreError: the folder cannot be written.
    """
    path = folder / f"decoded-images-{key.hex()[:16]}{_SUFFIX}"
    progress = progress or _say_nothing
    if cache := _open(path, key, sizes):
        return cache
    with _alone(folder, waiting=functools.partial(progress, 0, len(sizes))):
        if cache := _open(path, key, sizes):  # another process was faster
            return cache
        path.unlink(missing_ok=True)
        if not _make_room(folder, int(_starts(sizes)[-1]), limit_bytes):
            return None
        _write(path, key, sizes, make, progress)
    return _open(path, key, sizes)


def _say_nothing(_done: int, _total: int) -> None:
    return


def _open(path: Path, key: bytes, sizes: Sequence[tuple[int, int]]) -> PixelCache | None:
    try:
        with path.open("rb") as file:
            head, table = file.read(_HEAD), file.read(4 * len(sizes))
            size_bytes = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    if head != _head(key, table) or size_bytes != _starts(sizes)[-1]:
        _log.warning("%s is damaged and is not used", path)
        return None
    with contextlib.suppress(PermissionError):  # a cache that others fill: readable is enough
        os.utime(path)
    return PixelCache(path, np.frombuffer(table, "<u4"), sizes)


def _head(key: bytes, table: bytes) -> bytes:
    return _MAGIC + key + zlib.crc32(table).to_bytes(4)


def _starts(sizes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Give where each image starts in the file, and where the last one ends; int64 [n + 1]."""
    lengths = 3 * np.array(sizes, np.int64).reshape(-1, 2).prod(axis=1)
    return np.concatenate([[0], np.cumsum(lengths)]) + _HEAD + 4 * len(sizes)


@contextlib.contextmanager
def _alone(folder: Path, *, waiting: Callable[[], object]) -> Iterator[None]:
    """Be the only one that makes files in the folder: a file half made is then from somebody who is gone."""
    while (lock := try_lock(folder / "pixels.lock")) is None:
        waiting()
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        lock.release()


def _make_room(folder: Path, need_bytes: int, limit_bytes: int) -> bool:
    """Delete what was used longest ago until there is room; delete nothing where that would not help."""
    for part in folder.glob(f"*{_SUFFIX}{_PART}"):
        part.unlink(missing_ok=True)
    files = sorted(((path, path.stat()) for path in folder.glob(f"*{_SUFFIX}")), key=lambda file: file[1].st_mtime)
    held_bytes = sum(status.st_size for _, status in files)
    free_bytes = shutil.disk_usage(folder).free
    if need_bytes > min(limit_bytes, _SHARE_OF_FREE * (free_bytes + held_bytes)):
        _log.info("Decoded images would take %s, for which there is no room in %s", describe_size(need_bytes), folder)
        return False
    for path, status in files:
        if held_bytes + need_bytes <= limit_bytes and need_bytes <= _SHARE_OF_FREE * free_bytes:
            break
        path.unlink(missing_ok=True)  # who has it open keeps it until then
        held_bytes, free_bytes = held_bytes - status.st_size, free_bytes + status.st_size
    return True


def _write(path: Path, key: bytes, sizes: Sequence[tuple[int, int]], make: Make, progress: Progress) -> None:
    part = path.with_name(path.name + _PART)
    starts = _starts(sizes)
    table = np.zeros(len(sizes), "<u4")

    def keep(number: int, descriptor: int) -> None:
        pixels = np.ascontiguousarray(make(number))
        table[number] = zlib.crc32(pixels.data)
        _write_at(descriptor, pixels.data.cast("B"), int(starts[number]), part)

    try:
        with writing(part):
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb"):
            tasks = (functools.partial(keep, number, descriptor) for number in range(len(sizes)))
            workers = available_cores()
            with contextlib.closing(in_order(tasks, workers=workers, ahead=4 * workers)) as kept:
                for done, _ in enumerate(kept, start=1):
                    progress(done, len(sizes))
            _write_at(descriptor, memoryview(_head(key, table.tobytes()) + table.tobytes()), 0, part)
            with writing(part):
                os.fsync(descriptor)
        with writing(path):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_at(descriptor: int, data: memoryview, start: int, path: Path) -> None:
    with writing(path):
        while data:
            written = os.pwrite(descriptor, data, start)
            data, start = data[written:], start + written
