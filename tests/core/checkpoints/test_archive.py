"""The zip directory of honest, damaged and hostile files."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vit_core.checkpoints.archive import DEFLATED, STORED, read_directory
from vit_core.errors import BadCheckpoint

CENTRAL = b"PK\1\2"


def make_zip(files, method=zipfile.ZIP_STORED, **kwargs):
    """Write a zip file in memory from names to contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method, **kwargs) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return bytearray(buffer.getvalue())


def directory(data, max_members=5000):
    return read_directory(memoryview(bytes(data)), max_members=max_members)


def put(data, at, form, *values):
    struct.pack_into(form, data, at, *values)
    return data


@pytest.fixture
def honest():
    return make_zip({"a.npy": b"first", "folder/b.npy": b"second one"})


@pytest.mark.parametrize(("method", "code"), [(zipfile.ZIP_STORED, STORED), (zipfile.ZIP_DEFLATED, DEFLATED)])
def test_members_are_found_with_place_sizes_and_checksum(method, code):
    data = make_zip({"a.npy": b"first" * 100, "b.npy": b""}, method)

    first, second = directory(data)

    assert (first.name, first.method, first.size, first.crc) == ("a.npy", code, 500, zlib.crc32(b"first" * 100))
    assert (second.name, second.size) == ("b.npy", 0)
    packed = bytes(data[first.start : first.start + first.packed])
    assert (zlib.decompress(packed, -15) if code == DEFLATED else packed) == b"first" * 100


def test_wide_sizes_are_read_from_the_zip64_field():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("a.npy", "w", force_zip64=True) as member:
        member.write(b"content")

    (member,) = directory(buffer.getvalue())

    assert (member.size, member.packed) == (7, 7)


def test_zip64_directory_is_followed(honest):
    # What a file past 4 GB has: the directory's place and count are in a wider record before the usual end.
    end = honest.rindex(b"PK\5\6")
    count, size, offset = struct.unpack_from("<HLL", honest, end + 10)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    usual = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)

    members = directory(honest[:end] + record + locator + usual)

    assert [member.name for member in members] == ["a.npy", "folder/b.npy"]


def test_zip64_directory_that_is_elsewhere_is_refused(honest):
    end = honest.rindex(b"PK\5\6")
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 3, 1)

    with pytest.raises(BadCheckpoint, match="zip64 directory is not where it should be"):
        directory(honest[:end] + locator + honest[end:])


def test_zip64_sizes_in_the_directory_are_followed():
    # Size and packed size say "see the field"; the field gives them.
    data = make_zip({"a.npy": b"content"})
    at = data.index(CENTRAL)
    end = data.rindex(b"PK\5\6")
    field = struct.pack("<2H2Q", 1, 16, 7, 7)
    entry = put(data[at:end] + field, 20, "<2L", 0xFFFFFFFF, 0xFFFFFFFF)
    entry = put(entry, 30, "<H", len(field))
    tail = put(data[end:], 12, "<L", len(entry))

    (member,) = directory(data[:at] + entry + tail)

    assert (member.size, member.packed) == (7, 7)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_file_cut_short_is_named_so(honest, part):
    with pytest.raises(BadCheckpoint, match="cut short"):
        directory(honest[: int(len(honest) * part)])


def test_missing_middle_is_noticed(honest):
    with pytest.raises(BadCheckpoint, match="cut short or damaged"):
        directory(honest[:40] + honest[45:])


def test_too_many_members_are_refused_before_they_are_read(honest):
    with pytest.raises(BadCheckpoint, match="holds 2 arrays; the limit is 1"):
        directory(honest, max_members=1)


def test_two_members_of_one_name_are_refused():
    data = make_zip({"a.npy": b"1", "b.npy": b"2"})

    with pytest.raises(BadCheckpoint, match=r"two arrays named 'a\.npy'"):
        directory(data.replace(b"b.npy", b"a.npy"))


@pytest.mark.parametrize("name", ["../x.npy", "a/../../x.npy", "/etc/x.npy", "..\\x.npy", "C:\\x.npy"])
def test_names_that_are_paths_are_refused(name):
    data = make_zip({"q" * len(name): b""}).replace(b"q" * len(name), name.encode())

    with pytest.raises(BadCheckpoint, match="is a path and not the name of an array"):
        directory(data)


@pytest.mark.parametrize("flag", [0x1, 0x40, 0x2000])
def test_encrypted_members_are_refused(honest, flag):
    data = put(honest, honest.index(CENTRAL) + 8, "<H", flag)

    with pytest.raises(BadCheckpoint, match=r"is encrypted \('a\.npy'\)"):
        directory(data)


def test_other_ways_of_packing_are_refused():
    data = make_zip({"a.npy": b"content" * 9}, zipfile.ZIP_BZIP2)

    with pytest.raises(BadCheckpoint, match="zip method 12"):
        directory(data)


def test_members_that_share_bytes_are_refused(honest):
    # Both entries of the directory lead to the first member.
    second = honest.index(CENTRAL, honest.index(CENTRAL) + 1)
    data = put(honest, second + 42, "<L", 0)

    with pytest.raises(BadCheckpoint, match="overlaps another array"):
        directory(data)


def test_member_that_runs_into_the_directory_is_refused(honest):
    second = honest.index(CENTRAL, honest.index(CENTRAL) + 1)
    data = put(honest, second + 20, "<2L", 500, 500)

    with pytest.raises(BadCheckpoint, match="run into its directory"):
        directory(data)


def test_member_with_two_lengths_is_refused(honest):
    data = put(honest, honest.index(CENTRAL) + 24, "<L", 6)

    with pytest.raises(BadCheckpoint, match="two different lengths"):
        directory(data)


def test_part_of_a_split_archive_is_refused(honest):
    data = put(honest, honest.rindex(b"PK\5\6") + 4, "<H", 1)

    with pytest.raises(BadCheckpoint, match="split zip file"):
        directory(data)


def test_empty_archive_has_no_members():
    assert directory(make_zip({})) == ()


@settings(max_examples=300)
@given(st.data())
def test_changed_bytes_give_members_within_the_file_or_a_refusal(data):
    content = make_zip({"a.npy": b"first", "b.npy": b"second"}, zipfile.ZIP_DEFLATED)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[at] = data.draw(st.integers(0, 255))

    try:
        members = directory(content)
    except BadCheckpoint:
        return

    assert all(member.start + member.packed <= len(content) for member in members)


@settings(max_examples=200)
@given(st.binary(max_size=200))
@example(b"PK\5\6" + b"\xff" * 18)
@example(b"PK\6\6" + b"\xff" * 52 + b"PK\6\7" + bytes(16) + b"PK\5\6" + bytes(18))
@example(b"PK\6\7" + b"\xff" * 16 + b"PK\5\6" + bytes(18))
def test_any_bytes_are_listed_or_refused(content):
    try:
        directory(content)
    except BadCheckpoint as error:
        assert str(error).endswith(".")  # noqa: PT017 - either outcome is right
