"""timm's crop of an image depends on the model, and is the same wherever an image is read."""

import numpy as np

from vit_core.inference.crop import model_input
from vit_core.models.config import VARIANTS
from vit_core.preprocess import to_model_input

IMAGE = np.random.default_rng(0).integers(0, 256, (300, 260, 3), np.uint8)


def test_a_mixer_sees_seven_eighths_of_the_shorter_side():
    pixels = model_input(IMAGE, VARIANTS["Mixer-B/16"], "crop")
    np.testing.assert_array_equal(pixels, to_model_input(IMAGE, 224, method="crop", share=0.875))
    assert np.any(pixels != to_model_input(IMAGE, 224, method="crop"))


def test_a_transformer_sees_what_timms_rule_gives():
    pixels = model_input(IMAGE, VARIANTS["B/16"], "crop")
    np.testing.assert_array_equal(pixels, to_model_input(IMAGE, 224, method="crop"))


def test_the_plain_resize_is_the_same_for_all():
    pixels = [model_input(IMAGE, VARIANTS[name], "resize") for name in ("Mixer-B/16", "B/16")]
    np.testing.assert_array_equal(*pixels)
