"""Mixers, attention pooling, models without qkv biases and timm's first small model, against timm itself.

Weights go from our tree to timm's by the few lines here and not by the product's tables: these tests are about what is
computed, and those of the files are about names.
"""

import dataclasses
import functools

import numpy as np
import pytest
import timm
import torch
from drawn_weights import drawn
from timm.models.mlp_mixer import MlpMixer

from vit_core.models.build import build, forward, unflatten
from vit_core.models.config import VARIANTS

NUM_CLASSES = 21
TOLERANCE = 3e-5  # logits are of order 1; timm computes in float64 here, so that rounding is ours alone
ACTIVATIONS = {
    "gelu_tanh": functools.partial(torch.nn.GELU, approximate="tanh"),
    "gelu": torch.nn.GELU,
}


def images(resolution):
    return np.random.default_rng(1).uniform(-1, 1, size=(2, resolution, resolution, 3)).astype(np.float32)


class Turned:
    """Our arrays as timm's: `state` fills up as parts are named."""

    def __init__(self, flat):
        self.flat, self.state = flat, {}

    def put(self, name, array):
        self.state[name] = torch.from_numpy(np.ascontiguousarray(array, np.float64))

    def norm(self, theirs, ours):
        self.put(f"{theirs}.weight", self.flat[f"{ours}/scale"])
        self.put(f"{theirs}.bias", self.flat[f"{ours}/bias"])

    def dense(self, theirs, ours):
        self.put(f"{theirs}.weight", self.flat[f"{ours}/kernel"].T)
        self.put(f"{theirs}.bias", self.flat[f"{ours}/bias"])

    def mlp(self, theirs, ours):
        self.dense(f"{theirs}.fc1", f"{ours}/dense1")
        self.dense(f"{theirs}.fc2", f"{ours}/dense2")

    def patches(self, theirs):
        self.put(f"{theirs}.proj.weight", self.flat["embedding/kernel"].transpose(3, 2, 0, 1))
        self.put(f"{theirs}.proj.bias", self.flat["embedding/bias"])

    def joined(self, theirs, ours, parts):
        width = len(self.flat[f"{ours}/out/bias"])
        kernels = [self.flat[f"{ours}/{part}/kernel"].reshape(width, -1).T for part in parts]
        self.put(f"{theirs}.weight", np.concatenate(kernels))
        if f"{ours}/{parts[0]}/bias" in self.flat:
            self.put(f"{theirs}.bias", np.concatenate([self.flat[f"{ours}/{part}/bias"].reshape(-1) for part in parts]))

    def projection(self, theirs, ours):
        kernel, bias = self.flat[f"{ours}/out/kernel"], self.flat[f"{ours}/out/bias"]
        self.put(f"{theirs}.weight", kernel.reshape(-1, len(bias)).T)
        self.put(f"{theirs}.bias", bias)


def mixer_state(config, flat):
    turned = Turned(flat)
    turned.patches("stem")
    for index in range(config.num_layers):
        theirs, ours = f"blocks.{index}", f"blocks/{index}"
        turned.norm(f"{theirs}.norm1", f"{ours}/norm1")
        turned.mlp(f"{theirs}.mlp_tokens", f"{ours}/token_mlp")
        turned.norm(f"{theirs}.norm2", f"{ours}/norm2")
        turned.mlp(f"{theirs}.mlp_channels", f"{ours}/mlp")
    turned.norm("norm", "norm")
    turned.dense("head", "head")
    return turned.state


def vit_state(config, flat):
    turned = Turned(flat)
    turned.patches("patch_embed")
    turned.put("pos_embed", flat["pos_embedding"])
    if config.classifier == "token":
        turned.put("cls_token", flat["cls"])
    for index in range(config.num_layers):
        theirs, ours = f"blocks.{index}", f"blocks/{index}"
        turned.norm(f"{theirs}.norm1", f"{ours}/norm1")
        turned.joined(f"{theirs}.attn.qkv", f"{ours}/attention", ("query", "key", "value"))
        turned.projection(f"{theirs}.attn.proj", f"{ours}/attention")
        turned.norm(f"{theirs}.norm2", f"{ours}/norm2")
        turned.mlp(f"{theirs}.mlp", f"{ours}/mlp")
    turned.norm("norm", "norm")
    if config.classifier == "map":
        turned.put("attn_pool.latent", flat["map_head/probe"])
        turned.joined("attn_pool.q", "map_head/attention", ("query",))
        turned.joined("attn_pool.kv", "map_head/attention", ("key", "value"))
        turned.projection("attn_pool.proj", "map_head/attention")
        turned.norm("attn_pool.norm", "map_head/norm")
        turned.mlp("attn_pool.mlp", "map_head/mlp")
    turned.dense("head", "head")
    return turned.state


def mixer_of_timm(config):
    return MlpMixer(
        num_classes=config.num_classes,
        img_size=config.resolution,
        patch_size=config.patch_size,
        num_blocks=config.num_layers,
        embed_dim=config.hidden_size,
        mlp_ratio=(config.tokens_mlp_dim / config.hidden_size, config.mlp_dim / config.hidden_size),
        act_layer=ACTIVATIONS[config.activation],
    )


