"""The square that a model sees is the one it was evaluated with."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vit_core.errors import BadInput
from vit_core.preprocess import (
    METHODS,
    decode_image,
    normalise,
    read_image,
    read_model_input,
    sufficient_side,
    to_model_input,
)


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def grey_row(*values):
    return np.repeat(np.array(values, np.uint8)[None, :, None], 3, axis=2)


def interpolated(image, resolution):
    """The definition, in float64: each axis on its own, pixel centres at halves, edges repeated."""

    def along(values):
        size = len(values)
        positions = (np.arange(resolution) + 0.5) * size / resolution - 0.5
        return np.interp(positions, np.arange(size), values)

    rows = np.apply_along_axis(along, 0, image.astype(np.float64))
    return np.apply_along_axis(along, 1, rows)


def test_enlarging_interpolates_between_pixel_centres():
    enlarged = to_model_input(grey_row(0, 255), 4)
    assert enlarged[0, :, 0].tolist() == [0, 64, 191, 255]


def test_shrinking_does_not_antialias():
    # Only the two pixels beside each output centre count: tf.image.resize's default, and what the models were tuned to.
    shrunk = to_model_input(grey_row(255, 0, 0, 0, 0, 0, 0, 0), 2)
    assert shrunk[0, :, 0].tolist() == [0, 0]


@pytest.mark.parametrize(("height", "width"), [(333, 500), (500, 333), (31, 47), (1, 1), (1, 300), (224, 224)])
def test_resizing_follows_its_definition(height, width):
    image = noise(height, width)
    # 0.5 for rounding to whole numbers, and 0.01 for positions in float32 (they are in the original too).
    np.testing.assert_allclose(to_model_input(image, 224), interpolated(image, 224), atol=0.51)


def test_an_image_of_the_right_size_stays_as_it_is():
    image = noise(64, 64)
    np.testing.assert_array_equal(to_model_input(image, 64), image)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_square_in_bytes(method):
    square = to_model_input(noise(60, 90), 32, method=method)
    assert square.shape == (32, 32, 3)
    assert square.dtype == np.uint8


@pytest.mark.parametrize(
    ("resolution", "width", "height", "short", "long"),
    [
        (224, 500, 333, 248, 372),  # 224 / 0.9 = 248.9; 248 * 500 / 333 = 372.4
        (224, 333, 500, 248, 372),
        (384, 500, 333, 384, 576),  # no margin at 384
        (224, 100, 100, 248, 248),
    ],
)
def test_cropping_is_timms_resize_and_centre_crop(resolution, width, height, short, long):
    image = noise(height, width)
    size = (long, short) if width > height else (short, long)
    resized = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    left, top = round((size[0] - resolution) / 2), round((size[1] - resolution) / 2)
    expected = np.asarray(resized)[top : top + resolution, left : left + resolution]
    np.testing.assert_array_equal(to_model_input(image, resolution, method="crop"), expected)


def test_cropping_a_long_strip_does_not_make_it_longer_first():
    # 16384 x 1 would become 4 million pixels wide on the way: 3 GB.
    assert to_model_input(noise(1, 16_384), 224, method="crop").shape == (224, 224, 3)


def test_an_unknown_method_lists_the_known_ones():
    with pytest.raises(BadInput, match="no preprocessing 'squash'; it is one of resize, crop"):
        to_model_input(noise(4, 4), 4, method="squash")


def test_bytes_become_minus_one_to_one():
    scaled = normalise(np.arange(256, dtype=np.uint8).repeat(3).reshape(256, 3))
    assert scaled.dtype == np.float32
    assert (scaled.min(), scaled.max()) == (-1, 1)
    np.testing.assert_allclose(scaled[:, 0], np.arange(256) / 127.5 - 1, atol=1e-7)


def test_rounding_to_bytes_changes_an_input_by_at_most_four_thousandths():
    image = noise(333, 500)
    exact = (interpolated(image, 224) - 127.5) / 127.5
    assert np.abs(normalise(to_model_input(image, 224)) - exact).max() <= 0.004


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 80), st.sampled_from(list(METHODS)))
def test_a_picture_of_one_colour_keeps_it(height, width, resolution, method):
    image = np.full((height, width, 3), (200, 100, 50), np.uint8)
    assert (to_model_input(image, resolution, method=method) == image[0, 0]).all()


def saved(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("method", METHODS)
def test_pictures_of_the_usual_size_reach_the_model_unchanged(method):
    image = noise(375, 500)
    square = read_model_input(saved(image), 224, method=method)
    np.testing.assert_array_equal(square, to_model_input(image, 224, method=method))


def test_a_large_photo_is_averaged_before_it_is_interpolated():
    image = noise(800, 1001)
    averaged = np.asarray(Image.fromarray(image).reduce(2))
    np.testing.assert_array_equal(read_model_input(saved(image), 224), to_model_input(averaged, 224))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("resolution", [16, 224, 384, 512, 1024])
def test_no_photo_is_averaged_below_what_the_model_sees(method, resolution):
    side = sufficient_side(resolution, method=method)
    assert side >= max(resolution, 375)
    assert method == "resize" or side >= 2 * resolution


def test_a_file_comes_to_a_model_by_this_module_alone(tmp_path):
    Image.fromarray(noise(8, 8)).save(tmp_path / "x.png")
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), decode_image((tmp_path / "x.png").read_bytes()))
