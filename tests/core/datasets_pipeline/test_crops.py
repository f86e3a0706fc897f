"""Random parts of images: their bounds, their distribution, their pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.datasets.crops import Box, draw_box, inception_crop, mirrored, resized

SIDES = st.integers(1, 700)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def boxes_of(count, height, width, min_area):
    rng = np.random.default_rng(7)
    return np.array([draw_box(rng, height, width, min_area=min_area) for _ in range(count)])


@given(height=SIDES, width=SIDES, min_area=st.floats(0.01, 1), seed=st.integers(0, 2**31))
def test_a_box_keeps_to_the_image_the_area_and_the_ratio(height, width, min_area, seed):
    box = draw_box(np.random.default_rng(seed), height, width, min_area=min_area)
    assert 0 <= box.top <= box.top + box.height <= height
    assert 0 <= box.left <= box.left + box.width <= width
    assert box.height * box.width >= max(1, min_area * height * width)
    is_whole = box == Box(0, 0, height, width)
    assert is_whole or 3 / 4 * box.height - 0.5 <= box.width <= 4 / 3 * box.height + 0.5  # half a pixel of rounding


@given(height=st.integers(1, 40), width=st.integers(1, 40), min_area=st.floats(0.01, 1), seed=st.integers(0, 2**31))
def test_a_crop_has_the_size_asked_for(height, width, min_area, seed):
    image = np.zeros((height, width, 3), np.uint8)
    crop = inception_crop(np.random.default_rng(seed), image, 16, min_area=min_area)
    assert (crop.shape, crop.dtype) == ((16, 16, 3), np.uint8)


def test_areas_follow_the_original_distribution():
    # Ratio r uniform, then the height uniform from sqrt(0.05 / r) to the tallest that fits a square of side 1.
    ratios = np.linspace(0.75, 1.33, 10_001)
    least, most = np.sqrt(0.05 / ratios), np.minimum(1, 1 / ratios)
    expected = (ratios * (least**2 + least * most + most**2) / 3).mean()
    boxes = boxes_of(20_000, 600, 600, 0.05)
    assert (boxes[:, 2] * boxes[:, 3]).mean() / 600**2 == pytest.approx(expected, rel=0.02)


def test_small_and_large_parts_both_occur():
    boxes = boxes_of(5000, 300, 400, 0.05)
    areas = boxes[:, 2] * boxes[:, 3] / (300 * 400)
    assert areas.min() < 0.06
    assert areas.max() > 0.9


def test_parts_lie_everywhere_up_to_the_edges():
    boxes = boxes_of(5000, 60, 80, 0.05)
    room = np.array([[60, 80]]) - boxes[:, 2:]
    assert (boxes[:, :2] == 0).any(axis=0).all()
    assert (boxes[:, :2] == room)[room[:, 0] > 0].any(axis=0).all()
    assert (boxes[:, :2] / np.maximum(room, 1))[(room > 5).all(axis=1)].mean(axis=0) == pytest.approx(0.5, abs=0.02)


def test_the_whole_of_a_wide_image_is_taken_where_no_part_is_large_enough(rng):
    assert draw_box(rng, 100, 300, min_area=0.9) == Box(0, 0, 100, 300)


def test_a_crop_of_everything_is_the_image(rng):
    image = rng.integers(0, 256, (16, 48, 3), np.uint8)
    assert np.array_equal(inception_crop(rng, image, 16, min_area=1.0), resized(image, 16, 16))


def test_a_crop_shows_the_pixels_of_its_part():
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, :, None], (100, 100, 3))
    box = draw_box(np.random.default_rng(3), 100, 100, min_area=0.05)
    crop = inception_crop(np.random.default_rng(3), ramp, 64, min_area=0.05).astype(int)
    assert abs(crop[0, 0, 0] - box.left) <= 1
    assert abs(crop[0, -1, 0] - (box.left + box.width - 1)) <= 1


def test_an_enlarged_part_is_interpolated_between_the_centres_of_pixels():
    image = np.array([[[0] * 3, [100] * 3]], np.uint8)
    assert resized(image, 1, 4)[0, :, 0].tolist() == [0, 25, 75, 100]


def test_fine_stripes_blur_to_grey_where_they_shrink():
    stripes = np.broadcast_to((np.arange(400) % 2 * 200).astype(np.uint8)[None, :, None], (400, 400, 3))
    shrunk = resized(stripes, 50, 50)
    assert 95 <= shrunk.min() <= shrunk.max() <= 105


def test_half_of_the_images_are_mirrored(rng):
    image = rng.integers(0, 256, (4, 5, 3), np.uint8)
    mirrors = [mirrored(rng, image) for _ in range(400)]
    swapped = [np.array_equal(each, image[:, ::-1]) for each in mirrors]
    assert all(swap or np.array_equal(each, image) for swap, each in zip(swapped, mirrors, strict=True))
    assert 150 < sum(swapped) < 250
