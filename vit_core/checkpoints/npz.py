"""Arrays in an `.npz` file: listed from headers alone, then read one by one.

Nothing is unpickled, and nothing is allocated before names, shapes, dtypes and sizes of the whole file have passed the
limits. Stored members are views of the memory-mapped file; deflated ones are inflated into memory, never past their
stated size. Checksums are compared on every read, also of files that the store has verified, unless `trust` says that
the file is as it was when they were compared. Formats: `archive` for the zip file, `npy_header` for the arrays in it.
"""

import dataclasses
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vit_core.checkpoints.archive import STORED, Member, read_directory
from vit_core.checkpoints.arrays import ArrayFile, ArrayInfo, Limits, check_total, map_file, naming
from vit_core.checkpoints.beginnings import BEGINNING_BYTES, CONVERT, format_of
from vit_core.checkpoints.npy_header import FIXED_BYTES, Header, parse_header
from vit_core.errors import BadCheckpoint, DamagedCheckpoint, shorten

__all__ = ["ArrayFile", "ArrayInfo", "Limits", "NpzFile", "open_npz"]

_RATIO_MATTERS_FROM = 64 * 2**20  # below this an inflated file harms nobody
_CHUNK = 2**20


@dataclasses.dataclass(frozen=True)
class _Entry:
    info: ArrayInfo
    member: Member
    header: Header


class NpzFile(ArrayFile):
    """The arrays of an `.npz` file."""

    def __init__(self, path: Path, data: memoryview, entries: Mapping[str, _Entry]) -> None:
        self.path = path
        self._data = data
        self._entries = entries
        self._is_trusted = False

    def __getitem__(self, name: str) -> ArrayInfo:
        return self._entries[name].info

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def trust(self) -> None:
        """Compare no checksums from here on."""
        self._is_trusted = True

    def read(self, name: str) -> np.ndarray:
        """Give the values, in C order and in the byte order of this machine.

        A stored array is a read-only view of the file, which may start at any byte (`flags.aligned`); a deflated,
        Fortran-ordered or big-endian one is a copy.

        Raises:
            DamagedCheckpoint: the bytes do not match their checksum, or do not inflate to the stated size.
        """
        entry = self._entries[name]
        try:
            content = self._content(entry)
        except BadCheckpoint as error:
            raise DamagedCheckpoint(f"The file {str(self.path)!r} is damaged: {name!r} {error}") from error
        info = entry.info
        flat = np.frombuffer(content, dtype=info.dtype)
        array = flat.reshape(info.shape, order="F" if entry.header.fortran_order else "C")
        return np.ascontiguousarray(array, dtype=info.dtype.newbyteorder("=")).reshape(info.shape)

    def _content(self, entry: _Entry) -> memoryview:
        member = entry.member
        packed = self._data[member.start : member.start + member.packed]
        content = packed if member.method == STORED else _inflate(packed, member.size)
        if not self._is_trusted and _crc(content) != member.crc:
            raise BadCheckpoint("does not match its checksum.")
        return content[entry.header.length :]


def open_npz(path: str | Path, *, limits: Limits | None = None) -> NpzFile:
    """List the arrays of a file, after checking everything that can be known from headers.

    Args:
        path: a local file; its name does not matter.
        limits: what is accepted; the defaults suit the largest published models.

    Raises:
        BadCheckpoint: missing, empty, no `.npz`, damaged, or over a limit; nothing was allocated.
    """
    path, limits = Path(path), limits or Limits()
    with naming(path):
        data = map_file(path)
        if format_of(bytes(data[:BEGINNING_BYTES])) != "npz":
            raise BadCheckpoint("is not an .npz file: it does not start like a zip archive.")
        members = read_directory(data, max_members=limits.max_members)
        entries = [_read_header(data, member, limits) for member in members]
        _check_sizes(entries, file_bytes=len(data), limits=limits)
    return NpzFile(path, data, {entry.info.name: entry for entry in entries})


def _read_header(data: memoryview, member: Member, limits: Limits) -> _Entry:
    """Read the header of one array, inflating no more than a header's length."""
    name = member.name.removesuffix(".npy")
    if member.name.endswith("data.pkl"):
        raise BadCheckpoint(f"is a PyTorch file, and those are pickles: {CONVERT}.")
    if name == member.name:
        raise BadCheckpoint(f"holds {shorten(member.name, 60)!r}, which is not an array (.npy).")
    most = limits.max_header_bytes + FIXED_BYTES
    packed = data[member.start : member.start + member.packed]
    start = bytes(packed[:most]) if member.method == STORED else _inflate_start(packed, most)
    try:
        header = parse_header(start, max_bytes=limits.max_header_bytes)
    except BadCheckpoint as error:
        # The checksum tells a header that was overwritten from one that was written so.
        is_damaged = member.method == STORED and _crc(packed) != member.crc
        kind = DamagedCheckpoint if is_damaged else BadCheckpoint
        raise kind(f"has an unusable array: {shorten(name, 60)!r} {error}") from error
    in_order = header.dtype.isnative and not (header.fortran_order and len(header.shape) > 1)
    info = ArrayInfo(name, header.shape, header.dtype, mapped=member.method == STORED and in_order)
    if header.length + info.nbytes != member.size:
        raise DamagedCheckpoint(
            f"is damaged: {shorten(name, 60)!r} of shape {shorten(str(info.shape), 60)} needs {info.nbytes} bytes "
            f"and has {member.size - header.length}."
        )
    return _Entry(info, member, header)


def _check_sizes(entries: list[_Entry], *, file_bytes: int, limits: Limits) -> None:
    total = sum(entry.info.nbytes for entry in entries)
    if total > _RATIO_MATTERS_FROM and total > limits.max_ratio * file_bytes:
        raise BadCheckpoint(
            f"inflates to {total // file_bytes} times its size; weights do not, and the limit is {limits.max_ratio}."
        )
    check_total((entry.info for entry in entries), limits)


def _inflate_start(packed: memoryview, most: int) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed[: most + 1024], most)
    except zlib.error as error:
        raise DamagedCheckpoint("is damaged: an array does not inflate.") from error


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
