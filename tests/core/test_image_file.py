"""Image files are decoded upright in RGB, or refused with a sentence that names the image, the value and the rule."""

import contextlib
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vit_core.errors import BadImage
from vit_core.image_file import ImageLimits, decode_image, read_image

# Four quarters, so that every turn and mirror is told from the others.
QUARTERS = np.zeros((32, 48, 3), np.uint8)
QUARTERS[:16, :24] = (255, 0, 0)
QUARTERS[:16, 24:] = (0, 255, 0)
QUARTERS[16:, :24] = (0, 0, 255)
QUARTERS[16:, 24:] = (255, 255, 255)

# What each EXIF orientation stores of an upright picture (EXIF 2.32, tag 0x0112).
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: upright[:, ::-1].transpose(1, 0, 2),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: upright[::-1].transpose(1, 0, 2),
}


def save(pixels, file_format, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def jpeg(pixels=QUARTERS, **options):
    return save(pixels, "JPEG", **{"quality": 95, "subsampling": 0, **options})


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def with_jpeg_size(data, width, height):
    start = data.index(b"\xff\xc0") + 5
    return data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def refusal(data, **options):
    with pytest.raises(BadImage) as caught:
        decode_image(data, name="cat.jpg", **options)
    return str(caught.value)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WebP", "GIF", "BMP"])
def test_each_accepted_format_gives_the_same_pixels(file_format):
    options = {"lossless": True, "quality": 95, "subsampling": 0}
    decoded = decode_image(save(QUARTERS, file_format, **options))
    assert decoded.dtype == np.uint8
    assert decoded.shape == QUARTERS.shape
    np.testing.assert_allclose(decoded[::8, ::8], QUARTERS[::8, ::8], atol=3)  # a JPEG rings along edges


def test_a_png_named_jpg_is_decoded():
    np.testing.assert_array_equal(decode_image(save(QUARTERS, "PNG"), name="cat.jpg"), QUARTERS)


def test_a_jpeg_with_a_zip_behind_it_is_decoded_as_a_jpeg():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.txt", "x")
    assert decode_image(jpeg() + archive.getvalue()).shape == QUARTERS.shape


@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_comes_out_upright(orientation):
    stored = np.ascontiguousarray(STORED[orientation](QUARTERS))
    decoded = decode_image(jpeg(stored, exif=exif(orientation)))
    assert decoded.shape == QUARTERS.shape
    for y, x in [(4, 4), (4, 40), (28, 4), (28, 40)]:
        np.testing.assert_allclose(decoded[y, x], QUARTERS[y, x], atol=3)


def test_the_orientation_of_a_png_is_applied_too():
    stored = np.ascontiguousarray(STORED[6](QUARTERS))
    np.testing.assert_array_equal(decode_image(save(stored, "PNG", exif=exif(6))), QUARTERS)


def test_an_impossible_orientation_is_ignored():
    assert decode_image(jpeg(exif=exif(99))).shape == QUARTERS.shape


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow says so in the log
@pytest.mark.parametrize("broken", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"])
def test_broken_exif_is_ignored(broken):
    assert decode_image(jpeg(exif=broken)).shape == QUARTERS.shape


def test_a_large_colour_profile_and_long_comments_of_a_jpeg_are_ignored():
    noise = np.random.default_rng(0).bytes(3_000_000)  # holds some bytes that look like the start of a scan
    assert decode_image(jpeg(icc_profile=noise, comment=noise[:65_000])).shape == QUARTERS.shape


def test_a_large_colour_profile_and_long_texts_of_a_png_are_ignored():
    data = save(QUARTERS, "PNG", icc_profile=np.random.default_rng(0).bytes(3_000_000))
    text = png_chunk(b"zTXt", b"key\0\0" + zlib.compress(b"x" * 5_000_000))
    np.testing.assert_array_equal(decode_image(data[:33] + text + data[33:]), QUARTERS)


@pytest.mark.parametrize(
    ("at_least", "size"), [(0, (600, 800)), (400, (600, 800)), (300, (300, 400)), (100, (150, 200))]
)
def test_a_large_jpeg_is_decoded_no_smaller_than_what_suffices(at_least, size):
    across = np.linspace(0, 255, 800, dtype=np.uint8)
    picture = Image.fromarray(np.broadcast_to(across[None, :, None], (600, 800, 3)).copy())
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95)
    image = decode_image(buffer.getvalue(), at_least=at_least)
    assert image.shape[:2] == size
    smaller = np.asarray(picture.resize(size[::-1], Image.Resampling.BOX), np.float32)
    assert np.abs(image - smaller).mean() < 2  # of 255: what JPEG loses


@pytest.mark.parametrize("file_format", ["PNG", "WebP", "GIF", "BMP"])
def test_other_large_files_are_averaged_to_the_size_that_a_jpeg_would_have(file_format):
    picture = Image.fromarray(QUARTERS).resize((801, 600), Image.Resampling.BICUBIC)
    data = save(picture, file_format, lossless=True)
    averaged = np.asarray(Image.fromarray(decode_image(data)).reduce(4))
    np.testing.assert_array_equal(decode_image(data, at_least=150), averaged)
    assert decode_image(save(picture, "JPEG"), at_least=150).shape == averaged.shape


def test_grey_images_get_three_equal_channels():
    decoded = decode_image(jpeg(np.full((8, 8), 77, np.uint8)))
    np.testing.assert_allclose(decoded, 77, atol=1)


def test_of_sixteen_bits_the_upper_eight_count():
    grey = (np.arange(64, dtype=np.uint16) * 1024).reshape(8, 8)
    decoded = decode_image(save(Image.fromarray(grey), "PNG"))
    np.testing.assert_array_equal(decoded[..., 0], grey >> 8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(mode):
    image = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 4, 8))
    decoded = decode_image(save(image.convert(mode), "PNG"))
    assert decoded[4, 1].tolist() == [0, 0, 0]
    assert decoded[4, 6].tolist() == [255, 255, 255]


