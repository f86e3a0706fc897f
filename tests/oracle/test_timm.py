"""Parameter counts and logits of every variant, against timm."""

import dataclasses

import numpy as np
import pytest
import timm
import torch
from timm.layers import GroupNormAct

from vit_core.checkpoints.restore import load_checkpoint, save_npz
from vit_core.models.build import build, flatten, forward, unflatten
from vit_core.models.config import VARIANTS

TIMM_NAMES = {
    "Ti/16": "vit_tiny_patch16_224",
    "S/32": "vit_small_patch32_224",
    "S/16": "vit_small_patch16_224",
    "B/32": "vit_base_patch32_224",
    "B/16": "vit_base_patch16_224",
    "B/8": "vit_base_patch8_224",
    "L/16": "vit_large_patch16_224",
    "L/32": "vit_large_patch32_224",
    "R+Ti/16": "vit_tiny_r_s16_p8_224",
    "R26+S/32": "vit_small_r26_s32_224",
    "R50+L/32": "vit_large_r50_s32_224",
}
NUM_CLASSES = 21


def draw_params(config):
    """Draw weights that keep the activations in range and leave nothing at 0 or 1."""
    random = np.random.default_rng(0)

    def draw(path, shape):
        unit = random.standard_normal(shape, dtype=np.float32)
        if path.startswith("resnet") and path.endswith("kernel"):
            return 10 * unit
        if path.endswith("scale"):
            return 1 + 0.2 * unit
        if path.endswith("kernel"):
            inputs = shape[:1] if "query" in path or "key" in path or "value" in path else shape[:-1]
            return unit / np.sqrt(np.prod(inputs), dtype=np.float32)
        return 0.1 * unit

    return unflatten({path: draw(path, leaf.shape) for path, leaf in flatten(build(config)[1]).items()})


def images(resolution):
    return np.random.default_rng(1).uniform(-1, 1, size=(2, resolution, resolution, 3)).astype(np.float32)


def timm_model(config, variant, path):
    model = timm.create_model(
        TIMM_NAMES[variant],
        num_classes=config.num_classes,
        img_size=config.resolution,
        depth=config.num_layers,
        act_layer="gelu_tanh",
    )
    model.load_pretrained(str(path))
    for module in model.modules():
        if isinstance(module, GroupNormAct):
            module.eps = 1e-6
    return model.double().eval()  # so that rounding is ours alone


def compare(config, variant, path):
    """Give our output for the file, and timm's features and logits."""
    save_npz(path, config, draw_params(config))
    pixels = images(config.resolution)
    checkpoint = load_checkpoint(path)
    ours = forward(build(checkpoint.config)[0], checkpoint.params, pixels)
    model = timm_model(config, variant, path)
    with torch.no_grad():
        features = model.forward_head(
            model.forward_features(torch.from_numpy(pixels.transpose(0, 3, 1, 2)).double()), pre_logits=True
        )
        return checkpoint, ours, features, model.head(features)


@pytest.mark.parametrize("resolution", [224, 384])
@pytest.mark.parametrize("variant", TIMM_NAMES)
def test_parameter_count_is_timms(variant, resolution):
    with torch.device("meta"):
        model = timm.create_model(TIMM_NAMES[variant], img_size=resolution, num_classes=1000)

    count = sum(parameter.numel() for parameter in model.parameters())

    assert VARIANTS[variant].with_resolution(resolution).num_params == count


# Whole where that is quick, else two layers: every layer is the same code.
@pytest.mark.parametrize("resolution", [224, 384])
@pytest.mark.parametrize(
    ("variant", "num_layers"),
    [
        ("Ti/16", 12),
        ("S/32", 12),
        ("S/16", 12),
        ("B/32", 2),
        ("B/16", 2),
        ("B/8", 2),
        ("L/16", 2),
        ("R+Ti/16", 12),
        ("R26+S/32", 2),
        ("R50+L/32", 2),
    ],
)
def test_logits_are_timms(variant, num_layers, resolution, tmp_path):
    config = dataclasses.replace(VARIANTS[variant], num_layers=num_layers, num_classes=NUM_CLASSES)
    config = config.with_resolution(resolution)

    checkpoint, ours, features, logits = compare(config, variant, tmp_path / "model.npz")

    assert checkpoint.config == config
    # Logits are of order 1; float32 sums in another order.
    np.testing.assert_allclose(ours.features, features, atol=1e-4)
    np.testing.assert_allclose(ours.logits, logits, atol=1e-4)


def test_logits_behind_a_representation_layer_are_those_of_torch(tmp_path):
    config = dataclasses.replace(VARIANTS["S/32"], num_layers=2, num_classes=NUM_CLASSES, representation_size=384)
    path = tmp_path / "model.npz"

    checkpoint, ours, features, _ = compare(config, "S/32", path)
    arrays = {name: torch.from_numpy(array).double() for name, array in np.load(path).items()}
    representation = torch.tanh(features @ arrays["pre_logits/kernel"] + arrays["pre_logits/bias"])
    logits = representation @ arrays["head/kernel"] + arrays["head/bias"]

    assert checkpoint.config.representation_size == 384
    np.testing.assert_allclose(ours.features, representation, atol=1e-4)
    np.testing.assert_allclose(ours.logits, logits, atol=1e-4)


def test_averaging_model_is_timms_with_average_pooling(tmp_path):
    config = dataclasses.replace(VARIANTS["S/32"], num_layers=2, num_classes=NUM_CLASSES, classifier="gap")
    path = tmp_path / "model.npz"
    params = draw_params(config)
    save_npz(path, config, params)
    model = timm.create_model(
        "vit_small_patch32_224",
        num_classes=NUM_CLASSES,
        depth=2,
        act_layer="gelu_tanh",
        class_token=False,
        global_pool="avg",
        fc_norm=False,
    ).eval()

    model.load_pretrained(str(path))
    ours = forward(build(config)[0], load_checkpoint(path).params, images(224))
    with torch.no_grad():
        logits = model(torch.from_numpy(images(224).transpose(0, 3, 1, 2)))

    np.testing.assert_allclose(ours.logits, logits, atol=1e-4)
