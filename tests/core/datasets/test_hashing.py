"""What is read of an image file."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from vit_core.datasets.hashing import difference_hash, read_facts
from vit_core.datasets.near import DISTANCE
from vit_core.errors import BadImage
from vit_core.image_file import ImageLimits, decode_image


def scene(number):
    """A picture with soft forms and some grain, as photos have; uint8 [240, 320, 3]."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8)).resize((320, 240), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(coarse) + rng.normal(0, 4, (240, 320, 1)), 0, 255).astype(np.uint8)


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return decode_image(buffer.getvalue())


def bits_between(first, second):
    return (int(difference_hash(first), 16) ^ int(difference_hash(second), 16)).bit_count()


def test_the_facts_are_of_the_bytes_and_the_upright_picture(tmp_path, picture):
    path = tmp_path / "x"
    path.write_bytes(picture(1, size=(40, 30)))

    facts = read_facts(path, name="cat/x.jpg", limits=ImageLimits())

    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts.size_bytes, facts.width, facts.height, facts.suffix) == (path.stat().st_size, 40, 30, ".jpg")
    assert facts.dhash == difference_hash(decode_image(path.read_bytes()))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_large_photo_is_described_whole_and_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(scene(0)).resize((1600, 1201)).save(tmp_path / "x", "JPEG", exif=exif)

    facts = read_facts(tmp_path / "x", name="cat/x.jpg", limits=ImageLimits())

    assert (facts.width, facts.height) == ((1600, 1201) if orientation < 5 else (1201, 1600))
    whole = difference_hash(decode_image((tmp_path / "x").read_bytes()))
    assert (int(facts.dhash, 16) ^ int(whole, 16)).bit_count() <= 1


def test_the_end_of_a_large_photo_is_read(tmp_path):
    Image.fromarray(scene(0)).resize((1600, 1200)).save(tmp_path / "x", "JPEG")
    data = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(data[:-2000])

    with pytest.raises(BadImage, match=r"'cat/x\.jpg' is truncated"):
        read_facts(tmp_path / "x", name="cat/x.jpg", limits=ImageLimits())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "'cat/x.jpg' cannot be read: No such file"),
        (lambda path: path.write_bytes(bytes(3000)), "'cat/x.jpg' has 0.0 MB, over the limit of 0.002 MB per image"),
        (
            lambda path: path.write_bytes(b"BM" + bytes(30)),
            "'cat/x.jpg' is a BMP image; JPEG, PNG and WebP are accepted",
        ),
        (lambda path: path.write_bytes(b""), "'cat/x.jpg' is empty"),
    ],
)
def test_a_fault_is_named(tmp_path, change, message):
    path = tmp_path / "x"
    path.write_bytes(b"x")
    change(path)

    with pytest.raises(BadImage, match=message):
        read_facts(path, name="cat/x.jpg", limits=ImageLimits(size_bytes=2000))


def test_each_bit_says_that_a_pixel_is_brighter_than_its_right_neighbour():
    image = np.zeros((8, 9, 3), np.uint8)
    image[0, 0] = image[7, 7] = 255

    assert difference_hash(image) == f"{(1 << 63) | 1:016x}"


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize(
    "change",
    [
        lambda image: saved(image, quality=60),
        lambda image: saved(image.resize((160, 120), Image.Resampling.LANCZOS)),
        lambda image: saved(image.resize((640, 480), Image.Resampling.BICUBIC)),
        lambda image: saved(image.point(lambda value: min(255, int(value * 1.1)))),
    ],
    ids=["saved again", "half as large", "twice as large", "brighter"],
)
def test_a_copy_hashes_nearly_alike(number, change):
    assert bits_between(scene(number), change(Image.fromarray(scene(number)))) <= DISTANCE


def test_other_pictures_hash_otherwise():
    hashes = [scene(number) for number in range(40)]

    assert min(bits_between(one, other) for place, one in enumerate(hashes) for other in hashes[:place]) > DISTANCE