def test_the_transparent_colour_of_a_palette_is_white():
    image = Image.fromarray(QUARTERS).quantize(4)
    decoded = decode_image(save(image, "PNG", transparency=image.getpixel((0, 0))))
    assert decoded[0, 0].tolist() == [255, 255, 255]
    assert decoded[0, 40].tolist() == [0, 255, 0]


def test_a_cmyk_jpeg_as_photoshop_writes_it_has_the_right_colours():
    decoded = decode_image(jpeg(Image.fromarray(QUARTERS).convert("CMYK")))
    for y, x in [(4, 4), (4, 40), (28, 4), (28, 40)]:
        np.testing.assert_allclose(decoded[y, x], QUARTERS[y, x], atol=6)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WebP"])
def test_of_an_animation_the_first_frame_counts(file_format):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = save(frames[0], file_format, save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_allclose(decode_image(data)[4, 4], [255, 0, 0], atol=2)


def test_of_a_multi_picture_jpeg_the_first_picture_counts():
    pictures = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    data = save(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    np.testing.assert_allclose(decode_image(data)[8, 8], [254, 0, 0], atol=2)


def test_a_single_pixel_is_an_image():
    assert decode_image(save(QUARTERS[:1, :1], "PNG")).shape == (1, 1, 3)


def test_an_empty_file_is_called_empty():
    assert refusal(b"") == "'cat.jpg' is empty."


def test_one_byte_is_not_an_image():
    assert "'cat.jpg' is not an image (it starts with the bytes FF)" in refusal(b"\xff")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<!DOCTYPE html><html>404</html>", "an HTML or XML page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "an SVG drawing"),
        (b"II*\0" + bytes(20), "a TIFF image"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "a HEIC or AVIF image"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04" + bytes(20), "a zip archive"),
        (b"8BPS\0\1", "a Photoshop file"),
    ],
)
def test_other_files_are_called_what_they_are(data, what):
    assert refusal(data).startswith(f"'cat.jpg' is {what}, which is not a picture format read here; JPEG, PNG")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WebP", "GIF", "BMP"])
