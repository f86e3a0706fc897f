"""The MLP-Mixer against the original's logits and against the same formulas in float64 numpy."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from vit_core.errors import BadInput
from vit_core.models.build import Noise, build, flatten, forward, unflatten
from vit_core.models.config import VARIANTS
from vit_core.models.mixer import MixerBlock

# Published names to ours, by hand: the product's own table is tested with the files.
RENAMED = (
    ("stem/", "embedding/"),
    ("pre_head_layer_norm/", "norm/"),
    (r"MixerBlock_(\d+)/", r"blocks/\1/"),
    ("LayerNorm_0", "norm1"),
    ("LayerNorm_1", "norm2"),
    ("token_mixing", "token_mlp"),
    ("channel_mixing", "mlp"),
    ("Dense_0", "dense1"),
    ("Dense_1", "dense2"),
)


def our_path(name):
    for theirs, ours in RENAMED:
        name = re.sub(theirs, ours, name)
    return name


@pytest.fixture
def images(tiny_mixer_config):
    side = tiny_mixer_config.resolution
    return np.random.RandomState(3).uniform(-1, 1, size=(3, side, side, 3)).astype(np.float32)


@pytest.fixture
def params(tiny_mixer_config):
    return drawn(tiny_mixer_config)


def drawn(config):
    random = np.random.RandomState(0)
    return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32) / 4, build(config)[1])


def noise(count, **chances):
    return Noise(key=jax.random.split(jax.random.key(0), count), **chances)


def test_logits_and_features_are_those_of_the_original_code(golden, reference_weights, reference_images):
    config = dataclasses.replace(VARIANTS["Mixer-B/32"], num_classes=21)
    with np.load(reference_weights("Mixer-B_32")) as arrays:
        params = unflatten({our_path(name): array for name, array in arrays.items()})

    output = forward(build(config)[0], params, reference_images(224))

    np.testing.assert_allclose(output.logits, golden("logits_Mixer-B_32")["logits_224"], atol=3e-5)
    np.testing.assert_allclose(output.features, golden("logits_Mixer-B_32")["features_224"], atol=3e-5)


def gelu_tanh(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def layer_norm(params, tokens):
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(centred.var(axis=-1, keepdims=True) + 1e-6) * params["scale"] + params["bias"]


def mlp(params, tokens):
    hidden = gelu_tanh(tokens @ params["dense1"]["kernel"] + params["dense1"]["bias"])
    return hidden @ params["dense2"]["kernel"] + params["dense2"]["bias"]


def test_mixer_is_its_papers_formula(tiny_mixer_config, params, images):
    patches = images.reshape(3, 4, 4, 4, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(3, 16, 48).astype(np.float64)
    tokens = patches @ params["embedding"]["kernel"].reshape(48, 16) + params["embedding"]["bias"]
    for block in params["blocks"].values():
        tokens = tokens + mlp(block["token_mlp"], layer_norm(block["norm1"], tokens).swapaxes(1, 2)).swapaxes(1, 2)
        tokens = tokens + mlp(block["mlp"], layer_norm(block["norm2"], tokens))
    features = layer_norm(params["norm"], tokens).mean(axis=1)
    expected = features @ params["head"]["kernel"] + params["head"]["bias"]

    output = forward(build(tiny_mixer_config)[0], params, images)

    np.testing.assert_allclose(output.features, features, atol=1e-5)
    np.testing.assert_allclose(output.logits, expected, atol=1e-5)


def test_mixer_gives_no_attention_even_when_asked(tiny_mixer_config, params, images):
    graphdef, _ = build(tiny_mixer_config)

    asked = forward(graphdef, params, images, capture_attention=True)

    assert asked.attention is None
    np.testing.assert_array_equal(asked.logits, forward(graphdef, params, images).logits)


def test_mixer_without_a_head_gives_features_and_no_logits(tiny_mixer_config, images):
    config = dataclasses.replace(tiny_mixer_config, num_classes=0)

    output = forward(build(config)[0], drawn(config), images)

    assert output.logits.shape == (3, 0)
    assert output.features.shape == (3, 16)


def test_another_resolution_is_refused_with_the_reason_and_its_own(tiny_mixer_config):
    with pytest.raises(BadInput, match=r"32 does not suit custom Mixer-.*4 x 4 patches; use its own resolution, 16\."):
        tiny_mixer_config.with_resolution(32)


def test_its_own_resolution_is_accepted(tiny_mixer_config):
    assert tiny_mixer_config.with_resolution(16) == tiny_mixer_config


def test_recomputed_blocks_give_the_same_gradient(tiny_mixer_config, params, images):
    graphdef, _ = build(tiny_mixer_config)

    def slopes(remat):
        return jax.jit(jax.grad(lambda params: (forward(graphdef, params, images, remat=remat).logits ** 2).mean()))

    kept, again = (flatten(slopes(remat)(params)) for remat in (False, True))

    for path, slope in kept.items():
        np.testing.assert_allclose(again[path], slope, rtol=1e-4, atol=1e-4, err_msg=path)


def test_skipping_all_of_the_last_block_leaves_the_tokens_of_the_one_before(tiny_mixer_config, params, images):
    graphdef, _ = build(tiny_mixer_config)
    shorter = dataclasses.replace(tiny_mixer_config, num_layers=1)
    first = params | {"blocks": {0: params["blocks"][0]}}
    # A chance of 1 would divide by zero; with this one no image keeps either branch.
    skipped = forward(graphdef, params, images, noise=noise(3, stochastic_depth=1 - 1e-6))

    np.testing.assert_allclose(skipped.logits, forward(build(shorter)[0], first, images).logits, atol=1e-6)


def test_dropout_in_a_block_blanks_both_of_its_mlps(tiny_mixer_config):
    block = MixerBlock(tiny_mixer_config, dtype=jnp.dtype("float32"), rngs=nnx.Rngs(0))
    tokens = jnp.ones((2, 16, 16))
    own = noise(2, dropout=0.5)

    mixed, transformed = block.token_mlp(tokens, own), block.mlp(tokens, own)

    # What is blanked comes out as zero; the places differ, though both MLPs see 16 x 16 values.
    assert 0.3 < (mixed == 0).mean() < 0.7
    assert 0.3 < (transformed == 0).mean() < 0.7
    assert ((mixed == 0) != (transformed == 0)).any()
