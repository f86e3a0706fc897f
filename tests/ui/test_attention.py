"""The light over a picture: bright where the attention went."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

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


def _page_of_a_mixer():
    import numpy as np

    from app.answers import Detail
    from app.components.attention import show_seen

    show_seen(Detail(crop=np.zeros((8, 8, 3), np.uint8), heads=None, rollout=None), name="a.jpg")


def test_the_answer_of_a_mixer_says_that_there_is_no_attention_and_shows_the_picture():
    page = AppTest.from_function(_page_of_a_mixer, default_timeout=60).run()

    assert not page.exception
    assert "MLP-Mixer: it has no attention" in page.caption[0].value
    assert not page.segmented_control
    assert page.container
