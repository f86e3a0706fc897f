"""The preprocessing "timm" against timm's own transform for evaluation, pixel by pixel."""

import numpy as np
import pytest
import timm
from PIL import Image
from timm.data import create_transform, resolve_data_config

from vit_core.evaluation.measure import PREPROCESS
from vit_core.inference.crop import MIXER_SHARE
from vit_core.preprocess import normalise, to_model_input


def picture(width, height):
    """Draw something smooth with edges, as photos are, and noise on it."""
    random = np.random.default_rng(width * height)
    coarse = random.integers(0, 256, (max(height // 24, 2), max(width // 24, 2), 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return np.clip(smooth + random.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


def timms(image, model_name):
    with_defaults = resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(model_name).to_dict())
    transform = create_transform(**with_defaults, is_training=False)
    return transform(Image.fromarray(image)).numpy().transpose(1, 2, 0), with_defaults


@pytest.mark.parametrize(
    "size", [(500, 333), (333, 500), (640, 480), (225, 224), (100, 80), (1023, 401), (30, 211)], ids=str
)
@pytest.mark.parametrize(
    ("model_name", "resolution", "share"),
    [
        ("vit_base_patch16_224.augreg_in21k_ft_in1k", 224, None),
        ("vit_base_patch16_384.augreg_in21k_ft_in1k", 384, None),
        ("vit_base_r50_s16_384.orig_in21k_ft_in1k", 384, None),
        ("mixer_b16_224.goog_in21k_ft_in1k", 224, MIXER_SHARE),
    ],
)
def test_the_square_is_timms(model_name, resolution, share, size):
    image = picture(*size)
    theirs, config = timms(image, model_name)
    ours = normalise(to_model_input(image, resolution, method=PREPROCESS["timm"], share=share))
    assert config["input_size"] == (3, resolution, resolution)
    # Both resize with Pillow in bytes, so the pixels are the same ones; scaling to [-1, 1] rounds at other places.
    np.testing.assert_allclose(ours, theirs, atol=2e-7)
