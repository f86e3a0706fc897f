"""The architecture that the shapes of a file show."""

import dataclasses

import pytest

from vit_core.checkpoints.architecture import infer_config
from vit_core.errors import BadCheckpoint, BadInput
from vit_core.models.build import build, flatten
from vit_core.models.config import VARIANTS


def shapes_of(config):
    return {path: tuple(leaf.shape) for path, leaf in flatten(build(config)[1]).items()}


@pytest.fixture
def shapes(tiny_config):
    return shapes_of(tiny_config)


@pytest.mark.parametrize(
    "name",
    ["Ti/16", "S/32", "B/8", "R+Ti/16", "R26+S/32", "R50+B/16", "B/16-gap", "Mixer-S/8", "Mixer-B/32", "timm-S/16"],
)
def test_configuration_of_a_variant_is_found_again(name):
    assert infer_config(shapes_of(VARIANTS[name])) == VARIANTS[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"num_classes": 37},
        {"num_classes": 0},
        {"classifier": "gap"},
        {"classifier": "map"},
        {"classifier": "map", "representation_size": 8},
        {"qkv_bias": False},
        {"representation_size": 8},
        {"resolution": 40},
        {"num_layers": 3},
    ],
    ids=str,
)
def test_every_choice_shows_in_the_shapes(tiny_config, changes):
    config = dataclasses.replace(tiny_config, **changes)

    assert infer_config(shapes_of(config)) == config


@pytest.mark.parametrize(
    ("origin", "norm_eps", "activation"),
    [("google", 1e-6, "gelu_tanh"), ("timm", 1e-6, "gelu"), ("transformers", 1e-12, "gelu")],
)
def test_what_no_shape_shows_is_as_in_the_library_of_the_file(shapes, tiny_config, origin, norm_eps, activation):
    expected = dataclasses.replace(tiny_config, norm_eps=norm_eps, activation=activation)

    assert infer_config(shapes, origin=origin) == expected


def test_the_old_small_model_of_timm_keeps_its_own_scale_and_epsilon():
    assert infer_config(shapes_of(VARIANTS["timm-S/16"]), origin="timm") == VARIANTS["timm-S/16"]


def with_one_axis_of_heads(shapes):
    return {
        path: (16, 16) if path.endswith(("query/kernel", "key/kernel")) else shape for path, shape in shapes.items()
    }


@pytest.mark.parametrize("name", ["Ti/16", "R26+S/32", "H/14", "timm-S/16"])
def test_heads_in_one_axis_are_those_of_the_published_model_of_that_size(name):
    shapes = shapes_of(VARIANTS[name])
    width = VARIANTS[name].hidden_size
    shapes["blocks/0/attention/query/kernel"] = (width, width)

    assert infer_config(shapes) == VARIANTS[name]


def test_heads_in_one_axis_of_an_unknown_size_are_asked_for(shapes):
    with pytest.raises(BadCheckpoint, match=r"width of 16, 2 blocks and MLPs of 32.*`--num-heads` on the command line"):
        infer_config(with_one_axis_of_heads(shapes))


def test_heads_in_one_axis_of_an_unknown_size_can_be_given(shapes, tiny_config):
    assert infer_config(with_one_axis_of_heads(shapes), num_heads=2) == tiny_config


@pytest.mark.parametrize("num_heads", [0, -1, 3, 129])
def test_given_heads_that_cannot_be_are_refused(shapes, num_heads):
    with pytest.raises(BadInput, match=rf"A num_heads \(`--num-heads`\) of {num_heads} ") as caught:
        infer_config(with_one_axis_of_heads(shapes), num_heads=num_heads)
    assert not isinstance(caught.value, BadCheckpoint)


def test_given_heads_that_contradict_the_file_are_refused(shapes):
    with pytest.raises(BadInput, match=r"shows 2 attention heads and not 4; leave num_heads") as caught:
        infer_config(shapes, num_heads=4)
    assert not isinstance(caught.value, BadCheckpoint)


def test_heads_that_are_told_beside_the_file_and_cannot_be_are_the_fault_of_the_file(shapes):
    with pytest.raises(BadCheckpoint, match="shows 3 attention heads for a width of 16"):
        infer_config(with_one_axis_of_heads(shapes), told_heads=3)


def test_given_heads_win_over_told_ones(shapes):
    assert infer_config(with_one_axis_of_heads(shapes), num_heads=4, told_heads=2).num_heads == 4


def test_one_missing_bias_of_the_attention_is_no_model_without_biases(shapes):
    del shapes["blocks/0/attention/query/bias"]

    assert infer_config(shapes).qkv_bias


