"""The light over a picture: bright where the attention went."""

import numpy as np
import pytest

from app.components.attention import enlarged, lit


def test_the_patch_with_the_largest_weight_is_the_brightest():
    picture = np.full((64, 64, 3), 100, np.uint8)
    weights = np.zeros((4, 4), np.float32)
    weights[1, 2] = 0.7

    shown = lit(picture, weights).astype(int).sum(axis=-1)

    row, column = np.unravel_index(shown.argmax(), shown.shape)
    assert (row // 16, column // 16) == (1, 2)


def test_equal_weights_light_the_whole_picture_equally():
    shown = lit(np.full((32, 32, 3), 100, np.uint8), np.full((2, 2), 0.25, np.float32))

    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1


def test_bright_pictures_do_not_run_over():
    shown = lit(np.full((8, 8, 3), 255, np.uint8), np.array([[1.0, 0.0]], np.float32))

    assert shown[0, 0].min() > shown[0, -1].max()


@pytest.mark.parametrize(("side", "expected"), [(16, 320), (224, 448), (384, 384)])
def test_small_pictures_are_enlarged_by_whole_pixels(side, expected):
    picture = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)

    large = enlarged(picture)

    assert large.shape == (expected, expected, 3)
    assert (large[:: expected // side, :: expected // side] == picture).all()
