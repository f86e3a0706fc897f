"""Attention maps are what the papers define, reduced from the probabilities that the model computes."""

import dataclasses

import jax
import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params
from vit_core.inference.attention import Attention, summarise
from vit_core.models.build import build, forward
from vit_core.models.config import ModelConfig


def random_probabilities(config, batch=2):
    shape = (batch, config.num_layers, config.num_heads, config.num_tokens, config.num_tokens)
    weights = np.exp(np.random.default_rng(0).normal(size=shape) * 2)
    return weights / weights.sum(axis=-1, keepdims=True)


def defined(probabilities, config):
    """Maps by their definition, in float64 and with whole matrices."""
    N, first = config.num_tokens, config.num_tokens - config.grid**2
    mixed = 0.5 * probabilities.mean(axis=2) + 0.5 * np.eye(N)
    product, products = np.eye(N), []
    for layer in range(config.num_layers):
        product = mixed[:, layer] @ product
        products.append(product)
    rollout = np.stack(products, axis=1)
    pick = (lambda matrix: matrix[..., 0, :]) if config.classifier == "token" else (lambda matrix: matrix.mean(axis=-2))
    maps = [pick(matrix)[..., first:] for matrix in (probabilities, rollout)]
    return [flat.reshape(*flat.shape[:-1], config.grid, config.grid) for flat in maps]


@pytest.fixture(params=["token", "gap"])
def config(request, tiny_config) -> ModelConfig:
    return dataclasses.replace(tiny_config, num_layers=4, classifier=request.param)


def test_heads_are_the_row_that_the_classifier_reads(config):
    probabilities = random_probabilities(config)
    heads, _ = defined(probabilities, config)
    given = summarise(jax.numpy.asarray(probabilities, "float32"), config)
    assert given.heads.shape == (2, 4, 2, 4, 4)
    np.testing.assert_allclose(given.heads, heads, atol=1e-6)


def test_rollout_is_the_product_of_the_layers_so_far(config):
    probabilities = random_probabilities(config)
    _, rollout = defined(probabilities, config)
    given = summarise(jax.numpy.asarray(probabilities, "float32"), config)
    assert given.rollout.shape == (2, 4, 4, 4)
    np.testing.assert_allclose(given.rollout, rollout, atol=1e-6)


def test_the_first_rollout_is_half_the_mean_of_the_first_layers_heads(tiny_config):
    given = summarise(jax.numpy.asarray(random_probabilities(tiny_config), "float32"), tiny_config)
    np.testing.assert_allclose(given.rollout[:, 0], 0.5 * given.heads[:, 0].mean(axis=1), atol=1e-7)


def test_without_a_class_token_each_map_sums_to_one(tiny_config):
    config = dataclasses.replace(tiny_config, classifier="gap")
    given = summarise(jax.numpy.asarray(random_probabilities(config), "float32"), config)
    np.testing.assert_allclose(given.heads.sum(axis=(-2, -1)), 1, atol=1e-5)
    np.testing.assert_allclose(given.rollout.sum(axis=(-2, -1)), 1, atol=1e-5)


@pytest.mark.parametrize("fixture", ["tiny_config", "tiny_hybrid_config"])
def test_maps_of_a_model_have_the_shape_of_its_patches(fixture, request):
    config = request.getfixturevalue(fixture)
    graphdef, _ = build(config)
    images = np.zeros((1, config.resolution, config.resolution, 3), np.float32)
    output = forward(graphdef, init_params(config, seed=0), images, capture_attention=True)
    maps = summarise(output.attention, config)
    assert isinstance(maps, Attention)
    assert maps.heads.shape == (1, config.num_layers, config.num_heads, config.grid, config.grid)
    assert maps.rollout.shape == (1, config.num_layers, config.grid, config.grid)
    heads, rollout = defined(np.asarray(output.attention, np.float64), config)
    np.testing.assert_allclose(maps.heads, heads, atol=1e-6)
    np.testing.assert_allclose(maps.rollout, rollout, atol=1e-6)
