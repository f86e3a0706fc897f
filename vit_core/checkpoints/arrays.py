"""The arrays of a file, whatever its format: what is told of them before one is read, and what a file may ask for.

Knows limits and memory maps; the formats are in `npz`, `safetensors_file` and `msgpack_file`.
"""

import abc
import contextlib
import dataclasses
import math
import mmap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import psutil

from vit_core.errors import BadCheckpoint, DamagedCheckpoint


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What a file may ask of the machine.

    Attributes:
        max_bytes: sum of all arrays.
        memory_share: the same, as a part of the memory that is free now.
        max_members: number of arrays.
        max_header_bytes: length of an array's header.
        max_directory_bytes: length of the list of all arrays, in formats that have one.
        max_ratio: sum of all arrays over the size of the file, for more than 64 MiB of arrays.
    """

    max_bytes: int = 8 * 1000**3
    memory_share: float = 0.5
    max_members: int = 5000
    max_header_bytes: int = 10_000
    max_directory_bytes: int = 2_000_000
    max_ratio: int = 100


@dataclasses.dataclass(frozen=True)
class ArrayInfo:
    """What a file says of an array.

    Attributes:
        name: as in the file; in an `.npz` without the ".npy".
        shape: its axes.
        dtype: as in the file; 2-byte void is read as bfloat16, which numpy writes so.
        mapped: whether reading gives a view of the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    mapped: bool

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


class ArrayFile(Mapping[str, ArrayInfo], abc.ABC):
    """The arrays of a file by name; `read` gives their values.

    The file stays mapped as long as this object or an array read from it is alive.

    Attributes:
        path: of the file.
        is_one_file: whether all arrays lie in it.
    """

    path: Path
    is_one_file = True

    def trust(self) -> None:
        """Compare no checksums from here on: the file was read whole before, and is as it was then."""
        return

    @abc.abstractmethod
    def read(self, name: str) -> np.ndarray:
        """Give the values, in C order and in the byte order of this machine; a read-only view where that is possible.

        Raises:
            DamagedCheckpoint: the bytes are not those that were written.
        """


class RawArrayFile(ArrayFile):
    """Arrays that lie in a file as they are: every one of them is a view."""

    def __init__(self, path: Path, data: memoryview, arrays: Mapping[str, tuple[ArrayInfo, int]]) -> None:
        """Args: the file, its bytes, and for each name what it is and the offset of its values."""
        self.path = path
        self._data = data
        self._arrays = arrays

    def __getitem__(self, name: str) -> ArrayInfo:
        return self._arrays[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def read(self, name: str) -> np.ndarray:
        """Give a read-only view of the file, which may start at any byte (`flags.aligned`)."""
        info, start = self._arrays[name]
        flat = np.frombuffer(self._data[start : start + info.nbytes], dtype=info.dtype)
        return flat.reshape(info.shape)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Begin what is said of a file within the block with its name: "The file … "."""
    try:
        yield
    except BadCheckpoint as error:
        raise type(error)(f"The file {str(path)!r} {error}") from error


def map_file(path: Path) -> memoryview:
    """Map a file into memory.

    Raises:
        BadCheckpoint: empty, or it cannot be read. The message goes on from "The file …".
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise DamagedCheckpoint("is empty.")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def let_go(array: np.ndarray) -> None:
    """Give back the memory that a view of a mapped file takes since it was read; other arrays are left alone.

    The values stay: the system has the file, and maps it again for whoever reads on.
    """
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    mapped = owner.obj if isinstance(owner, memoryview) else None
    if array.nbytes and isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # Windows has none
        start = array.ctypes.data - np.frombuffer(mapped, np.uint8).ctypes.data
        page = start // mmap.PAGESIZE * mmap.PAGESIZE
        mapped.madvise(mmap.MADV_DONTNEED, page, start + array.nbytes - page)


def check_total(infos: Iterable[ArrayInfo], limits: Limits) -> int:
    """Give the bytes of all arrays together.

    Raises:
        BadCheckpoint: over the limit, or more than the machine has room for. The message goes on from "The file …".
    """
    total = sum(info.nbytes for info in infos)
    if total > limits.max_bytes:
        raise BadCheckpoint(f"holds {_gigabytes(total)} of arrays; the limit is {_gigabytes(limits.max_bytes)}.")
    free = psutil.virtual_memory().available
    if total > limits.memory_share * free:
        raise BadCheckpoint(
            f"holds {_gigabytes(total)} of arrays, and only {_gigabytes(free)} of memory are free; "
            f"close other programs, or take a smaller model."
        )
    return total


def _gigabytes(count: int) -> str:
    return f"{count / 1000**3:.1f} GB"
