"""What an image costs to compute, held against timm's published tables."""

import dataclasses

import pytest

from vit_core.models.config import VARIANTS, ModelConfig
from vit_core.models.cost import gflops, gmacs, num_products

# infer_gmacs of huggingface/pytorch-image-models, results/model_benchmark_amp_nchw_rtx3090.csv; H/14, Mixer-S and
# Mixer-B/32 of results/benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv. Heads have 1,000 classes.
PUBLISHED_GMACS = [
    ("Ti/16", 224, 1.26),
    ("Ti/16", 384, 4.70),
    ("S/32", 224, 1.15),
    ("S/32", 384, 3.45),
    ("S/16", 224, 4.61),
    ("S/16", 384, 15.52),
    ("B/32", 224, 4.41),
    ("B/32", 384, 13.06),
    ("B/16", 224, 17.58),
    ("B/16", 384, 55.54),
    ("L/32", 384, 45.31),
    ("L/16", 224, 61.60),
    ("L/16", 384, 191.21),
    ("H/14", 224, 167.40),
    ("R+Ti/16", 224, 0.44),
    ("R+Ti/16", 384, 1.34),
    ("R26+S/32", 224, 3.56),
    ("R26+S/32", 384, 10.43),
    ("R50+L/32", 224, 19.58),
    ("R50+L/32", 384, 57.43),
    ("R50+B/16", 384, 67.43),
    ("Mixer-S/32", 224, 1.00),
    ("Mixer-S/16", 224, 3.79),
    ("Mixer-B/32", 224, 3.24),
    ("Mixer-B/16", 224, 12.62),
    ("Mixer-L/16", 224, 44.60),
]


def at(name, resolution):
    """Give a variant at a resolution; a Mixer, which has one alone, made for it."""
    return dataclasses.replace(VARIANTS[name], resolution=resolution)


@pytest.mark.parametrize(("name", "resolution", "published"), PUBLISHED_GMACS)
def test_gmacs_are_the_published_ones(name, resolution, published):
    # Two decimals are published, so half a hundredth is rounding.
    assert gmacs(at(name, resolution)) == pytest.approx(published, abs=0.0055)


def test_one_multiply_accumulate_is_two_operations():
    assert gflops(VARIANTS["B/16"]) == pytest.approx(2 * gmacs(VARIANTS["B/16"]))


def test_the_counter_of_early_cards_did_not_see_the_products_of_attention():
    config = VARIANTS["B/16"]
    attention = 2 * config.num_layers * config.num_tokens**2 * config.hidden_size

    assert gmacs(config) - attention / 1e9 == pytest.approx(16.87, abs=0.01)


def test_products_of_a_model_that_can_be_counted_by_hand():
    model = ModelConfig(
        patch_size=4, hidden_size=8, num_layers=1, mlp_dim=16, num_heads=2, num_classes=10, resolution=8
    )
    patches, tokens = 4, 5

    embedding = patches * 4 * 4 * 3 * 8
    attention = 4 * tokens * 8 * 8 + 2 * tokens * tokens * 8
    mlp = 2 * tokens * 8 * 16
    assert num_products(model) == embedding + attention + mlp + 8 * 10


def test_attention_pooling_and_a_representation_layer_are_counted():
    plain = dataclasses.replace(VARIANTS["S/16"], classifier="gap")
    pooled = dataclasses.replace(plain, classifier="map")
    represented = dataclasses.replace(plain, representation_size=384)
    D, N, M = 384, 196, 1536

    assert num_products(pooled) - num_products(plain) == 2 * D * D + 2 * N * D * D + 2 * N * D + 2 * D * M
    assert num_products(represented) - num_products(plain) == D * D


def test_without_a_head_its_product_is_not_counted():
    headless = dataclasses.replace(VARIANTS["B/16"], num_classes=0)
    assert num_products(VARIANTS["B/16"]) - num_products(headless) == 768 * 1000
