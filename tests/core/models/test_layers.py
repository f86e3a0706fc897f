"""The pieces of the encoder against the same formulas in float64 numpy."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from vit_core.models.layers import EncoderBlock, Mlp, PatchEmbedding, SelfAttention

FLOAT32 = jnp.dtype("float32")
BFLOAT16 = jnp.dtype("bfloat16")


@pytest.fixture
def tokens():
    return np.random.RandomState(0).normal(size=(3, 5, 16)).astype(np.float32)


@pytest.fixture
def attention(tiny_config):
    return randomised(SelfAttention(tiny_config, dtype=FLOAT32, rngs=nnx.Rngs(0)))


def randomised(module):
    """Replace every parameter, so that no bias stays 0 and no scale stays 1."""
    random = np.random.RandomState(1)
    graphdef, state = nnx.split(module)
    params = nnx.to_pure_dict(state)

    def draw(tree):
        return {
            key: draw(value) if isinstance(value, dict) else random.normal(size=value.shape).astype(np.float32) / 4
            for key, value in tree.items()
        }

    return nnx.merge(graphdef, draw(params))


def float64(module):
    """Give the parameters of a module in float64."""

    def widen(tree):
        return {
            key: widen(value) if isinstance(value, dict) else np.asarray(value, np.float64)
            for key, value in tree.items()
        }

    return widen(nnx.to_pure_dict(nnx.split(module)[1]))


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def attend(params, tokens):
    query, key, value = (
        np.einsum("bnd,dhk->bhnk", tokens, params[name]["kernel"]) + params[name]["bias"][None, :, None]
        for name in ("query", "key", "value")
    )
    probs = softmax(np.einsum("bhqk,bhnk->bhqn", query, key) / np.sqrt(query.shape[-1]))
    mixed = np.einsum("bhqn,bhnk->bqhk", probs, value)
    return np.einsum("bqhk,hkd->bqd", mixed, params["out"]["kernel"]) + params["out"]["bias"], probs


def gelu_tanh(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def gelu_exact(x):
    return x / 2 * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))


def layer_norm(params, tokens):
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(centred.var(axis=-1, keepdims=True) + 1e-6) * params["scale"] + params["bias"]


def dense(params, tokens):
    return tokens @ params["kernel"] + params["bias"]


def test_attention_is_the_textbook_formula(attention, tokens):
    expected, expected_probs = attend(float64(attention), tokens)

    out, probs = attention(jnp.asarray(tokens))

    np.testing.assert_allclose(out, expected, atol=2e-6)
    np.testing.assert_allclose(probs, expected_probs, atol=1e-6)


def test_attention_of_large_scores_stays_finite(attention, tokens):
    out, probs = attention(jnp.asarray(tokens * 1e4))

    assert np.isfinite(out).all()
    np.testing.assert_allclose(probs.sum(axis=-1), 1, atol=1e-6)


def test_attention_in_bfloat16_keeps_its_softmax_in_float32(tiny_config, tokens):
    attention = SelfAttention(tiny_config, dtype=BFLOAT16, rngs=nnx.Rngs(0))

    out, probs = attention(jnp.asarray(tokens))

    assert out.dtype == BFLOAT16
    assert probs.dtype == FLOAT32
    # bfloat16 has 8 bits: sums of weights rounded to it would be off by 1e-3.
    np.testing.assert_allclose(probs.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize(("activation", "gelu"), [("gelu_tanh", gelu_tanh), ("gelu", gelu_exact)])
def test_mlp_uses_the_form_of_gelu_that_the_configuration_names(tokens, activation, gelu):
    mlp = randomised(Mlp(16, 32, activation=activation, dtype=FLOAT32, rngs=nnx.Rngs(0)))
    params = float64(mlp)

    expected = dense(params["dense2"], gelu(dense(params["dense1"], tokens)))

    np.testing.assert_allclose(mlp(jnp.asarray(tokens)), expected, atol=2e-6)


def test_block_normalises_before_each_part_and_adds_after(tiny_config, tokens):
    block = randomised(EncoderBlock(tiny_config, dtype=FLOAT32, rngs=nnx.Rngs(0)))
    params = float64(block)

    attended, expected_probs = attend(params["attention"], layer_norm(params["norm1"], tokens))
    middle = tokens + attended
    hidden = gelu_tanh(dense(params["mlp"]["dense1"], layer_norm(params["norm2"], middle)))
    expected = middle + dense(params["mlp"]["dense2"], hidden)
    out, probs = block(jnp.asarray(tokens))

    np.testing.assert_allclose(out, expected, atol=5e-6)
    np.testing.assert_allclose(probs, expected_probs, atol=1e-6)


def test_layer_scale_multiplies_each_branch_before_it_is_added(tiny_config, tokens):
    config = dataclasses.replace(tiny_config, layer_scale=True)
    block = randomised(EncoderBlock(config, dtype=FLOAT32, rngs=nnx.Rngs(0)))
    params = float64(block)

    attended, _ = attend(params["attention"], layer_norm(params["norm1"], tokens))
    middle = tokens + params["layer_scale1"]["scale"] * attended
    hidden = gelu_tanh(dense(params["mlp"]["dense1"], layer_norm(params["norm2"], middle)))
    expected = middle + params["layer_scale2"]["scale"] * dense(params["mlp"]["dense2"], hidden)

    np.testing.assert_allclose(block(jnp.asarray(tokens))[0], expected, atol=5e-6)


def test_layer_norm_divides_by_the_deviation_with_an_epsilon_of_a_millionth(tiny_config):
    block = EncoderBlock(tiny_config, dtype=FLOAT32, rngs=nnx.Rngs(0))
    faint = np.linspace(-1e-3, 1e-3, 16, dtype=np.float32)[None, None]
    params = {"scale": np.ones(16), "bias": np.zeros(16)}

    np.testing.assert_allclose(block.norm1(jnp.asarray(faint)), layer_norm(params, faint), rtol=1e-5)


def test_patches_go_row_by_row():
    embedding = PatchEmbedding(2, 1, 1, dtype=FLOAT32)
    embedding.kernel = nnx.Param(jnp.ones((2, 2, 1, 1)))
    image = jnp.arange(16.0).reshape(1, 4, 4, 1)

    assert embedding(image)[0, :, 0].tolist() == [10, 18, 42, 50]


def test_patch_embedding_is_a_convolution_without_overlap():
    embedding = randomised(PatchEmbedding(3, 4, 5, dtype=FLOAT32))
    maps = np.random.RandomState(2).normal(size=(2, 7, 7, 4)).astype(np.float32)
    kernel, bias = (float64(embedding)[name] for name in ("kernel", "bias"))

    windows = [maps[:, y : y + 3, x : x + 3] for y in (0, 3) for x in (0, 3)]
    expected = np.stack([np.einsum("bhwc,hwcd->bd", window, kernel) + bias for window in windows], axis=1)

    np.testing.assert_allclose(embedding(jnp.asarray(maps)), expected, atol=5e-6)


def test_wrong_shape_is_refused_with_the_axes_in_the_message(attention):
    with pytest.raises(Exception, match=r"B N D"):
        attention(jnp.zeros((5, 16)))
