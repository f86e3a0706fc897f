"""The shapes of parameters by arithmetic, held to what the modules have."""

import dataclasses

import pytest

from vit_core.models.build import build, flatten
from vit_core.models.config import VARIANTS, ResNetConfig
from vit_core.models.shapes import param_shapes


def shapes_of_modules(config):
    return [(path, tuple(leaf.shape)) for path, leaf in flatten(build(config)[1]).items()]


@pytest.mark.parametrize("name", ["R+Ti/16", "R26+S/32", "Mixer-B/16", "So400m/14", "DeiT3-S/16", "B/16-gap", "B/16"])
def test_a_published_model_has_the_shapes_of_its_modules_in_their_order(name):
    assert list(param_shapes(VARIANTS[name]).items()) == shapes_of_modules(VARIANTS[name])


@pytest.mark.parametrize(
    "changes",
    [
        {"representation_size": 24},
        {"num_classes": 0},
        {"classifier": "map", "representation_size": 24, "qkv_bias": False},
        {"classifier": "gap", "num_classes": 0, "representation_size": 24},
        {"layer_scale": True, "class_position": False, "qkv_bias": False},
        {"resnet": ResNetConfig(num_blocks=(1, 2), width=64), "patch_size": 1, "resolution": 32},
        {"resnet": ResNetConfig(num_blocks=(), width=64), "patch_size": 2, "resolution": 32},
        {"tokens_mlp_dim": 12, "num_heads": 0, "classifier": "gap"},
        {"tokens_mlp_dim": 12, "num_heads": 0, "classifier": "gap", "num_classes": 0},
        {"num_layers": 11},
    ],
    ids=str,
)
def test_every_option_has_the_shapes_of_its_modules(tiny_config, changes):
    config = dataclasses.replace(tiny_config, **changes)

    assert list(param_shapes(config).items()) == shapes_of_modules(config)
