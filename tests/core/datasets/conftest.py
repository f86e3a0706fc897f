"""Zips and pictures for the tests of the intake, good ones and bad ones."""

import io
import itertools
import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from vit_core.datasets.dataset import DataSet, Example
from vit_core.datasets.upload import take_zip


@pytest.fixture
def picture():
    """Give a function that makes the bytes of a picture; each number another one, equal numbers equal ones."""

    def draw(number: int = 0, *, size=(40, 30), file_format="JPEG", **options) -> bytes:
        tones = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(tones).resize(size, Image.Resampling.BICUBIC).save(buffer, file_format, **options)
        return buffer.getvalue()

    return draw


@pytest.fixture
def pictures(picture):
    """Give a function that makes {name: bytes} of two classes with six different pictures each."""

    def draw(classes=("cat", "dog"), *, per_class=6, prefix="", first=0) -> dict[str, bytes]:
        numbers = itertools.count(first)
        return {f"{prefix}{name}/{place}.jpg": picture(next(numbers)) for name in classes for place in range(per_class)}

    return draw


@pytest.fixture
def zipped(tmp_path):
    """Give a function that writes a zip of {name or ZipInfo: bytes} and gives its path."""
    numbers = itertools.count()

    def write(files, *, compression=zipfile.ZIP_STORED):
        path = tmp_path / f"photos{next(numbers)}.zip"
        pairs = files.items() if isinstance(files, dict) else files
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in pairs:
                archive.writestr(name, data)
        return path

    return write


@pytest.fixture
def take(zipped, tmp_path):
    """Give a function that takes a zip, or {name: bytes} as one, and gives the data set."""
    numbers = itertools.count()

    def take_all(files, **options) -> DataSet:
        path = files if hasattr(files, "open") else zipped(files)
        return take_zip(path, tmp_path / f"taken{next(numbers)}", name="photos.zip", **options)

    return take_all


@pytest.fixture
def special_entry():
    """Give a function that makes a zip entry of a Unix file type: `special_entry("cat/x.jpg", stat.S_IFLNK)`."""

    def make(name, kind=stat.S_IFLNK):
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3
        entry.external_attr = (kind | 0o644) << 16
        return entry

    return make


@pytest.fixture
def edited():
    """Give a function that changes a field of one entry of a zip, in the listing and in the entry's own header."""

    def edit(path, name, *, flags=None, crc=None, size=None, method=None, listing_only=False):
        data = bytearray(path.read_bytes())
        where = {b"PK\1\2": (8, 46), b"PK\3\4": (6, 30)}
        for signature, (first, head) in where.items():
            if listing_only and signature == b"PK\3\4":
                continue
            at = _find(data, signature, head, name.encode())
            for offset, form, value in ((0, "<H", flags), (2, "<H", method), (8, "<L", crc), (16, "<L", size)):
                if value is not None:
                    struct.pack_into(form, data, at + first + offset, value)
        path.write_bytes(data)
        return path

    return edit


@pytest.fixture
def overlapped(tmp_path, picture):
    """A zip of two class folders in which all entries are one and the same stretch of bytes."""
    content = picture(0)
    path = tmp_path / "overlapped.zip"
    names = [f"{name}/{place}.jpg".encode() for name in ("cat", "dog") for place in range(20)]
    fields = (zlib.crc32(content), len(content), len(content), len(names[0]))
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, *fields, 0) + names[0] + content
    listing = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, *fields[:3], len(name), 0, 0, 0, 0, 0, 0) + name
        for name in names
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(names), len(names), len(listing), len(local), 0)
    path.write_bytes(local + listing + end)
    return path


@pytest.fixture
def dataset(tmp_path):
    """Give a function that makes a data set without files: `dataset([("cat", "train", "a1"), …])`.

    A row is class, part and a word for the content: equal words are equal bytes. Keywords change all examples.
    """

    def make(rows, *, classes=None, split="seed", left_out=(), **changes) -> DataSet:
        classes = tuple(classes or sorted({row[0] for row in rows}))
        examples = [
            Example(
                **{
                    "file": f"files/{place:06d}.jpg",
                    "name": f"{name}/{place}.jpg",
                    "label": classes.index(name),
                    "part": part,
                    "sha256": f"{zlib.crc32(word.encode()):064x}",
                    "size_bytes": 1000,
                    "width": 640,
                    "height": 480,
                    "dhash": _random_hash(word),
                    **changes,
                }
            )
            for place, (name, part, word) in enumerate(rows)
        ]
        return DataSet("drawn", tmp_path, classes, tuple(examples), split=split, left_out=tuple(left_out))

    return make


def _random_hash(word):
    return np.random.default_rng(zlib.crc32(word.encode())).bytes(8).hex()


def _find(data, signature, head, name):
    at = data.find(signature)
    while data[at + head : at + head + len(name)] != name:
        at = data.find(signature, at + 1)
        assert at >= 0, f"there is no {name}"
    return at