@pytest.fixture
def mixer_shapes(tiny_mixer_config):
    return shapes_of(tiny_mixer_config)


@pytest.mark.parametrize("changes", [{}, {"num_classes": 0}, {"resolution": 24}, {"tokens_mlp_dim": 5}], ids=str)
def test_every_choice_of_a_mixer_shows_in_the_shapes(tiny_mixer_config, changes):
    config = dataclasses.replace(tiny_mixer_config, **changes)

    assert infer_config(shapes_of(config)) == config


@pytest.mark.parametrize("patches", [15, 0, 65**2])
def test_mixer_over_patches_that_are_no_square_is_refused(mixer_shapes, patches):
    mixer_shapes["blocks/0/token_mlp/dense1/kernel"] = (patches, 8)

    with pytest.raises(BadCheckpoint, match=f"has MLPs over {patches} patches, which is not a square grid"):
        infer_config(mixer_shapes)


def test_mixer_without_its_first_token_mlp_is_named_as_a_mixer(mixer_shapes):
    del mixer_shapes["blocks/0/token_mlp/dense1/kernel"]

    with pytest.raises(BadCheckpoint, match="is no MLP-Mixer in a known layout: it has no array"):
        infer_config(mixer_shapes)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("embedding/kernel", "embedding/kernel"),
        ("pos_embedding", "Transformer/posembed_input/pos_embedding"),
        (
            "blocks/0/attention/query/kernel",
            "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel",
        ),
        ("blocks/0/mlp/dense1/kernel", "Transformer/encoderblock_0/MlpBlock_3/Dense_0/kernel"),
    ],
)
def test_array_that_shows_the_architecture_is_missed_by_its_published_name(shapes, path, name):
    del shapes[path]

    with pytest.raises(BadCheckpoint, match=f"no Vision Transformer in a known layout: it has no array '{name}'"):
        infer_config(shapes)


@pytest.mark.parametrize("path", ["embedding/kernel", "pos_embedding", "head/kernel", "blocks/0/mlp/dense1/kernel"])
def test_wrong_number_of_axes_is_named(shapes, path):
    shapes[path] = (4,)

    with pytest.raises(BadCheckpoint, match="has 1 axes, not"):
        infer_config(shapes)


@pytest.mark.parametrize("tokens", [16, 18, 1, 0])
def test_tokens_that_are_no_square_and_a_class_token_are_refused(shapes, tokens):
    shapes["pos_embedding"] = (1, tokens, 16)

    with pytest.raises(BadCheckpoint, match=rf"position embeddings for {tokens - 1} patches, which is not a square"):
        infer_config(shapes)


def test_square_counts_without_the_class_token_where_there_is_none(shapes):
    del shapes["cls"]
    shapes["pos_embedding"] = (1, 16, 16)

    assert infer_config(shapes).grid == 4


@pytest.mark.parametrize(
    ("path", "shape", "reason"),
    [
        ("embedding/kernel", (4, 4, 3, 0), "hidden_size of 0"),
        ("embedding/kernel", (0, 0, 3, 16), "patch_size of 0"),
        ("embedding/kernel", (4, 4, 3, 10**6), "hidden_size of 1000000; models have 1 to 8192"),
        ("blocks/0/attention/query/kernel", (16, 0, 8), "num_heads of 0"),
        ("blocks/0/attention/query/kernel", (16, 3, 8), "3 attention heads for a width of 16"),
        ("head/kernel", (16, 10**7), "num_classes of 10000000"),
        ("pos_embedding", (1, 100_001, 16), "not a square grid"),
        ("pos_embedding", (1, 4226, 16), "not a square grid of at most 64 a side"),
        ("blocks/9000/norm1/scale", (16,), "num_layers of 9001; models have 1 to 64"),
    ],
)
def test_models_that_cannot_be_are_refused_before_they_are_described(shapes, path, shape, reason):
    shapes[path] = shape

    with pytest.raises(BadCheckpoint, match=reason):
        infer_config(shapes)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("resnet/conv_root/kernel", (7, 7, 3, 48)),
        ("resnet/conv_root/kernel", (7, 7, 3, 0)),
        ("resnet/stages/4/0/gn1/scale", (64,)),
        ("resnet/stages/1/500/gn1/scale", (64,)),
    ],
)
def test_resnet_that_cannot_be_is_refused(tiny_hybrid_config, path, shape):
    shapes = shapes_of(tiny_hybrid_config)
    shapes[path] = shape

    with pytest.raises(BadCheckpoint, match="shows a ResNet of"):
        infer_config(shapes)
