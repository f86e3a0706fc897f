"""Our parameters under timm's names; whether timm agrees on the numbers is asked in tests/oracle."""

import dataclasses
import json

import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params
from vit_core.export.timm import timm_config, timm_problem, to_timm
from vit_core.models.config import VARIANTS, ModelConfig, ResNetConfig


@pytest.fixture
def drawn(trained_config):
    return init_params(trained_config, seed=1)


def test_query_key_and_value_are_one_array_of_rows(trained_config, drawn):
    tokens = np.random.default_rng(0).normal(size=(5, 16)).astype(np.float32)
    attention = drawn["blocks"][1]["attention"]
    ours = [np.einsum("nd,dhe->nhe", tokens, attention[name]["kernel"]) for name in ("query", "key", "value")]

    fused = tokens @ to_timm(trained_config, drawn)["blocks.1.attn.qkv.weight"].T

    np.testing.assert_allclose(fused, np.concatenate([each.reshape(5, -1) for each in ours], axis=1), atol=1e-6)


def test_the_output_of_attention_reads_the_heads_in_their_order(trained_config, drawn):
    heads = np.random.default_rng(0).normal(size=(5, 2, 8)).astype(np.float32)
    ours = np.einsum("nhe,hed->nd", heads, drawn["blocks"][0]["attention"]["out"]["kernel"])

    theirs = heads.reshape(5, -1) @ to_timm(trained_config, drawn)["blocks.0.attn.proj.weight"].T

    np.testing.assert_allclose(theirs, ours, atol=1e-6)


def test_convolutions_come_with_the_output_channel_first(trained_config, drawn):
    weight = to_timm(trained_config, drawn)["patch_embed.proj.weight"]
    assert weight.shape == (16, 3, 4, 4)
    assert weight[7, 2, 1, 3] == drawn["embedding"]["kernel"][1, 3, 2, 7]


def test_every_parameter_is_there_once(trained_config, drawn):
    assert sum(array.size for array in to_timm(trained_config, drawn).values()) == trained_config.num_params


def test_an_averaging_model_has_no_class_token(trained_config):
    config = dataclasses.replace(trained_config, classifier="gap")
    assert "cls_token" not in to_timm(config, init_params(config, seed=0))
    assert (
        timm_config(config, "abc", name="x")["model_args"]
        | {
            "class_token": False,
            "global_pool": "avg",
            "fc_norm": False,
        }
        == (timm_config(config, "abc", name="x")["model_args"])
    )


def test_a_model_without_a_head_has_none_in_timm(trained_config):
    config = dataclasses.replace(trained_config, num_classes=0)
    assert not [name for name in to_timm(config, init_params(config, seed=0)) if name.startswith("head")]
    assert timm_config(config, [], name="x")["num_classes"] == 0


def test_kernels_come_out_of_timms_standardisation_as_of_ours():
    config = dataclasses.replace(VARIANTS["R+Ti/16"], num_layers=1)
    params = init_params(config, seed=0)
    kernel = params["resnet"]["conv_root"]["kernel"]
    kernel *= np.logspace(-6, 0, kernel.shape[-1], dtype=np.float32)  # from dead filters to strong ones
    centred = kernel.astype(np.float64) - kernel.mean(axis=(0, 1, 2), dtype=np.float64)
    ours = centred / (kernel.std(axis=(0, 1, 2), dtype=np.float64) + 1e-5)

    weight = to_timm(config, params)["patch_embed.backbone.conv.weight"].astype(np.float64)
    spread = weight - weight.mean(axis=(1, 2, 3), keepdims=True)
    theirs = spread / np.sqrt(weight.var(axis=(1, 2, 3), keepdims=True) + 1e-8)

    np.testing.assert_allclose(theirs.transpose(2, 3, 1, 0), ours, atol=2e-6)  # float32 kernels


@pytest.mark.parametrize(
    ("variant", "resolution", "architecture"),
    [
        ("Ti/16", 224, "vit_tiny_patch16_224"),
        ("B/16", 384, "vit_base_patch16_384"),
        ("B/8", 384, "vit_base_patch8_224"),
        ("S/32", 256, "vit_small_patch32_224"),
        ("R+Ti/16", 224, "vit_tiny_r_s16_p8_224"),
        ("R26+S/32", 384, "vit_small_r26_s32_384"),
        ("R50+L/32", 224, "vit_large_r50_s32_224"),
        ("H/14", 224, "vit_huge_patch14_224"),
    ],
)
def test_a_published_model_has_its_name_in_timm_and_its_input_size(variant, resolution, architecture):
    config = timm_config(VARIANTS[variant].with_resolution(resolution), ["a"] * 1000, name="x")
    assert (config["architecture"], config["model_args"]["img_size"]) == (architecture, resolution)
    assert config["pretrained_cfg"]["input_size"] == [3, resolution, resolution]


@pytest.mark.parametrize(("width", "mlp_dim"), [(48, 192), (49, 48), (48, 161), (93, 1000), (111, 37), (384, 1537)])
def test_timm_gets_the_width_of_the_mlp_back_from_its_ratio(width, mlp_dim):
    config = ModelConfig(patch_size=4, hidden_size=width, num_layers=1, mlp_dim=mlp_dim, num_heads=1, resolution=16)
    assert int(width * timm_config(config, [], name="x")["model_args"]["mlp_ratio"]) == mlp_dim


def test_the_config_says_how_pictures_are_prepared_and_what_the_classes_are(trained_config):
    config = json.loads(json.dumps(timm_config(trained_config, ("a", "b", "c"), name="my-run")))
    prepared = config["pretrained_cfg"]
    assert config["label_names"] == ["a", "b", "c"]
    assert config["model_args"]["act_layer"] == "gelu_tanh"
    assert (prepared["mean"], prepared["std"]) == ([0.5] * 3, [0.5] * 3)
    assert (prepared["crop_pct"], prepared["crop_mode"], prepared["interpolation"]) == (1.0, "squash", "bilinear")


def test_what_timm_has_no_layer_for_is_refused_and_never_dropped(trained_config):
    config = dataclasses.replace(trained_config, representation_size=8)
    assert "pre_logits" in timm_problem(config)
    with pytest.raises(ValueError, match="pre_logits"):
        to_timm(config, init_params(config, seed=0))


def test_a_hybrid_of_ones_own_is_built_from_the_one_with_its_convolutions():
    config = dataclasses.replace(VARIANTS["R26+S/32"], num_layers=2, mlp_dim=768)
    plain = timm_config(config, [], name="x")
    assert plain["architecture"] == "vit_small_r26_s32_224"
    assert (plain["model_args"]["depth"], plain["model_args"]["mlp_ratio"]) == (2, 2.0)


def test_convolutions_that_no_model_of_timm_has_are_named(trained_config):
    config = dataclasses.replace(trained_config, resolution=32, resnet=ResNetConfig(num_blocks=(1, 2), width=32))
    assert "custom R+16x2" in timm_problem(config)
