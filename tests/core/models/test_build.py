"""Models as functions: shapes without weights, one program per architecture, the original's numbers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vit_core.models.build import build, flatten, forward, unflatten
from vit_core.models.config import VARIANTS, ResNetConfig


@pytest.fixture
def images(tiny_config):
    side = tiny_config.resolution
    return np.random.RandomState(3).uniform(-1, 1, size=(2, side, side, 3)).astype(np.float32)


def random_params(config, seed=0):
    """Draw parameters without a head of zeros."""
    random = np.random.RandomState(seed)
    return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32) / 4, build(config)[1])


def count(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_has_exactly_the_parameters_that_its_configuration_counts(name):
    _, params = build(VARIANTS[name])

    assert count(params) == VARIANTS[name].num_params


@pytest.mark.parametrize(
    "changes",
    [
        {"representation_size": 24},
        {"classifier": "gap"},
        {"num_classes": 0},
        {"classifier": "map"},
        {"classifier": "map", "representation_size": 24},
        {"qkv_bias": False},
        {"classifier": "map", "qkv_bias": False},
        {"layer_scale": True, "class_position": False},
        {"representation_size": 24, "num_classes": 0, "classifier": "gap"},
    ],
    ids=str,
)
def test_every_kind_of_head_has_the_parameters_that_its_configuration_counts(tiny_config, changes):
    config = dataclasses.replace(tiny_config, **changes)

    assert count(build(config)[1]) == config.num_params


def test_building_allocates_no_weights(tiny_config):
    _, params = build(tiny_config)

    assert {type(leaf) for leaf in jax.tree.leaves(params)} == {jax.ShapeDtypeStruct}


def test_two_builds_of_equal_configurations_are_equal_and_hash_alike(tiny_config):
    first, _ = build(tiny_config)
    build.cache_clear()
    second, _ = build(dataclasses.replace(tiny_config))

    assert first == second
    assert hash(first) == hash(second)


def test_second_checkpoint_of_an_architecture_does_not_compile_again(tiny_config, images):
    graphdef, _ = build(tiny_config)
    forward(graphdef, random_params(tiny_config, seed=0), images)
    programs = forward._cache_size()

    build.cache_clear()
    graphdef, _ = build(dataclasses.replace(tiny_config))
    forward(graphdef, random_params(tiny_config, seed=1), images)

    assert forward._cache_size() == programs


def test_output_is_float32_and_attention_is_given_only_on_request(tiny_config, images):
    graphdef, _ = build(tiny_config)
    params = random_params(tiny_config)

    plain = forward(graphdef, params, images)
    shown = forward(graphdef, params, images, capture_attention=True)

    assert plain.attention is None
    assert shown.attention.shape == (2, 2, 2, 17, 17)
    np.testing.assert_allclose(shown.attention.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(shown.logits, plain.logits, atol=1e-6)
    assert {leaf.dtype for leaf in jax.tree.leaves(shown)} == {jnp.dtype("float32")}


def test_attention_reduced_in_the_same_program_is_never_held_whole(tiny_config):
    config = dataclasses.replace(tiny_config, num_layers=6, patch_size=2, resolution=32)
    graphdef, params = build(config)
    images = jax.ShapeDtypeStruct((1, 32, 32, 3), np.float32)

    def class_token_rows(params, images):
        attention = forward(graphdef, params, images, capture_attention=True).attention
        return [attention[:, layer, :, 0] for layer in range(config.num_layers)]

    memory = jax.jit(class_token_rows).lower(params, images).compile().memory_analysis()
    one_layer_bytes = config.num_heads * config.num_tokens**2 * 4

    assert memory.temp_size_in_bytes < 4 * one_layer_bytes


def test_model_without_a_head_gives_features_and_no_logits(tiny_config, images):
    config = dataclasses.replace(tiny_config, num_classes=0)

    output = forward(build(config)[0], random_params(config), images)

    assert output.logits.shape == (2, 0)
    assert output.features.shape == (2, 16)


def test_representation_layer_is_a_tanh_before_the_head(tiny_config, images):
    config = dataclasses.replace(tiny_config, representation_size=24)
    params = random_params(config)

    output = forward(build(config)[0], params, images)
    bare = {key: value for key, value in params.items() if key not in ("pre_logits", "head")}
    headless = forward(build(dataclasses.replace(tiny_config, num_classes=0))[0], bare, images)
    expected = np.tanh(headless.features @ params["pre_logits"]["kernel"] + params["pre_logits"]["bias"])

    np.testing.assert_allclose(output.features, expected, atol=1e-5)
    np.testing.assert_allclose(output.logits, expected @ params["head"]["kernel"] + params["head"]["bias"], atol=1e-5)


def test_bfloat16_stays_near_float32_and_picks_the_same_classes(tiny_config, images):
    params = random_params(tiny_config)

    exact = forward(build(tiny_config)[0], params, images)
    rough = forward(build(tiny_config, dtype="bfloat16")[0], params, images)

    assert rough.logits.dtype == jnp.float32
    # 8 bits of mantissa through two layers; features are of order 1.
    np.testing.assert_allclose(rough.features, exact.features, atol=0.05)
    np.testing.assert_array_equal(rough.logits.argmax(axis=-1), exact.logits.argmax(axis=-1))


def test_gradient_reaches_every_parameter(tiny_hybrid_config):
    config = dataclasses.replace(
        tiny_hybrid_config,
        resnet=ResNetConfig(num_blocks=(1,), width=32),
        patch_size=4,
        layer_scale=True,
        class_position=False,
    )
    graphdef, _ = build(config)
    images = np.random.RandomState(3).uniform(-1, 1, size=(1, 32, 32, 3)).astype(np.float32)

    grads = jax.grad(lambda params: forward(graphdef, params, images).features.sum())(random_params(config))
    untouched = [path for path, grad in flatten(grads).items() if not grad.any()]

    # Only the head has no part in the features; the bias of the keys has none in the softmax, but for rounding.
    assert set(untouched) - {"blocks/0/attention/key/bias"} == {"head/bias", "head/kernel"}


def test_paths_lead_back_to_the_same_tree(tiny_hybrid_config):
    _, params = build(tiny_hybrid_config)

    assert unflatten(flatten(params)) == params


def test_images_of_another_size_are_refused(tiny_config):
    graphdef, _ = build(tiny_config)

    with pytest.raises(TypeError, match="add got incompatible shapes"):
        forward(graphdef, random_params(tiny_config), np.zeros((1, 32, 32, 3), np.float32))
