"""The directory of a zip file, read with limits and without trust.

`zipfile` reads the whole directory before it can be counted, forgives overlaps and takes the last of two members with
one name; a file from a stranger gets none of that here. Knows where members lie; knows nothing of arrays.
Format: PKWARE APPNOTE 6.3, sections 4.3 and 4.5.
"""

import dataclasses
import struct
from typing import Any

from vit_core.errors import BadCheckpoint, DamagedCheckpoint, shorten

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")  # end of central directory
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")  # one member in the central directory
_LOCAL = struct.Struct("<4s5H3L2H")  # the member's own header
_MAX_COMMENT = 0xFFFF
_WIDE = 0xFFFFFFFF  # stands for a value in the zip64 field
_ZIP64_FIELD = 1
_ENCRYPTED = 0x1 | 0x40 | 0x2000


@dataclasses.dataclass(frozen=True)
class Member:
    """One file inside the archive.

    Attributes:
        name: as written, never used as a path.
        method: `STORED` or `DEFLATED`.
        crc: CRC-32 of the content.
        start: offset of the (packed) content in the file.
        packed: bytes in the file.
        size: bytes of the content, as the directory claims.
    """

    name: str
    method: int
    crc: int
    start: int
    packed: int
    size: int


def read_directory(data: memoryview, *, max_members: int) -> tuple[Member, ...]:
    """List the members of a zip file.

    Args:
        data: the whole file; only the directory and the members' headers are touched.
        max_members: how many members are accepted.

    Raises:
        BadCheckpoint: not a zip file, cut short, encrypted, over the limit, or contradicting itself. The message goes
            on from "The file …".
    """
    count, begin, end = _find_directory(data)
    if count > max_members:
        raise BadCheckpoint(f"holds {count} arrays; the limit is {max_members}.")
    members = []
    position = begin
    for _ in range(count):
        member, position = _read_entry(data, position, end)
        members.append(member)
    if position != end:
        raise DamagedCheckpoint("is damaged: its zip directory has another length than it states.")
    _check_names(members)
    _check_apart(members, directory=begin)
    return tuple(members)


def _find_directory(data: memoryview) -> tuple[int, int, int]:
    """Give the number of members, and where the directory begins and ends."""
    tail_start = max(0, len(data) - _END.size - _MAX_COMMENT)
    at = bytes(data[tail_start:]).rfind(b"PK\5\6")
    if at < 0:
        raise DamagedCheckpoint("is cut short: a zip file ends with its directory, and this one does not.")
    at += tail_start
    _, disk, _, _, count, size, offset, _ = _unpack(_END, data, at)
    end = at
    locator = at - _END64_LOCATOR.size
    if locator >= 0 and bytes(data[locator : locator + 4]) == b"PK\6\7":
        end = _unpack(_END64_LOCATOR, data, locator)[2]
        signature, _, _, _, disk, _, _, count, size, offset = _unpack(_END64, data, end)
        if signature != b"PK\6\6":
            raise DamagedCheckpoint("is damaged: its zip64 directory is not where it should be.")
    if disk != 0:
        raise BadCheckpoint("is one part of a split zip file; all of it is needed in one piece.")
    if offset + size != end:
        raise DamagedCheckpoint("is cut short or damaged: its zip directory is not where it should be.")
    return count, offset, end


def _read_entry(data: memoryview, at: int, end: int) -> tuple[Member, int]:
    """Read one entry of the directory, and give it with the offset of the next."""
    fields = _unpack(_ENTRY, data, at)
    signature, flags, method, crc, packed, size = fields[0], fields[3], fields[4], fields[7], fields[8], fields[9]
    name_length, extra_length, comment_length, header = fields[10], fields[11], fields[12], fields[16]
    name_end = at + _ENTRY.size + name_length
    following = name_end + extra_length + comment_length
    if signature != b"PK\1\2" or following > end:
        raise DamagedCheckpoint("is damaged: its zip directory cannot be read.")
    name = bytes(data[at + _ENTRY.size : name_end]).decode("utf-8", errors="replace")
    size, packed, header = _widen(bytes(data[name_end : name_end + extra_length]), [size, packed, header])
    if flags & _ENCRYPTED:
        raise BadCheckpoint(f"is encrypted ({shorten(name, 60)!r}); write it without a password.")
    if method not in (STORED, DEFLATED):
        raise BadCheckpoint(f"packs {shorten(name, 60)!r} in a way other than numpy's (zip method {method}).")
    if method == STORED and packed != size:
        raise DamagedCheckpoint(f"is damaged: {shorten(name, 60)!r} has two different lengths.")
    start = _content_start(data, header, name)
    return Member(name, method, crc, start, packed, size), following


def _widen(extra: bytes, values: list[int]) -> list[int]:
    """Replace the values that did not fit 32 bits by those of the zip64 field, in its order."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == _ZIP64_FIELD:
            wide = iter(
                struct.unpack(f"<{length // 8}Q", extra[at : at + length // 8 * 8].ljust(length // 8 * 8, b"\0"))
            )
            return [next(wide, value) if value == _WIDE else value for value in values]
        at += length
    return values


def _content_start(data: memoryview, header: int, name: str) -> int:
    fields = _unpack(_LOCAL, data, header)
    if fields[0] != b"PK\3\4":
        raise DamagedCheckpoint(f"is damaged: there is no {shorten(name, 60)!r} where its directory says.")
    return header + _LOCAL.size + int(fields[9]) + int(fields[10])


def _check_names(members: list[Member]) -> None:
    names = set()
    for member in members:
        parts = member.name.split("/")
        if member.name.startswith("/") or "\\" in member.name or ".." in parts or "\0" in member.name:
            raise BadCheckpoint(f"holds {shorten(member.name, 60)!r}, which is a path and not the name of an array.")
        if member.name in names:
            raise BadCheckpoint(f"holds two arrays named {shorten(member.name, 60)!r}.")
        names.add(member.name)


def _check_apart(members: list[Member], *, directory: int) -> None:
    """Refuse members that share bytes: thousands of them could be one."""
    position = 0
    for member in sorted(members, key=lambda member: member.start):
        if member.start < position:
            raise DamagedCheckpoint(f"is damaged: {shorten(member.name, 60)!r} overlaps another array.")
        position = member.start + member.packed
    if position > directory:
        raise DamagedCheckpoint("is cut short or damaged: its arrays run into its directory.")


def _unpack(form: struct.Struct, data: memoryview, at: int) -> tuple[Any, ...]:
    if at < 0 or at + form.size > len(data):
        raise DamagedCheckpoint("is cut short or damaged: its zip directory points outside the file.")
    return form.unpack_from(data, at)
