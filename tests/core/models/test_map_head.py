"""Attention pooling against the same formulas in float64 numpy."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from vit_core.models.build import build, flatten, forward
from vit_core.models.map_head import MapHead


@pytest.fixture
def config(tiny_config):
    return dataclasses.replace(tiny_config, classifier="map")


@pytest.fixture
def params(config):
    random = np.random.RandomState(0)
    return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32) / 4, build(config)[1])


@pytest.fixture
def images(config):
    side = config.resolution
    return np.random.RandomState(3).uniform(-1, 1, size=(2, side, side, 3)).astype(np.float32)


def pooled(head, tokens):
    """Give what the head makes of [N, D] tokens, in float64."""
    attention = head["attention"]
    query = np.einsum("d,dhk->hk", head["probe"][0, 0], attention["query"]["kernel"]) + attention["query"]["bias"]
    key = np.einsum("nd,dhk->nhk", tokens, attention["key"]["kernel"]) + attention["key"]["bias"]
    value = np.einsum("nd,dhk->nhk", tokens, attention["value"]["kernel"]) + attention["value"]["bias"]
    weights = np.exp(np.einsum("hk,nhk->hn", query, key) / np.sqrt(query.shape[-1]))
    mixed = np.einsum("hn,nhk->hk", weights / weights.sum(axis=1, keepdims=True), value)
    found = np.einsum("hk,hkd->d", mixed, attention["out"]["kernel"]) + attention["out"]["bias"]
    normalised = (found - found.mean()) / np.sqrt(found.var() + 1e-6) * head["norm"]["scale"] + head["norm"]["bias"]
    hidden = normalised @ head["mlp"]["dense1"]["kernel"] + head["mlp"]["dense1"]["bias"]
    hidden = hidden / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (hidden + 0.044715 * hidden**3)))
    return found + hidden @ head["mlp"]["dense2"]["kernel"] + head["mlp"]["dense2"]["bias"]


def test_pooling_is_one_query_over_the_tokens_and_an_mlp(config, params):
    tokens = np.random.RandomState(1).normal(size=(3, 5, 16)).astype(np.float32)
    graphdef, _ = nnx.split(MapHead(config, dtype=jnp.dtype("float32"), rngs=nnx.Rngs(0)))

    output = nnx.merge(graphdef, jax.tree.map(jnp.asarray, params["map_head"]))(jnp.asarray(tokens))

    assert output.dtype == np.float32
    np.testing.assert_allclose(output, [pooled(params["map_head"], row) for row in tokens], atol=3e-6)


def test_the_head_reads_what_was_pooled(config, params, images):
    output = forward(build(config)[0], params, images)

    assert output.features.shape == (2, 16)
    expected = output.features @ params["head"]["kernel"] + params["head"]["bias"]
    np.testing.assert_allclose(output.logits, expected, atol=1e-5)


def test_pooling_keeps_its_biases_where_the_blocks_have_none(config):
    paths = flatten(build(dataclasses.replace(config, qkv_bias=False))[1])

    assert "map_head/attention/query/bias" in paths
    assert "blocks/0/attention/query/bias" not in paths


def test_pooled_model_shows_the_attention_of_its_blocks(config, params, images):
    output = forward(build(config)[0], params, images, capture_attention=True)

    assert output.attention.shape == (2, 2, 2, 16, 16)


def test_pooling_in_bfloat16_gives_float32(config, params, images):
    output = forward(build(config, dtype="bfloat16")[0], params, images)

    assert output.features.dtype == np.float32
