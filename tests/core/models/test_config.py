"""The table of variants and what follows from it."""

import dataclasses
import subprocess
import sys

import pytest

from vit_core.errors import BadInput, UnknownName
from vit_core.models.config import VARIANTS, ModelConfig, ResNetConfig, file_token, square_side, variant, variant_of

AUGREG = ("Ti/16", "S/32", "S/16", "B/32", "B/16", "B/8", "L/16", "R+Ti/16", "R26+S/32", "R50+L/32")

# Millions of parameters with a 1000-class head, as published: the index's `params` column at 224 and 384 px, timm's
# counts where the index has none (B/8, Ti/16, R+Ti/16 and S/32 at 224) or a wrong one (R50+L/32).
PUBLISHED_MILLIONS = [
    ("Ti/16", 224, 5.72),
    ("Ti/16", 384, 5.79),
    ("S/32", 224, 22.88),
    ("S/32", 384, 22.92),
    ("S/16", 224, 22.05),
    ("S/16", 384, 22.20),
    ("B/32", 224, 88.22),
    ("B/32", 384, 88.30),
    ("B/16", 224, 86.57),
    ("B/16", 384, 86.86),
    ("B/8", 224, 86.58),
    ("L/16", 224, 304.33),
    ("L/16", 384, 304.72),
    ("R+Ti/16", 224, 6.34),
    ("R+Ti/16", 384, 6.36),
    ("R26+S/32", 224, 36.43),
    ("R26+S/32", 384, 36.47),
    ("R50+L/32", 224, 328.99),
    ("R50+L/32", 384, 329.09),
    # Of the further ones: timm's tables, and those of the papers where timm has none (H/14, Mixer).
    ("R50+B/16", 384, 98.95),
    ("H/14", 224, 632.05),
    ("timm-S/16", 224, 48.75),
    ("Mixer-S/32", 224, 19.10),
    ("Mixer-S/16", 224, 18.53),
    ("Mixer-B/32", 224, 60.29),
    ("Mixer-B/16", 224, 59.88),
    ("Mixer-L/16", 224, 208.20),
]

# MiB of the published ImageNet-21k files (21,843 classes, float32), as the original README lists them.
PUBLISHED_MIB = [
    ("Ti/16", 37),
    ("R+Ti/16", 40),
    ("S/16", 115),
    ("S/32", 118),
    ("R26+S/32", 170),
    ("B/16", 391),
    ("B/32", 398),
    ("L/16", 1243),
    ("R50+L/32", 1337),
]


@pytest.mark.parametrize(("name", "resolution", "millions"), PUBLISHED_MILLIONS)
def test_parameter_count_is_the_published_one(name, resolution, millions):
    count = VARIANTS[name].with_resolution(resolution).num_params

    assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize(("name", "mebibytes"), PUBLISHED_MIB)
def test_parameter_count_explains_the_size_of_the_published_file(name, mebibytes):
    config = ModelConfig(**{**vars(VARIANTS[name]), "num_classes": 21_843})

    assert config.num_params * 4 / 2**20 == pytest.approx(mebibytes, abs=0.6)


@pytest.mark.parametrize("name", AUGREG)
def test_every_variant_of_the_collection_is_in_the_table(name):
    assert VARIANTS[name].variant == name


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_found_by_name_and_by_file_token(name):
    assert variant(name) is VARIANTS[name]
    assert variant(file_token(name)) is VARIANTS[name]


def test_unknown_variant_lists_close_names():
    with pytest.raises(UnknownName, match=r"no model variant 'B/15'.*'B/16'"):
        variant("B/15")


def test_variant_does_not_depend_on_head_or_resolution():
    config = ModelConfig(**{**vars(VARIANTS["R26+S/32"]), "num_classes": 37, "representation_size": 384})

    assert variant_of(config.with_resolution(384)) == "R26+S/32"


def test_architecture_outside_the_table_is_called_custom(tiny_config, tiny_hybrid_config):
    assert tiny_config.variant == "custom 16x2/4"
    assert tiny_hybrid_config.variant == "custom R+16x1/16"


@pytest.mark.parametrize(
    ("name", "called"),
    [("B/16-gap", "B/16"), ("S/32-gap", "S/32"), ("Mixer-S/8", "Mixer-S/8"), ("timm-S/16", "timm-S/16")],
)
def test_variant_is_named_by_its_blocks_and_not_by_what_its_head_reads(name, called):
    assert VARIANTS[name].variant == called


@pytest.mark.parametrize(
    "changes", [{"norm_eps": 1e-12}, {"activation": "gelu"}, {"classifier": "map"}, {"qk_scale": 0.5}], ids=str
)
def test_what_other_libraries_compute_otherwise_is_no_other_variant(changes):
    assert variant_of(dataclasses.replace(VARIANTS["B/16"], **changes)) == "B/16"


def test_mixer_outside_the_table_is_called_a_custom_mixer(tiny_mixer_config):
    assert tiny_mixer_config.variant == "custom Mixer-16x2/4"


@pytest.mark.parametrize(
    ("name", "resolution", "tokens"),
    [("B/16", 224, 197), ("B/16", 384, 577), ("B/8", 224, 785), ("R+Ti/16", 224, 50), ("R50+L/32", 384, 145)],
)
def test_tokens_are_patches_and_the_class_token(name, resolution, tokens):
    assert VARIANTS[name].with_resolution(resolution).num_tokens == tokens


def test_model_that_averages_has_no_class_token():
    config = ModelConfig(**{**vars(VARIANTS["S/32"]), "classifier": "gap"})

    assert config.num_tokens == 49
    assert config.num_params == VARIANTS["S/32"].num_params - 2 * 384


@pytest.mark.parametrize(("num_blocks", "stride", "channels"), [((), 4, 64), ((2,), 4, 256), ((3, 4, 6, 3), 32, 2048)])
def test_stride_and_width_of_a_resnet_follow_from_its_stages(num_blocks, stride, channels):
    resnet = ResNetConfig(num_blocks=num_blocks)

    assert (resnet.stride, resnet.out_channels) == (stride, channels)


@pytest.mark.parametrize(("resolution", "nearest"), [(225, 224), (0, 16), (-16, 16), (7, 16), (10_000_001, 1024)])
def test_resolution_that_is_no_multiple_names_the_rule_and_the_nearest(resolution, nearest):
    with pytest.raises(BadInput, match=rf"{resolution} is not a multiple of 16.*B/16.*: {nearest}\."):
        VARIANTS["B/16"].with_resolution(resolution)


def test_resolution_of_too_many_patches_is_refused():
    with pytest.raises(BadInput, match=r"1040 is too large for B/16; use at most 1024"):
        VARIANTS["B/16"].with_resolution(1040)


@pytest.mark.parametrize(("count", "side"), [(1, 1), (196, 14), (197, None), (0, None), (-4, None), (10**30, 10**15)])
def test_square_side_is_exact(count, side):
    assert square_side(count) == side


def test_configurations_are_read_without_jax():
    probe = "import sys, vit_core.models.config; sys.exit('jax' in sys.modules or 'flax' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
