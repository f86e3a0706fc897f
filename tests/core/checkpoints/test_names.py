"""One table of names, read in both directions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.checkpoints.names import VIT_JAX, find_prefix, published_shape, to_ours, to_published
from vit_core.models.build import build, flatten
from vit_core.models.config import VARIANTS

REFERENCE_MODELS = ["ViT-Ti_16", "R+ViT-Ti_16", "ViT-S_32-gap-norep"]


@pytest.fixture(scope="module")
def published_names(golden_script):
    shapes = json.loads((golden_script.HERE / "shapes.json").read_text())
    return {model: list(arrays) for model, arrays in shapes.items()}


@pytest.mark.parametrize("model", REFERENCE_MODELS)
def test_every_published_name_is_known_and_leads_back_to_itself(published_names, model):
    names = published_names[model]

    assert [to_published(VIT_JAX, to_ours(VIT_JAX, name)) for name in names] == names


@pytest.mark.parametrize("variant", ["B/16", "R+Ti/16", "R50+L/32"])
def test_every_array_of_a_model_has_one_published_name(variant):
    paths = list(flatten(build(VARIANTS[variant])[1]))

    names = [to_published(VIT_JAX, path) for path in paths]

    assert len(set(names)) == len(paths)
    assert [to_ours(VIT_JAX, name) for name in names] == paths


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        ("cls", "cls"),
        ("Transformer/posembed_input/pos_embedding", "pos_embedding"),
        ("Transformer/encoderblock_11/LayerNorm_2/bias", "blocks/11/norm2/bias"),
        (
            "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/out/kernel",
            "blocks/0/attention/out/kernel",
        ),
        ("Transformer/encoderblock_3/MlpBlock_3/Dense_1/kernel", "blocks/3/mlp/dense2/kernel"),
        ("pre_logits/kernel", "pre_logits/kernel"),
        ("gn_root/scale", "resnet/gn_root/scale"),
        ("block1/unit1/conv2/kernel", "resnet/stages/0/0/conv2/kernel"),
        ("block4/unit3/gn_proj/bias", "resnet/stages/3/2/gn_proj/bias"),
    ],
)
def test_pairs_of_the_table(published, ours):
    assert to_ours(VIT_JAX, published) == ours
    assert to_published(VIT_JAX, ours) == published


@pytest.mark.parametrize(
    "name",
    [
        "",
        "head",
        "head/kernel/0",
        "head/momentum",
        "Head/kernel",
        "Transformer/encoderblock_01/LayerNorm_0/bias",
        "Transformer/encoderblock_-1/LayerNorm_0/bias",
        "Transformer/encoderblock_99999/LayerNorm_0/bias",
        "Transformer/encoderblock_٣/LayerNorm_0/bias",
        "block0/unit1/conv1/kernel",
        "params/img/head/kernel",
    ],
)
def test_other_names_are_unknown(name):
    assert to_ours(VIT_JAX, name) is None


@pytest.mark.parametrize("path", ["", "blocks/0", "blocks/x/norm1/scale", "resnet/stages/0/conv1/kernel"])
def test_other_paths_have_no_published_name(path):
    assert to_published(VIT_JAX, path) is None


@given(st.text(max_size=80))
def test_no_name_is_ever_half_understood(name):
    ours = to_ours(VIT_JAX, name)

    assert ours is None or to_published(VIT_JAX, ours) == name


@given(block=st.integers(0, 9999), leaf=st.sampled_from(["kernel", "bias"]), part=st.sampled_from(["query", "out"]))
def test_numbers_survive_the_round_trip(block, leaf, part):
    path = f"blocks/{block}/attention/{part}/{leaf}"

    assert to_ours(VIT_JAX, to_published(VIT_JAX, path)) == path


def test_group_norm_arrays_have_three_more_axes_in_files():
    assert published_shape(VIT_JAX, "resnet/stages/0/0/gn1/scale", (64,)) == (1, 1, 1, 64)
    assert published_shape(VIT_JAX, "blocks/0/norm1/scale", (64,)) == (64,)


@pytest.mark.parametrize("prefix", ["", "opt/target/", "params/"])
def test_prefix_is_the_one_that_the_names_have(prefix):
    names = [prefix + name for name in ("cls", "head/kernel", "head/bias")]

    assert find_prefix(VIT_JAX, [*names, "opt/state/step"]) == prefix
