"""What a zip says it holds, judged before anything of it is unpacked.

`zipfile` reads the listing; what it forgives, or finds out only while unpacking and not in every Python, is
refused here.
Format: PKWARE APPNOTE 6.3, sections 4.3 and 4.4.
"""

import contextlib
import dataclasses
import re
import stat
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Protocol, cast, runtime_checkable

from vit_core.datasets.dataset import LeftOut
from vit_core.datasets.layout import plain_name, sort_out
from vit_core.datasets.limits import IntakeOptions
from vit_core.errors import BadDataset, shorten
from vit_core.image_header import format_of, what_else

_OTHERS = {
    "a RAR archive": re.compile(rb"Rar!\x1a\x07"),
    "a 7z archive": re.compile(rb"7z\xbc\xaf\x27\x1c"),
    "a gzip archive": re.compile(rb"\x1f\x8b"),
    "a bzip2 archive": re.compile(rb"BZh[1-9]"),
    "an xz archive": re.compile(rb"\xfd7zXZ\0"),
    "a zstd archive": re.compile(rb"\x28\xb5\x2f\xfd"),
    "a tar archive": re.compile(rb".{257}ustar", re.DOTALL),
}
_HEAD = 1024
_TAIL = 22 + 0xFFFF + 20  # the end record with the longest comment, and the zip64 locator before it
_END = struct.Struct("<4s4H2LH")
_LOCATOR64 = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCAL_HEADER = 30  # bytes before the name
_MEAN_ENTRY = 1024  # bytes of the listing per entry, generously; a name of 250 letters needs 400
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # lzma may ask for gigabytes of memory
_BOMB_FROM = 1_000_000  # bytes; a white PNG of a few hundred kB shrinks a thousandfold, harmlessly


@runtime_checkable
class Seekable(Protocol):
    """A file open for reading bytes anywhere: of the disk, or in memory."""

    def read(self, size: int = -1, /) -> bytes:
        """Give up to so many bytes; all for -1."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place, and give it."""

    def tell(self) -> int:
        """Give the place."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """What is worth unpacking.

    Attributes:
        entries: the possible images.
        folders: names of the folders that the zip states.
        left_out: entries that are refused or ignored, and why.
        notes: sentences on the rest.
    """

    entries: tuple[zipfile.ZipInfo, ...]
    folders: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


@contextlib.contextmanager
def open_zip(source: Path | Seekable, *, name: str, options: IntakeOptions) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose listing is not too long to read.

    Args:
        source: the zip.
        name: how messages call it.
        options: the limits.

    Raises:
        BadDataset: it cannot be read, is no zip, is cut short, or lists too many entries.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
            _check_end(file, name, options)
            archive = stack.enter_context(zipfile.ZipFile(cast(IO[bytes], file)))  # it needs no more
        except OSError as error:
            raise BadDataset(f"The zip {shorten(name)!r} cannot be read: {error.strerror or error}.") from error
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise BadDataset(f"The zip {shorten(name)!r} is damaged ({shorten(str(error))}); pack it again.") from error
        yield archive


def read_listing(archive: zipfile.ZipFile, *, name: str, options: IntakeOptions) -> Listing:
    """Judge what a zip lists.

    Raises:
        BadDataset: too many entries, too large or too much smaller packed, entries that share bytes, or all encrypted.
    """
    entries = archive.infolist()
    if len(entries) > options.entries:
        raise _too_many(name, str(len(entries)), options)
    files = [entry for entry in entries if not entry.is_dir()]
    _check_sizes(files, name, options)
    _check_apart(entries, name, archive.start_dir)
    chosen, left_out, notes = sort_out([entry.filename for entry in files], inside="zip")
    kept, refused = [], list(left_out)
    for entry in (files[index] for index in chosen):
        if reason := _why_not(entry, options):
            refused.append(LeftOut(plain_name(entry.filename), f"{shorten(plain_name(entry.filename))!r} {reason}"))
        else:
            kept.append(entry)
    if not kept and any(entry.flag_bits & _ENCRYPTED for entry in files):
        raise BadDataset(f"The zip {shorten(name)!r} is encrypted; pack it again without a password.")
    folders = tuple(entry.filename for entry in entries if entry.is_dir())
    return Listing(tuple(kept), folders, tuple(refused), notes)


def _check_end(file: Seekable, name: str, options: IntakeOptions) -> None:
    """Judge the listing's length by the end of the file, before `zipfile` reads and parses all of it."""
    length = file.seek(0, 2)
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(max(0, length - _TAIL))
    tail = file.read(_TAIL)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        raise BadDataset(f"{shorten(name)!r} {_why_no_zip(head)}")
    end = length - len(tail) + at
    size = _END.unpack_from(tail, at)[5]
    if at >= _LOCATOR64.size and tail[at - _LOCATOR64.size : at].startswith(b"PK\6\7"):
        end = _LOCATOR64.unpack_from(tail, at - _LOCATOR64.size)[2]
        file.seek(end)
        record = file.read(_END64.size)
        size = _END64.unpack(record)[8] if len(record) == _END64.size else 0
    if size > options.entries * _MEAN_ENTRY:
        raise _too_many(name, f"{size / 1e6:.0f} MB of", options)
    file.seek(max(0, end - size))
    count = file.read(size).count(b"PK\1\2")  # the counter in the end record may lie, and wraps at 65,536
    if count > options.entries:
        raise _too_many(name, str(count), options)


