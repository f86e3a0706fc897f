"""What a config.json beside a file tells of the model, and what it does not."""

import json

import pytest

from vit_core.checkpoints.beside import class_names, read_beside
from vit_core.checkpoints.pixels import OURS, Scaling
from vit_core.errors import BadCheckpoint

IMAGENET = Scaling((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture
def beside(tmp_path):
    """Write a config.json, and give the path of the weights beside it."""

    def write(fields):
        text = fields if isinstance(fields, str) else json.dumps(fields)
        (tmp_path / "config.json").write_text(text)
        return tmp_path / "model.safetensors"

    return write


@pytest.mark.parametrize(
    ("tag", "activation"),
    [
        ("augreg_in21k_ft_in1k", "gelu_tanh"),
        ("orig_in21k_ft_in1k", "gelu_tanh"),
        ("goog_in21k", "gelu_tanh"),
        ("sam_in1k", "gelu_tanh"),
        ("1200ep_in1k", "gelu_tanh"),
        ("patch16_in21k", "gelu_tanh"),
        ("patch30_in21k", "gelu_tanh"),
        ("webli", "gelu_tanh"),
        ("v2_webli", "gelu_tanh"),
        ("pali_mix", "gelu_tanh"),
        ("pali2_3b_pt", "gelu_tanh"),
        ("augreg2_in21k_ft_in1k", "gelu"),
        ("mae", "gelu"),
    ],
)
def test_tag_of_timm_tells_who_trained_and_so_the_gelu(beside, tag, activation):
    told = read_beside(beside({"pretrained_cfg": {"tag": tag}}), origin="timm")

    assert told.activation == activation
    assert told.sentences[0].startswith(
        "Computed with the tanh form of GELU" if activation == "gelu_tanh" else "Computed with the exact form of GELU"
    )
    assert f"({tag})" in told.sentences[0]


def test_argument_of_timm_wins_over_the_tag(beside):
    fields = {"model_args": {"act_layer": "gelu", "num_heads": 3}, "pretrained_cfg": {"tag": "augreg_in1k"}}

    told = read_beside(beside(fields), origin="timm")

    assert (told.activation, told.num_heads, told.sentences) == ("gelu", 3, ())


def test_file_of_timm_with_nothing_beside_it_says_what_was_assumed(tmp_path):
    told = read_beside(tmp_path / "model.safetensors", origin="timm")

    assert told.activation is None
    assert "Nothing beside the file tells its GELU: the tanh form is taken" in told.sentences[0]


@pytest.mark.parametrize(
    ("fields", "pool"),
    [
        ({}, None),
        ({"global_pool": "avg"}, "avg"),
        ({"global_pool": "token", "model_args": {"global_pool": "avg"}}, "avg"),
        ({"global_pool": ""}, None),
        ({"global_pool": 3}, None),
    ],
    ids=str,
)
def test_what_the_head_of_timm_reads_is_told_by_its_arguments_first(beside, fields, pool):
    assert read_beside(beside(fields), origin="timm").pool == pool


def test_other_scaling_of_pixels_is_told_by_timm(beside):
    fields = {"pretrained_cfg": {"tag": "mae", "mean": list(IMAGENET.mean), "std": list(IMAGENET.deviation)}}

    assert read_beside(beside(fields), origin="timm").scaling == IMAGENET


@pytest.mark.parametrize(
    ("pictures", "scaling"),
    [
        ({"image_mean": list(IMAGENET.mean), "image_std": list(IMAGENET.deviation)}, IMAGENET),
        ({"image_mean": 0.5, "image_std": [0.5, 0.5, 0.5]}, OURS),
        ({"do_normalize": False, "image_mean": 0.4}, Scaling((0.0,) * 3, (1.0,) * 3)),
        ({"do_rescale": False, "image_mean": 127.5, "image_std": 127.5}, OURS),
        ({"rescale_factor": 1 / 127.5, "image_mean": 1, "image_std": 1}, OURS),
        ({"do_rescale": False, "do_normalize": False}, Scaling((0.0,) * 3, (1 / 255,) * 3)),
        ({}, None),
    ],
    ids=str,
)
def test_scaling_of_pixels_is_told_by_the_image_processor_of_transformers(beside, pictures, scaling):
    path = beside({})
    path.with_name("preprocessor_config.json").write_text(json.dumps(pictures))

    assert read_beside(path, origin="transformers").scaling == scaling


def test_the_flat_config_of_older_timm_is_read(beside):
    fields = {"architecture": "vit_x", "tag": "mae", "mean": list(IMAGENET.mean), "std": list(IMAGENET.deviation)}

    told = read_beside(beside(fields), origin="timm")

    assert (told.scaling, told.activation) == (IMAGENET, "gelu")


@pytest.mark.parametrize("origin", ["timm", "transformers"])
@pytest.mark.parametrize(
    ("what", "value"),
    [("mean", 127.5), ("mean", -0.5), ("std", 0), ("std", -0.2), ("std", [57.0] * 3), ("std", 10**400)],
    ids=range(6),
)
def test_scaling_of_other_pixels_than_from_0_to_1_is_refused(beside, origin, what, value):
    path = beside({"pretrained_cfg": {what: value}})
    path.with_name("preprocessor_config.json").write_text(json.dumps({f"image_{what}": value}))

    with pytest.raises(BadCheckpoint, match=rf"^has a {what} of pixels of .* pixels from 0 to 1 cannot have; .* 255"):
        read_beside(path, origin=origin)


@pytest.mark.parametrize("factor", [0, -1, "x", True, float("nan")], ids=str)
def test_rescaling_that_no_pixels_have_is_refused(beside, factor):
    path = beside({})
    path.with_name("preprocessor_config.json").write_text(json.dumps({"rescale_factor": factor}))

    with pytest.raises(BadCheckpoint, match=r"^has a rescale_factor of .*, which is none"):
        read_beside(path, origin="transformers")


@pytest.mark.parametrize(("activation", "said"), [("gelu", 1), ("gelu_new", 0)])
def test_exact_gelu_of_transformers_is_said(beside, activation, said):
    notes = read_beside(beside({"hidden_act": activation}), origin="transformers").notes

    assert sum("exact form of GELU, as transformers does" in note for note in notes) == said


@pytest.mark.parametrize("mean", ["x", [0.5], [0.5, 0.5, None], [True, 0.5, 0.5], [1e9, 0, 0], [float("nan"), 0, 0]])
def test_scaling_that_no_pixels_have_is_refused(beside, mean):
    with pytest.raises(BadCheckpoint, match=r"^has a mean of pixels of .* in config\.json beside it"):
        read_beside(beside({"pretrained_cfg": {"mean": mean}}), origin="timm")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"crop_pct": 0.9, "interpolation": "bicubic", "input_size": [3, 224, 224]}, ()),
        ({"crop_pct": 1.0, "interpolation": "bicubic", "input_size": [3, 384, 384]}, ()),
        ({"crop_pct": 1.0, "interpolation": "bilinear", "crop_mode": "squash"}, ()),
        ({"crop_pct": 0.95, "interpolation": "bicubic"}, ("crop_pct 0.95, interpolation bicubic",)),
        ({"crop_pct": 0.9, "interpolation": "lanczos"}, ("crop_pct 0.9, interpolation lanczos",)),
    ],
    ids=str,
)
def test_crop_of_timm_that_is_none_of_ours_is_said(beside, weights, said):
    notes = read_beside(beside({"pretrained_cfg": weights}), origin="timm").notes

    assert tuple(note.split("(")[1].split(")")[0] for note in notes) == said


