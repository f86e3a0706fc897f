"""Whoever decodes, the answer is Pillow's: the same pixels, or the same refusal."""

import io
import random

import numpy as np
import pytest
from PIL import Image

from vit_core import image_file
from vit_core.bench.photos import photo
from vit_core.errors import BadImage
from vit_core.image_file import ImageLimits, decode_image
from vit_core.image_header import count_scans, jpeg_header
from vit_core.plain_jpeg import decode_plain_jpeg


def drawn(width, height, mode="RGB"):
    coarse = np.random.default_rng(0).integers(0, 256, (max(1, height // 8), max(1, width // 8), 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def saved(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation, *, by):
    exif = Image.Exif()
    exif[0x0112] = orientation
    xmp = b'<x tiff:Orientation="%d"/>' % orientation
    return saved(drawn(40, 24), **({"exif": exif.tobytes()} if by == "exif" else {"xmp": xmp}))


ODD = {
    "one pixel": saved(drawn(1, 1)),
    "a column": saved(drawn(1, 17)),
    "a row": saved(drawn(17, 1)),
    "odd sides": saved(drawn(33, 65)),
    "4:4:4": saved(drawn(48, 33), subsampling=0),
    "4:2:2": saved(drawn(48, 33), subsampling=1),
    "4:1:1": saved(drawn(48, 33), subsampling="4:1:1"),
    "progressive": saved(drawn(48, 33), progressive=True),
    "grey": saved(drawn(48, 33, "L")),
    "progressive grey": saved(drawn(48, 33, "L"), progressive=True),
    "CMYK": saved(drawn(48, 33, "CMYK")),
    "stored as RGB": saved(drawn(48, 33), keep_rgb=True),
    "restart markers": saved(drawn(48, 33), restart_marker_blocks=2),
    "several pictures": saved(drawn(48, 33), "MPO", save_all=True, append_images=[drawn(48, 33)]),
    "long comments": saved(drawn(48, 33), comment=b"x" * 60_000, icc_profile=bytes(100_000)),
    "more behind": saved(drawn(48, 33)) + b"more",
    "twice": 2 * saved(drawn(48, 33)),
    **{f"turned {number} by {by}": turned(number, by=by) for number in range(10) for by in ("exif", "xmp")},
}


def answer(data, at_least):
    try:
        return decode_image(data, name="x", at_least=at_least)
    except BadImage as error:
        return str(error)


@pytest.fixture
def assert_same(monkeypatch):
    """Give a function that compares with Pillow's answer, and says whether there were pixels."""

    def compare(data, at_least=0):
        ours = answer(data, at_least)
        with monkeypatch.context() as patched:
            patched.setattr(image_file, "decode_plain_jpeg", lambda *_, **__: None)
            pillows = answer(data, at_least)
        np.testing.assert_array_equal(ours, pillows)
        return not isinstance(ours, str)

    return compare


@pytest.mark.parametrize("at_least", [0, 3, 8])
@pytest.mark.parametrize("name", ODD)
def test_odd_files_give_pillows_pixels(assert_same, name, at_least):
    assert assert_same(ODD[name], at_least)


@pytest.mark.filterwarnings("ignore")  # Pillow says a good deal about broken files
@pytest.mark.parametrize("name", ["4:4:4", "progressive", "restart markers", "turned 6 by exif"])
def test_a_file_cut_anywhere_gets_pillows_answer(assert_same, name):
    data = ODD[name]
    ends = {*range(2, len(data), 23), *range(len(data) - 30, len(data))}
    answers = {assert_same(data[:end]) for end in sorted(ends)}
    assert False in answers


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["odd sides", "progressive", "grey", "CMYK", "restart markers", "turned 6 by exif"])
def test_a_damaged_file_gets_pillows_answer(assert_same, name):
    chance = random.Random(0)
    answers = set()
    for _ in range(150):
        data = bytearray(ODD[name])
        data[chance.randrange(2, len(data))] ^= 1 << chance.randrange(8)
        answers.add(assert_same(bytes(data), chance.choice([0, 8])))
    assert answers == {True, False}


def test_what_cameras_and_sites_write_is_decoded_without_pillow():
    assert decode_plain_jpeg(ODD["4:2:2"], (48, 33)) is not None
    assert decode_plain_jpeg(ODD["4:2:2"], (48, 33), factor=4).shape == (9, 12, 3)


@pytest.mark.parametrize("name", ["CMYK", "several pictures"])
def test_what_is_not_plain_is_left_to_pillow(name):
    assert not jpeg_header(ODD[name]).is_plain


def test_damaged_data_are_not_filled_with_grey():
    assert decode_plain_jpeg(photo(64, 48)[:-200], (64, 48)) is None


def test_the_scale_of_a_jpeg_is_the_average_of_blocks():
    data = photo(800, 600)
    whole = Image.fromarray(decode_image(data))
    for factor in (2, 4, 8):
        smaller = decode_image(data, at_least=600 // factor)
        averaged = np.asarray(whole.reduce(factor))
        assert smaller.shape == averaged.shape
        assert np.abs(smaller.astype(int) - averaged).mean() < 1  # of 255


def hidden_behind(lure, picture):
    """Put a picture behind a segment whose end a parser gets wrong that gives the marker TEM (FF 01) a length.

    Such a parser takes the first two bytes of the frame header for a length and steps over what follows, to `lure`.
    """
    frame = picture.index(b"\xff\xc0") if b"\xff\xc0" in picture else picture.index(b"\xff\xc2")
    skipped = int.from_bytes(picture[frame : frame + 2])
    rest = picture[frame:]
    comment = lure[2:]
    stuffing = b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment
    # After `skipped` bytes the wrong parser looks on: comments of zeros lead up to the one with the lure.
    body, end = rest[:-2], rest[-2:]
    zeros = b"\0" * max(skipped - len(body) - 4, 0)
    return b"\xff\xd8\xff\x01" + body + zeros + stuffing + end


def test_a_header_is_never_read_past_a_marker_that_stands_without_a_length():
    data = hidden_behind(saved(drawn(16, 16)), saved(drawn(400, 300), progressive=True))

    with pytest.raises(BadImage) as caught:
        decode_image(data, limits=ImageLimits(pixels=1_000))

    assert "400x300 pixels" in str(caught.value)


def test_a_picture_of_another_size_than_was_judged_is_not_decoded():
    assert decode_plain_jpeg(saved(drawn(40, 24)), (40, 24)) is not None
    assert decode_plain_jpeg(saved(drawn(40, 24)), (40, 25)) is None
    assert decode_plain_jpeg(saved(drawn(40, 24)), (80, 48), factor=2) is None


def test_the_scans_of_an_arithmetic_progressive_picture_are_counted():
    data = saved(drawn(64, 64), progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    data = data.replace(b"\xff\xc2", b"\xff\xca", 1)  # progressive, arithmetic coding

    assert count_scans(data[:-2] + scan * 200 + data[-2:], 1_000) > 200