def _why_no_zip(head: bytes) -> str:
    if not head:
        return "is empty."
    if head.startswith(b"PK\3\4"):
        return "is cut short: a zip ends with its listing, and this one does not. Copy or upload it again."
    kind = next((kind for kind, signature in _OTHERS.items() if signature.match(head)), None) or what_else(head)
    if kind is None and (picture := format_of(head)):
        kind = f"a single {picture} image"
    return f"is not a zip{f'; it is {kind}' if kind else ''}. Pack the folder of class folders as .zip."


def _too_many(name: str, count: str, options: IntakeOptions) -> BadDataset:
    return BadDataset(
        f"The zip {shorten(name)!r} lists {count} entries; the limit is {options.entries}. "
        "Name a folder on this machine instead, or make the images fewer."
    )


def _check_sizes(files: Sequence[zipfile.ZipInfo], name: str, options: IntakeOptions) -> None:
    declared, packed = sum(entry.file_size for entry in files), sum(entry.compress_size for entry in files)
    if declared > options.size_bytes:
        raise BadDataset(
            f"The zip {shorten(name)!r} unpacks to {declared / 1e6:.0f} MB; the limit is "
            f"{options.size_bytes / 1e6:.0f} MB. Name a folder on this machine instead, or make the images smaller."
        )
    groups = [(declared, packed), *((entry.file_size, entry.compress_size) for entry in files)]
    ratio = max((size / max(small, 1) for size, small in groups if size > _BOMB_FROM), default=0.0)
    if ratio > options.ratio:
        raise BadDataset(
            f"The zip {shorten(name)!r} grows {ratio:.0f} times when it is unpacked; more than {options.ratio:g} times "
            "is not accepted. Images hardly shrink in a zip; pack them alone."
        )


def _check_apart(entries: Sequence[zipfile.ZipInfo], name: str, directory: int) -> None:
    """Refuse entries that share bytes, by which a small zip holds endless files (D. Fifield, WOOT 2019)."""
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < position:
            raise BadDataset(
                f"The zip {shorten(name)!r} is no ordinary zip: {shorten(plain_name(entry.filename))!r} shares bytes "
                "with another entry. Pack the images again."
            )
        position = entry.header_offset + _LOCAL_HEADER + entry.compress_size
    if position > directory:
        raise BadDataset(f"The zip {shorten(name)!r} is damaged: its entries run into its listing. Pack it again.")


def _why_not(entry: zipfile.ZipInfo, options: IntakeOptions) -> str | None:
    """Give the end of a sentence that starts with the entry's name; None if it may be unpacked."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link, which is not accepted; pack the image itself."
    if kind not in (0, stat.S_IFREG):
        return "is no ordinary file, and is not accepted."
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted; pack it without a password."
    if entry.compress_type not in _METHODS:
        return f"is packed by an unusual method (number {entry.compress_type}); pack it as an ordinary zip."
    if entry.file_size == 0:
        return "is empty."
    if entry.file_size > options.image.size_bytes:
        return f"has {entry.file_size / 1e6:.1f} MB, over the limit of {options.image.size_bytes / 1e6:g} MB per image."
    return None
