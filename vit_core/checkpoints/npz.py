"""Arrays in an `.npz` file: listed from headers alone, then read one by one.

Nothing is unpickled, and nothing is allocated before names, shapes, dtypes and sizes of the whole file have passed the
limits. Stored members are views of the memory-mapped file; deflated ones are inflated into memory, never past their
stated size. Checksums are compared on every read, also of files that the store has verified: it takes a fifth of a
second for B/16, and a disk forgets too. Formats: `archive` for the zip file, `npy_header` for
the arrays in it.
"""

import dataclasses
import math
import mmap
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import psutil

from vit_core.checkpoints.archive import STORED, Member, read_directory
from vit_core.checkpoints.npy_header import FIXED_BYTES, MAGIC, Header, parse_header
from vit_core.errors import BadCheckpoint, shorten

_RATIO_MATTERS_FROM = 64 * 2**20  # below this an inflated file harms nobody
_CHUNK = 2**20
_BEGINNINGS = (
    (MAGIC, "it is a single numpy array (.npy)"),
    (b"\x80", "it looks like a pickle, which is never opened"),
    (b"<", "it looks like a web page, such as an error message of a server"),
    (b"{", "it looks like JSON"),
    (b"\x1f\x8b", "it is gzip-compressed"),
    (b"\x89HDF", "it is an HDF5 file"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What a file may ask of the machine.

    Attributes:
        max_bytes: sum of all arrays.
        memory_share: the same, as a part of the memory that is free now.
        max_members: number of arrays.
        max_header_bytes: length of an array's header.
        max_ratio: sum of all arrays over the size of the file, for more than 64 MiB of arrays.
    """

    max_bytes: int = 8 * 1000**3
    memory_share: float = 0.5
    max_members: int = 5000
    max_header_bytes: int = 10_000
    max_ratio: int = 100


@dataclasses.dataclass(frozen=True)
class ArrayInfo:
    """What the header of an array says.

    Attributes:
        name: without the ".npy".
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


@dataclasses.dataclass(frozen=True)
class _Entry:
    info: ArrayInfo
    member: Member
    header: Header


class ArrayFile(Mapping[str, ArrayInfo]):
    """The arrays of a file by name; `read` gives their values.

    The file stays mapped as long as this object or an array read from it is alive.
    """

    def __init__(self, path: Path, data: memoryview, entries: Mapping[str, _Entry]) -> None:
        self.path = path
        self._data = data
        self._entries = entries

    def __getitem__(self, name: str) -> ArrayInfo:
        return self._entries[name].info

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, name: str) -> np.ndarray:
        """Give the values, in C order and in the byte order of this machine.

        A stored array is a read-only view of the file, which may start at any byte (`flags.aligned`); a deflated,
        Fortran-ordered or big-endian one is a copy.

        Raises:
            BadCheckpoint: the bytes do not match their checksum, or do not inflate to the stated size.
        """
        entry = self._entries[name]
        try:
            content = self._content(entry)
        except BadCheckpoint as error:
            raise BadCheckpoint(f"The file {str(self.path)!r} is damaged: {name!r} {error}") from error
        info = entry.info
        flat = np.frombuffer(content, dtype=info.dtype)
        array = flat.reshape(info.shape, order="F" if entry.header.fortran_order else "C")
        return np.ascontiguousarray(array, dtype=info.dtype.newbyteorder("=")).reshape(info.shape)

    def _content(self, entry: _Entry) -> memoryview:
        member = entry.member
        packed = self._data[member.start : member.start + member.packed]
        content = packed if member.method == STORED else _inflate(packed, member.size)
        if _crc(content) != member.crc:
            raise BadCheckpoint("does not match its checksum.")
        return content[entry.header.length :]


def open_npz(path: str | Path, *, limits: Limits | None = None) -> ArrayFile:
    """List the arrays of a file, after checking everything that can be known from headers.

    Args:
        path: a local file; its name does not matter.
        limits: what is accepted; the defaults suit the largest published models.

    Raises:
        BadCheckpoint: missing, empty, no `.npz`, damaged, or over a limit; nothing was allocated.
    """
    path, limits = Path(path), limits or Limits()
    try:
        data = _map(path)
        members = read_directory(data, max_members=limits.max_members)
        entries = [_read_header(data, member, limits) for member in members]
        _check_sizes(entries, file_bytes=len(data), limits=limits)
    except BadCheckpoint as error:
        raise BadCheckpoint(f"The file {str(path)!r} {error}") from error
    return ArrayFile(path, data, {entry.info.name: entry for entry in entries})


def _map(path: Path) -> memoryview:
    try:
        with path.open("rb") as file:
            start = file.read(8)
            if not start:
                raise BadCheckpoint("is empty.")
            if not start.startswith((b"PK\3\4", b"PK\5\6")):
                raise BadCheckpoint(f"is not an .npz file: {_describe(start)}.")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _describe(start: bytes) -> str:
    described = (text for beginning, text in _BEGINNINGS if start.lstrip().startswith(beginning))
    return next(described, f"it starts with {start!r}")


def _read_header(data: memoryview, member: Member, limits: Limits) -> _Entry:
    """Read the header of one array, inflating no more than a header's length."""
    name = member.name.removesuffix(".npy")
    if name == member.name:
        raise BadCheckpoint(f"holds {shorten(member.name, 60)!r}, which is not an array (.npy).")
    most = limits.max_header_bytes + FIXED_BYTES
    packed = data[member.start : member.start + member.packed]
    start = bytes(packed[:most]) if member.method == STORED else _inflate_start(packed, most)
    try:
        header = parse_header(start, max_bytes=limits.max_header_bytes)
    except BadCheckpoint as error:
        raise BadCheckpoint(f"has an unusable array: {shorten(name, 60)!r} {error}") from error
    in_order = header.dtype.isnative and not (header.fortran_order and len(header.shape) > 1)
    info = ArrayInfo(name, header.shape, header.dtype, mapped=member.method == STORED and in_order)
    if header.length + info.nbytes != member.size:
        raise BadCheckpoint(
            f"is damaged: {shorten(name, 60)!r} of shape {shorten(str(info.shape), 60)} needs {info.nbytes} bytes "
            f"and has {member.size - header.length}."
        )
    return _Entry(info, member, header)


def _check_sizes(entries: list[_Entry], *, file_bytes: int, limits: Limits) -> None:
    total = sum(entry.info.nbytes for entry in entries)
    if total > limits.max_bytes:
        raise BadCheckpoint(f"holds {_gigabytes(total)} of arrays; the limit is {_gigabytes(limits.max_bytes)}.")
    if total > _RATIO_MATTERS_FROM and total > limits.max_ratio * file_bytes:
        raise BadCheckpoint(
            f"inflates to {total // file_bytes} times its size; weights do not, and the limit is {limits.max_ratio}."
        )
    free = psutil.virtual_memory().available
    if total > limits.memory_share * free:
        raise BadCheckpoint(
            f"holds {_gigabytes(total)} of arrays, and only {_gigabytes(free)} of memory are free; "
            f"close other programs, or take a smaller model."
        )


def _inflate_start(packed: memoryview, most: int) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed[: most + 1024], most)
    except zlib.error as error:
        raise BadCheckpoint("is damaged: an array does not inflate.") from error


def _inflate(packed: memoryview, size: int) -> memoryview:
    """Inflate exactly `size` bytes, which the header has been checked against."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = bytearray(size)
    filled = 0
    try:
        for start in range(0, len(packed), _CHUNK):
            rest: bytes | memoryview = packed[start : start + _CHUNK]
            while len(rest):
                # One byte more than fits, so that a surplus shows.
                piece = inflater.decompress(rest, min(_CHUNK, size - filled + 1))
                filled += len(piece)
                if filled > size:
                    raise BadCheckpoint("inflates to more than it states.")
                content[filled - len(piece) : filled] = piece
                rest = inflater.unconsumed_tail
    except zlib.error as error:
        raise BadCheckpoint("does not inflate.") from error
    if filled != size or not inflater.eof:
        raise BadCheckpoint("inflates to less than it states.")
    return memoryview(content).toreadonly()


def _crc(content: memoryview) -> int:
    crc = 0
    for start in range(0, len(content), _CHUNK):
        crc = zlib.crc32(content[start : start + _CHUNK], crc)
    return crc


def _gigabytes(count: int) -> str:
    return f"{count / 1000**3:.1f} GB"
