"""Position embeddings are resized as the original does it."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from vit_core.checkpoints.posemb import resize_posemb
from vit_core.errors import BadInput


def grid_of(side, seed=0):
    return np.random.RandomState(seed).normal(size=(1, side * side, 3)).astype(np.float32)


@pytest.mark.parametrize("case", ["14_24_1", "14_7_1", "7_12_0"])
def test_resized_embeddings_equal_the_originals_bit_for_bit(golden, case):
    arrays = golden("posemb_resize")
    _, new, tokens = case.split("_")

    resized = resize_posemb(arrays[f"in_{case}"], int(new), has_class_token=tokens == "1")

    np.testing.assert_array_equal(resized, arrays[f"out_{case}"])


@settings(max_examples=30)
@given(old=st.integers(1, 15), new=st.integers(1, 30))
def test_every_grid_is_resized_as_scipy_zoom_does(old, new):
    posemb = grid_of(old)
    expected = scipy.ndimage.zoom(posemb.reshape(old, old, 3), (new / old, new / old, 1), order=1)

    resized = resize_posemb(posemb, new, has_class_token=False)

    np.testing.assert_allclose(resized.reshape(new, new, 3), expected, atol=1e-6)


def test_class_token_is_kept_and_takes_no_part():
    patches = grid_of(4)
    token = np.full((1, 1, 3), 1e6, np.float32)

    resized = resize_posemb(np.concatenate([token, patches], axis=1), 7, has_class_token=True)

    np.testing.assert_array_equal(resized[:, :1], token)
    np.testing.assert_array_equal(resized[:, 1:], resize_posemb(patches, 7, has_class_token=False))


def test_corners_stay_on_the_corners():
    patches = grid_of(5).reshape(5, 5, 3)

    resized = resize_posemb(patches.reshape(1, 25, 3), 9, has_class_token=False).reshape(9, 9, 3)

    np.testing.assert_array_equal(resized[[0, 0, -1, -1], [0, -1, 0, -1]], patches[[0, 0, -1, -1], [0, -1, 0, -1]])


def test_same_grid_gives_the_same_array():
    posemb = grid_of(6)

    assert resize_posemb(posemb, 6, has_class_token=False) is posemb


@pytest.mark.parametrize(("tokens", "has_class_token"), [(197, False), (196, True), (1, True), (0, False)])
def test_patches_that_are_no_square_are_refused(tokens, has_class_token):
    posemb = np.zeros((1, tokens, 3), np.float32)

    with pytest.raises(BadInput, match="not a square grid"):
        resize_posemb(posemb, 7, has_class_token=has_class_token)
