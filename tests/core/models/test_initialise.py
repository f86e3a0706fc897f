"""Fresh weights have the original's distributions."""

import dataclasses
import itertools

import numpy as np
import pytest

from vit_core.models.build import build, flatten, forward
from vit_core.models.config import VARIANTS, ModelConfig, ResNetConfig
from vit_core.models.initialise import init_params


@pytest.fixture(scope="module")
def fresh():
    """Every kind of array, large enough for its statistics."""
    config = ModelConfig(
        patch_size=2,
        hidden_size=64,
        num_layers=1,
        mlp_dim=256,
        num_heads=4,
        num_classes=10,
        resolution=64,
        representation_size=32,
        resnet=ResNetConfig(num_blocks=(2, 1), width=64),
    )
    return flatten(init_params(config, seed=0))


def test_fresh_parameters_have_the_shapes_of_the_model(tiny_hybrid_config):
    shapes = {path: leaf.shape for path, leaf in flatten(build(tiny_hybrid_config)[1]).items()}

    fresh = flatten(init_params(tiny_hybrid_config, seed=0))

    assert {path: array.shape for path, array in fresh.items()} == shapes
    assert {array.dtype for array in fresh.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("path", ["head/kernel", "head/bias", "cls", "embedding/bias", "blocks/0/attention/query/bias"])
def test_starts_at_zero(fresh, path):
    assert not fresh[path].any()


@pytest.mark.parametrize("path", ["norm/scale", "blocks/0/norm1/scale", "resnet/gn_root/scale"])
def test_normalisation_starts_as_it_is(fresh, path):
    assert (fresh[path] == 1).all()


def test_fresh_residual_unit_is_the_identity(fresh):
    assert not fresh["resnet/stages/0/1/gn3/scale"].any()
    assert not fresh["resnet/stages/0/1/gn3/bias"].any()


@pytest.mark.parametrize(
    ("path", "deviation"),
    [("pos_embedding", 0.02), ("blocks/0/mlp/dense1/bias", 1e-6)],
)
def test_is_normal_with_the_stated_deviation(fresh, path, deviation):
    assert fresh[path].std() == pytest.approx(deviation, rel=0.15)


@pytest.mark.parametrize(
    ("path", "fans"),
    [
        ("blocks/0/mlp/dense1/kernel", 64 + 256),
        ("blocks/0/mlp/dense2/kernel", 256 + 64),
        ("blocks/0/attention/query/kernel", 64 + 64),
        ("blocks/0/attention/out/kernel", 64 + 64),
    ],
)
def test_encoder_kernels_are_xavier_uniform(fresh, path, fans):
    assert np.abs(fresh[path]).max() == pytest.approx((6 / fans) ** 0.5, rel=0.01)
    assert fresh[path].std() == pytest.approx((2 / fans) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        ("embedding/kernel", 2 * 2 * 512),
        ("resnet/conv_root/kernel", 7 * 7 * 3),
        ("resnet/stages/0/0/conv2/kernel", 3 * 3 * 64),
        ("pre_logits/kernel", 64),
    ],
)
def test_other_kernels_are_lecun_normal_cut_at_two_deviations(fresh, path, inputs):
    assert fresh[path].std() == pytest.approx(inputs**-0.5, rel=0.05)
    assert np.abs(fresh[path]).max() <= 2.0001 / 0.87962566 * inputs**-0.5


def test_weights_depend_on_the_seed_alone(tiny_config):
    first, again, other = (flatten(init_params(tiny_config, seed=seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first["embedding/kernel"], again["embedding/kernel"])
    assert not np.array_equal(first["embedding/kernel"], other["embedding/kernel"])


def test_no_two_arrays_start_equal(tiny_config):
    fresh = flatten(init_params(dataclasses.replace(tiny_config, num_layers=3), seed=0))
    queries = [fresh[f"blocks/{layer}/attention/{name}/kernel"] for layer in range(3) for name in ("query", "key")]

    assert not any(np.array_equal(first, second) for first, second in itertools.combinations(queries, 2))


def test_fresh_model_finds_every_class_equally_likely(tiny_config):
    images = np.random.RandomState(3).uniform(-1, 1, size=(2, 16, 16, 3)).astype(np.float32)

    output = forward(build(tiny_config)[0], init_params(tiny_config, seed=0), images)

    assert not output.logits.any()
    assert output.features.std() > 0.1


def test_every_variant_has_a_rule_for_every_array():
    config = dataclasses.replace(VARIANTS["R26+S/32"], num_classes=2, representation_size=4, num_layers=1)

    assert all(np.isfinite(array).all() for array in flatten(init_params(config, seed=0)).values())


def test_probe_of_attention_pooling_is_uniform_with_the_variance_of_one_input_and_the_width():
    config = ModelConfig(
        patch_size=4, hidden_size=512, num_layers=1, mlp_dim=8, num_heads=2, resolution=16, classifier="map"
    )

    probe = init_params(config, seed=0)["map_head"]["probe"]

    limit = np.sqrt(6 / (1 + 512))
    assert limit * 0.95 < np.abs(probe).max() <= limit
    assert probe.std() == pytest.approx(limit / np.sqrt(3), rel=0.1)


@pytest.mark.parametrize("mlp", ["token_mlp", "mlp"])
def test_mlps_of_a_mixer_have_the_defaults_of_flax(mlp):
    config = dataclasses.replace(VARIANTS["Mixer-S/32"], num_layers=1)

    layer = init_params(config, seed=0)["blocks"][0][mlp]["dense1"]

    assert layer["kernel"].std() == pytest.approx(len(layer["kernel"]) ** -0.5, rel=0.05)
    assert np.abs(layer["kernel"]).max() < 2.3 * len(layer["kernel"]) ** -0.5  # cut at two deviations
    assert not layer["bias"].any()
