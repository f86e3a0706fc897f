"""A file of transformers answers as transformers does, by a second computation that shares nothing with the product."""

import dataclasses
import json
import math

import numpy as np
import pytest
import safetensors.numpy

from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.transformers import TRANSFORMERS
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.models.build import build, flatten, forward

WIDTH, MLP, HEADS, LAYERS, PATCH, SIDE, CLASSES = 16, 40, 2, 2, 4, 16, 10
TOLERANCE = 3e-5  # logits of order 1; float32 against float64


def weights():
    """Draw the arrays of a `ViTForImageClassification`, by its names and in its shapes: a Linear is [out, in]."""
    shapes = {
        "vit.embeddings.cls_token": (1, 1, WIDTH),
        "vit.embeddings.position_embeddings": (1, (SIDE // PATCH) ** 2 + 1, WIDTH),
        "vit.embeddings.patch_embeddings.projection.weight": (WIDTH, 3, PATCH, PATCH),
        "vit.embeddings.patch_embeddings.projection.bias": (WIDTH,),
    }
    linear = {"classifier": (CLASSES, WIDTH)}
    norms = ["vit.layernorm"]
    for layer in (f"vit.encoder.layer.{index}." for index in range(LAYERS)):
        linear |= {f"{layer}attention.attention.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        linear[layer + "attention.output.dense"] = (WIDTH, WIDTH)
        linear |= {layer + "intermediate.dense": (MLP, WIDTH), layer + "output.dense": (WIDTH, MLP)}
        norms += [layer + "layernorm_before", layer + "layernorm_after"]
    for name, shape in {**linear, **dict.fromkeys(norms, (WIDTH,))}.items():
        shapes |= {name + ".weight": shape, name + ".bias": shape[:1]}
    random = np.random.default_rng(0)
    return {name: (random.standard_normal(shape) / 2).astype(np.float32) for name, shape in shapes.items()}


def answer(arrays, images):
    """Compute the logits for images [B, H, W, 3] in float64, as modeling_vit.py of transformers 4 does (Apache-2.0)."""
    array = {name: value.astype(np.float64) for name, value in arrays.items()}

    def linear(name, x):
        return x @ array[name + ".weight"].T + array[name + ".bias"]

    def norm(name, x):
        deviation = x - x.mean(-1, keepdims=True)
        scaled = deviation / np.sqrt((deviation**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * array[name + ".weight"] + array[name + ".bias"]

    def attention(name, x):
        query, key, value = (
            linear(f"{name}.attention.{part}", x).reshape(len(x), -1, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = np.exp(query @ key.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS))
        mixed = scores / scores.sum(-1, keepdims=True) @ value
        return linear(name + ".output.dense", mixed.transpose(0, 2, 1, 3).reshape(x.shape))

    def gelu(x):
        return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2

    grid, patches = SIDE // PATCH, "vit.embeddings.patch_embeddings.projection"
    cells = images.astype(np.float64).reshape(-1, grid, PATCH, grid, PATCH, 3)
    x = np.einsum("byixjc,dcij->byxd", cells, array[patches + ".weight"]) + array[patches + ".bias"]
    classes = np.broadcast_to(array["vit.embeddings.cls_token"], (len(images), 1, WIDTH))
    x = np.concatenate([classes, x.reshape(len(images), -1, WIDTH)], 1) + array["vit.embeddings.position_embeddings"]
    for layer in (f"vit.encoder.layer.{index}." for index in range(LAYERS)):
        x = x + attention(layer + "attention", norm(layer + "layernorm_before", x))
        hidden = gelu(linear(layer + "intermediate.dense", norm(layer + "layernorm_after", x)))
        x = x + linear(layer + "output.dense", hidden)
    return linear("classifier", norm("vit.layernorm", x)[:, 0])


@pytest.mark.parametrize(
    "beside", [{}, {"hidden_act": "gelu", "layer_norm_eps": 1e-12}], ids=["its defaults", "its config"]
)
def test_file_of_transformers_answers_as_its_code_computes(tmp_path, beside):
    arrays = weights()
    safetensors.numpy.save_file(arrays, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": HEADS, **beside}))
    images = np.random.default_rng(1).uniform(-1, 1, size=(3, SIDE, SIDE, 3)).astype(np.float32)

    checkpoint = load_checkpoint(tmp_path / "model.safetensors")
    ours = np.asarray(forward(build(checkpoint.config)[0], checkpoint.params, images).logits)

    expected = answer(arrays, images)
    assert np.ptp(expected, axis=0).min() > 0.1
    np.testing.assert_allclose(ours, expected, atol=TOLERANCE)


# What `ViTForImageClassification.state_dict()` has for a model of one layer, in its order: transformers 4,
# models/vit/modeling_vit.py and convert_vit_timm_to_pytorch.py (Apache-2.0); google/vit-base-patch16-224 on the hub.
TRANSFORMERS_NAMES = [
    f"{name}.{kind}"
    for name, kinds in {
        "vit.embeddings": ("cls_token", "position_embeddings"),
        "vit.embeddings.patch_embeddings.projection": ("weight", "bias"),
        "vit.encoder.layer.0.attention.attention.query": ("weight", "bias"),
        "vit.encoder.layer.0.attention.attention.key": ("weight", "bias"),
        "vit.encoder.layer.0.attention.attention.value": ("weight", "bias"),
        "vit.encoder.layer.0.attention.output.dense": ("weight", "bias"),
        "vit.encoder.layer.0.intermediate.dense": ("weight", "bias"),
        "vit.encoder.layer.0.output.dense": ("weight", "bias"),
        "vit.encoder.layer.0.layernorm_before": ("weight", "bias"),
        "vit.encoder.layer.0.layernorm_after": ("weight", "bias"),
        "vit.layernorm": ("weight", "bias"),
        "classifier": ("weight", "bias"),
    }.items()
    for kind in kinds
]


def test_names_of_transformers_are_those_that_it_writes(tiny_config):
    config = dataclasses.replace(tiny_config, num_layers=1)

    flat = {path: np.zeros(leaf.shape, np.float32) for path, leaf in flatten(build(config)[1]).items()}

    arrays = to_file(TRANSFORMERS, flat)

    assert sorted(arrays) == sorted(TRANSFORMERS_NAMES)
    assert arrays["vit.encoder.layer.0.intermediate.dense.weight"].shape == (32, 16)
    assert arrays["vit.embeddings.patch_embeddings.projection.weight"].shape == (16, 3, 4, 4)
