"""The memory of activations by arithmetic, held against what XLA says of its own programs."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from vit_core.models.build import build, forward
from vit_core.models.config import VARIANTS
from vit_core.training.activations import bytes_per_image, parts_within


@pytest.mark.parametrize(("name", "resolution"), [("Ti/16", 224), ("R+Ti/16", 128), ("Mixer-S/32", 224)])
def test_the_estimate_is_near_what_a_gradient_takes(name, resolution):
    model = dataclasses.replace(VARIANTS[name], num_layers=1, resolution=resolution)  # layers are all alike
    graphdef, params = build(model)

    def loss(params, images):
        return forward(graphdef, params, images).logits.sum()

    def temporary(batch):
        images = jax.ShapeDtypeStruct((batch, model.resolution, model.resolution, 3), jnp.float32)
        return jax.jit(jax.grad(loss)).lower(params, images).compile().memory_analysis().temp_size_in_bytes

    measured = (temporary(4) - temporary(2)) / 2
    assert 0.7 < bytes_per_image(model) / measured < 2


def test_recomputing_takes_less():
    model = VARIANTS["B/16"]
    assert bytes_per_image(model, remat=True) < bytes_per_image(model) / 4


@pytest.mark.parametrize(
    ("batch", "budget_bytes", "parts"),
    [(32, 10**12, 1), (32, 10**9, 4), (12, 330_000_000, 3), (7, 200_000_000, 7), (5, 1, 5)],
)
def test_parts_are_equal_and_fit(batch, budget_bytes, parts):
    assert parts_within(VARIANTS["Ti/16"], batch=batch, budget_bytes=budget_bytes) == parts
