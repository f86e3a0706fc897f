"""Small pictures carry nothing but pixels."""

import io

import pytest
from PIL import Image

from vit_core.datasets.thumbnails import thumbnail
from vit_core.errors import BadImage


@pytest.fixture
def photo(tmp_path):
    """A photo of 400 x 200 pixels on its side, with a place, a camera, a colour profile and a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[1] = "N"
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (400, 200), "red").save(path, exif=exif, icc_profile=b"Secret" * 10, comment=b"Secret")
    return path


def test_the_longer_side_has_the_length_asked_for(photo):
    with Image.open(io.BytesIO(thumbnail(photo, side=96))) as small:
        assert (small.format, small.size) == ("JPEG", (48, 96))


def test_nothing_of_the_metadata_goes_along(photo):
    data = thumbnail(photo)

    with Image.open(io.BytesIO(data)) as small:
        assert not dict(small.getexif())
        assert set(small.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"Secret" in photo.read_bytes()
    assert b"Secret" not in data


def test_a_small_picture_is_not_enlarged(tmp_path, picture):
    (tmp_path / "x.png").write_bytes(picture(size=(10, 5), file_format="PNG"))

    with Image.open(io.BytesIO(thumbnail(tmp_path / "x.png"))) as small:
        assert small.size == (10, 5)


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(BadImage, match=r"'gone.jpg' cannot be read"):
        thumbnail(tmp_path / "gone.jpg")