def test_half_a_file_is_refused(file_format):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = save(noise, file_format)
    assert "'cat.jpg' is" in refusal(data[: len(data) // 2])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [20, 2000])
def test_a_jpeg_without_its_end_is_called_truncated(missing, progressive):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = jpeg(noise, progressive=progressive)
    assert refusal(data[:-missing]) == (
        "'cat.jpg' is truncated: the JPEG data end too early; copy or download it again."
    )


def test_a_small_file_that_claims_many_pixels_is_refused_by_its_header():
    data = with_jpeg_size(jpeg(np.zeros((8, 8, 3), np.uint8)), 9400, 9400)
    assert len(data) < 1000
    # Decoding would have found the pixels missing.
    assert refusal(data) == "'cat.jpg' is 9400x9400 pixels, over the limit of 40 million pixels."


def test_a_jpeg_of_the_greatest_size_is_refused_by_its_header():
    data = with_jpeg_size(jpeg(), 65_500, 65_500)
    assert refusal(data) == "'cat.jpg' is 65500x65500 pixels; a side over 16384 pixels is not accepted."


def test_a_long_thin_image_is_refused_by_its_side():
    assert "1x16385 pixels; a side over 16384" in refusal(save(np.zeros((16_385, 1, 3), np.uint8), "PNG"))


def claims_of_16000_pixels():
    size = (16_000).to_bytes(4)
    png = save(QUARTERS, "PNG")
    header = b"IHDR" + size + size + png[24:29]
    yield "PNG", png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    webp = bytearray(save(QUARTERS, "WebP", lossless=True))
    bits = int.from_bytes(webp[21:25], "little") & ~0xFFFFFFF | 15_999 | 15_999 << 14
    webp[21:25] = bits.to_bytes(4, "little")
    yield "WebP lossless", bytes(webp)
    webp = bytearray(save(QUARTERS, "WebP"))
    webp[26:30] = struct.pack("<HH", 16_000, 16_000)
    yield "WebP", bytes(webp)
    webp = bytearray(save(QUARTERS, "WebP", save_all=True, append_images=[Image.new("RGB", (48, 32))]))
    webp[24:30] = (15_999).to_bytes(3, "little") * 2
    yield "WebP animated", bytes(webp)
    gif = bytearray(save(QUARTERS, "GIF"))
    gif[6:10] = struct.pack("<HH", 16_000, 16_000)
    yield "GIF", bytes(gif)
    bmp = bytearray(save(QUARTERS, "BMP"))
    bmp[18:26] = struct.pack("<ii", 16_000, -16_000)
    yield "BMP", bytes(bmp)


@pytest.mark.parametrize(("kind", "data"), list(claims_of_16000_pixels()))
def test_the_header_of_every_format_is_believed_before_decoding(kind, data):
    assert refusal(data) == "'cat.jpg' is 16000x16000 pixels, over the limit of 40 million pixels.", kind


def test_a_gif_whose_frame_is_larger_than_its_header_says_is_refused():
    gif = bytearray(save(np.zeros((8, 8, 3), np.uint8), "GIF"))
    start = gif.index(b",\0\0\0\0\x08\0\x08\0") + 5
    gif[start : start + 4] = struct.pack("<HH", 16_000, 16_000)
    assert "'cat.jpg' is" in refusal(bytes(gif))


def test_an_image_of_no_width_is_refused():
    assert "0x8 pixels, so there is nothing to see" in refusal(with_jpeg_size(jpeg(), 0, 8))


def test_a_jpeg_of_too_many_scans_is_refused():
    data = jpeg(progressive=True)
    scan = data[data.index(b"\xff\xda") : -2]
    assert "progressive JPEG of more than 100 scans" in refusal(data[:-2] + scan * 20 + data[-2:])


def test_ordinary_progressive_jpegs_are_accepted():
    assert decode_image(jpeg(progressive=True)).shape == QUARTERS.shape


def test_a_file_over_the_size_limit_is_refused_with_both_numbers():
    assert refusal(b"\xff" * 20_100_000) == "'cat.jpg' has 20.1 MB, over the limit of 20 MB per image."


def test_the_limits_can_be_set():
    assert "48x32 pixels, over the limit of 0.001 million" in refusal(jpeg(), limits=ImageLimits(pixels=1000))


def test_a_name_of_the_user_is_shortened_and_quoted():
    with pytest.raises(BadImage, match=r"^'a b x{80,}…' is empty\.$"):
        decode_image(b"", name="a\nb " + "x" * 300)


def test_without_a_name_it_is_called_the_image():
    with pytest.raises(BadImage, match=r"^The image is empty\.$"):
        decode_image(b"")


def test_a_file_is_read_by_its_path(tmp_path):
    (tmp_path / "cat.png").write_bytes(save(QUARTERS, "PNG"))
    np.testing.assert_array_equal(read_image(tmp_path / "cat.png"), QUARTERS)
    np.testing.assert_array_equal(read_image(str(tmp_path / "cat.png")), QUARTERS)


def test_bytes_are_read_as_they_are():
    np.testing.assert_array_equal(read_image(save(QUARTERS, "PNG")), QUARTERS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadImage, match=r"nothing\.jpg' cannot be read: No such file or directory\."):
        read_image(tmp_path / "nothing.jpg")


def test_a_folder_is_not_an_image(tmp_path):
    with pytest.raises(BadImage, match="Is a directory"):
        read_image(tmp_path)


def test_a_large_file_is_refused_without_reading_it(tmp_path):
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(10**12)  # takes no room on the disk, and would not fit in memory
    with pytest.raises(BadImage, match=r"1000000\.0 MB, over the limit of 20 MB"):
        read_image(tmp_path / "big.jpg")


@pytest.mark.filterwarnings("ignore")  # Pillow says a good deal about broken files
@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    file_format=st.sampled_from(["JPEG", "PNG", "WebP", "GIF", "BMP"]),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=20),
)
def test_flipped_bits_give_pixels_or_a_refusal(file_format, flips):
    data = bytearray(save(QUARTERS, file_format))
    for where, bit in flips:
        data[int(where * len(data))] ^= 1 << bit
    with contextlib.suppress(BadImage):
        assert decode_image(bytes(data)).shape[2] == 3