def vit_of_timm(config):
    model = timm.create_model(
        "vit_base_patch16_224",
        num_classes=config.num_classes,
        img_size=config.resolution,
        patch_size=config.patch_size,
        embed_dim=config.hidden_size,
        depth=config.num_layers,
        num_heads=config.num_heads,
        mlp_ratio=config.mlp_dim / config.hidden_size,
        qkv_bias=config.qkv_bias,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=config.norm_eps),
        act_layer=ACTIVATIONS[config.activation],
        class_token=config.classifier == "token",
        global_pool={"token": "token", "gap": "avg", "map": "map"}[config.classifier],
        fc_norm=False,
    )
    if config.qk_scale is not None:
        for block in model.blocks:
            block.attn.fused_attn = False  # PyTorch's own attention takes no other scale from here
            block.attn.scale = config.qk_scale
    return model


def check_against_timm(config):
    """Compare features and logits for random weights."""
    flat = drawn(config)
    ours = forward(build(config)[0], unflatten(flat), images(config.resolution))
    state = mixer_state(config, flat) if config.is_mixer else vit_state(config, flat)
    model = (mixer_of_timm if config.is_mixer else vit_of_timm)(config).double().eval()
    model.load_state_dict(state, strict=True)
    with torch.no_grad():
        pixels = torch.from_numpy(images(config.resolution).transpose(0, 3, 1, 2)).double()
        features = model.forward_head(model.forward_features(pixels), pre_logits=True)
        logits = model.head(features)
    np.testing.assert_allclose(ours.features, features, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(ours.logits, logits, atol=TOLERANCE, rtol=0)


def shortened(name, num_layers=2, **changes):
    return dataclasses.replace(VARIANTS[name], num_layers=num_layers, num_classes=NUM_CLASSES, **changes)


def test_a_mixer_with_the_exact_gelu_answers_as_timms():
    check_against_timm(shortened("Mixer-S/32", activation="gelu"))


def test_a_whole_mixer_answers_as_timms():
    check_against_timm(shortened("Mixer-S/32", num_layers=8))


@pytest.mark.parametrize(("name", "activation"), [("S/16", "gelu_tanh"), ("S/32", "gelu"), ("B/32", "gelu_tanh")])
def test_attention_pooling_answers_as_timms(name, activation):
    check_against_timm(shortened(name, classifier="map", activation=activation))


@pytest.mark.parametrize("classifier", ["token", "gap", "map"])
def test_a_model_without_qkv_biases_answers_as_timms(classifier):
    check_against_timm(shortened("S/32", classifier=classifier, qkv_bias=False))


@pytest.mark.parametrize(("norm_eps", "activation"), [(1e-6, "gelu"), (1e-12, "gelu"), (1e-5, "gelu_tanh")])
def test_other_epsilons_and_activations_answer_as_timms(norm_eps, activation):
    check_against_timm(shortened("Ti/16", norm_eps=norm_eps, activation=activation))


@pytest.mark.parametrize("num_layers", [2, 8])
def test_the_first_small_model_of_timm_answers_as_there(num_layers):
    check_against_timm(shortened("timm-S/16", num_layers=num_layers))


# Every variant of the table that timm has by name, whole and without memory.
TIMM_NAMES = {
    "Mixer-S/16": "mixer_s16_224",
    "Mixer-S/32": "mixer_s32_224",
    "Mixer-B/16": "mixer_b16_224",
    "Mixer-B/32": "mixer_b32_224",
    "Mixer-L/16": "mixer_l16_224",
    "S/8": "vit_small_patch8_224",
    "L/32": "vit_large_patch32_224",
    "H/14": "vit_huge_patch14_224",
    "R26+B/32": "vit_base_r26_s32_224",
    "R50+B/16": "vit_base_r50_s16_224",
    "DeiT3-S/16": "deit3_small_patch16_224",
    "DeiT3-M/16": "deit3_medium_patch16_224",
    "DeiT3-B/16": "deit3_base_patch16_224",
    "DeiT3-L/16": "deit3_large_patch16_224",
    "DeiT3-H/14": "deit3_huge_patch14_224",
}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", TIMM_NAMES)
def test_parameter_count_is_timms(name):
    with torch.device("meta"):
        model = timm.create_model(TIMM_NAMES[name], num_classes=1000)

    assert VARIANTS[name].num_params == count(model)


@pytest.mark.parametrize("name", ["Mixer-S/8", "timm-S/16", "S/16-gap", "S/32-gap", "B/16-gap", "B/32-gap"])
def test_parameter_count_of_what_timm_builds_from_its_arguments_is_timms(name):
    config = VARIANTS[name]
    with torch.device("meta"):
        model = mixer_of_timm(config) if config.is_mixer else vit_of_timm(config)

    assert config.num_params == count(model)


@pytest.mark.parametrize(
    ("variant", "name", "resolution"),
    [
        ("B/16", "vit_base_patch16_siglip_224", 224),
        ("So400m/14", "vit_so400m_patch14_siglip_224", 224),
        ("So400m/16", "vit_so400m_patch16_siglip_256", 256),
        ("g-opt/16", "vit_giantopt_patch16_siglip_256", 256),
    ],
)
def test_parameter_count_of_the_image_towers_of_siglip_is_timms(variant, name, resolution):
    with torch.device("meta"):
        model = timm.create_model(name)

    config = dataclasses.replace(VARIANTS[variant], classifier="map", num_classes=0).with_resolution(resolution)
    assert config.num_params == count(model)