def test_config_of_transformers_tells_gelu_epsilon_and_heads(beside):
    fields = {"hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6, "num_attention_heads": 12}

    told = read_beside(beside(fields), origin="transformers")

    assert (told.activation, told.norm_eps, told.num_heads) == ("gelu_tanh", 1e-6, 12)


def test_without_a_config_transformers_own_defaults_hold(tmp_path):
    told = read_beside(tmp_path / "model.safetensors", origin="transformers")

    assert (told.activation, told.norm_eps, told.num_heads) == ("gelu", 1e-12, None)


@pytest.mark.parametrize("fields", [{"layer_norm_eps": "x"}, {"layer_norm_eps": -1.0}, {"num_attention_heads": "12"}])
def test_values_of_another_kind_count_for_nothing(beside, fields):
    told = read_beside(beside(fields), origin="transformers")

    assert (told.norm_eps, told.num_heads) == (1e-12, None)


@pytest.mark.parametrize("activation", ["quick_gelu", "relu", 3, None])
def test_activation_that_ours_has_not_is_refused(beside, activation):
    with pytest.raises(BadCheckpoint, match=r"as config\.json beside it says"):
        read_beside(beside({"hidden_act": activation}), origin="transformers")


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, "\x00"], ids=["cut", "empty", "deep", "nul"])
def test_config_that_cannot_be_read_is_said_and_left_out(beside, text):
    told = read_beside(beside(text), origin="transformers")

    assert told.activation == "gelu"
    assert told.notes[0].startswith("The config.json beside the file cannot be read and was left out: ")


def test_published_files_take_nothing_from_beside(beside):
    assert read_beside(beside({"hidden_act": "relu"}), origin="google").notes == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"label_names": ["cat", "dog"]},
        {"pretrained_cfg": {"label_names": ["cat", "dog"]}},
        {"labels": ["cat", "dog"]},
        {"id2label": {"1": "dog", "0": "cat"}},
    ],
    ids=["timm", "older timm", "flat timm", "transformers"],
)
def test_class_names_are_found_in_the_order_of_the_outputs(beside, fields):
    assert class_names(beside(fields), 2) == ("cat", "dog")


@pytest.mark.parametrize(
    "fields",
    [
        {"label_names": ["cat"]},
        {"label_names": ["cat", 2]},
        {"label_names": "ab"},
        {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}},
        {"id2label": {"0": "cat"}},
        {"id2label": ["cat", "dog"]},
        [],
    ],
    ids=range(7),
)
def test_names_that_do_not_fit_are_none(beside, fields):
    assert class_names(beside(fields), 2) is None
