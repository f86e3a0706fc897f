"""A file, what was asked of it and what lies beside it, put together."""

import dataclasses
import json

import numpy as np
import pytest

from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.big_vision import BIG_VISION
from vit_core.checkpoints.generations.timm import TIMM
from vit_core.checkpoints.generations.transformers import TRANSFORMERS
from vit_core.checkpoints.pixels import IMAGENET
from vit_core.checkpoints.recognise import recognise
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.errors import BadCheckpoint, BadInput
from vit_core.models.build import build, flatten
from vit_core.models.config import VARIANTS


@pytest.fixture
def of_timm(tmp_path):
    """Write a file of timm as it would be for a model of ours, with what lies beside; the weights are zeros."""

    def write(config, beside, generation=TIMM):
        flat = {path: np.zeros(leaf.shape, np.float32) for path, leaf in flatten(build(config)[1]).items()}
        listed, end = {}, 0
        for name, array in to_file(generation, flat).items():
            listed[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": (end, end + array.nbytes)}
            end += array.nbytes
        text = json.dumps(listed).encode()
        with (tmp_path / "model.safetensors").open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + end)  # takes no room on the disk
        (tmp_path / "config.json").write_text(json.dumps(beside))
        return tmp_path / "model.safetensors"

    return write


@pytest.mark.parametrize("num_heads", [0, 7])
def test_number_of_heads_that_cannot_be_is_refused_also_where_the_file_tells_it(of_timm, tiny_config, num_heads):
    path = of_timm(tiny_config, {"model_args": {"num_heads": 2}})

    with pytest.raises(BadInput, match=rf"^A num_heads \(`--num-heads`\) of {num_heads} ") as caught:
        load_checkpoint(path, num_heads=num_heads)

    assert not isinstance(caught.value, BadCheckpoint)


@pytest.mark.parametrize("pool", ["avg", "map", "avgmax"])
@pytest.mark.parametrize("place", ["top", "arguments"])
def test_pooling_that_contradicts_the_arrays_is_refused_in_one_sentence(of_timm, tiny_config, place, pool):
    arguments = {"num_heads": 2, "act_layer": "gelu"}
    told = {"global_pool": pool, "model_args": arguments}
    if place == "arguments":
        told = {"global_pool": "token", "model_args": {**arguments, "global_pool": pool}}

    with pytest.raises(BadCheckpoint, match=f"the global_pool '{pool}', as config.json beside it says, .* 'token'"):
        recognise(of_timm(tiny_config, told))


@pytest.mark.parametrize(("classifier", "pool"), [("token", "token"), ("gap", "avg"), ("map", "map")])
def test_pooling_that_the_arrays_show_is_accepted(of_timm, tiny_config, classifier, pool):
    config = dataclasses.replace(tiny_config, classifier=classifier)

    path = of_timm(config, {"global_pool": pool, "model_args": {"num_heads": 2}})

    assert recognise(path).config.classifier == classifier


def test_hybrid_for_pixels_of_another_scaling_is_refused_in_one_sentence(of_timm, tiny_hybrid_config):
    beside = {"model_args": {"num_heads": 2}, "pretrained_cfg": {"mean": [0.485, 0.456, 0.406]}}

    with pytest.raises(BadCheckpoint, match="hybrid trained on pixels with another mean"):
        recognise(of_timm(tiny_hybrid_config, beside))


def test_table_wins_over_the_tag_for_a_model_that_only_it_knows(of_timm):
    published = VARIANTS["timm-S/16"]

    source = recognise(of_timm(published, {"pretrained_cfg": {"tag": "augreg_in1k"}}))

    assert source.config == published
    assert not [note for note in source.notes if "GELU" in note]


@pytest.mark.parametrize("name", ["timm-S/16", "DeiT3-S/16"])
def test_published_model_of_imagenets_scaling_has_it_where_nothing_is_told(of_timm, name):
    source = recognise(of_timm(VARIANTS[name], {}))

    assert source.scaling == IMAGENET
    assert source.notes[0] == f"Nothing beside the file tells how its pixels are scaled; it is taken as for {name}."
    assert "mean (0.485, 0.456, 0.406)" in source.notes[1]


def test_scaling_that_is_told_wins_over_that_of_the_published_model(of_timm):
    source = recognise(of_timm(VARIANTS["DeiT3-S/16"], {"pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}))

    assert (source.scaling, source.notes) == (None, ())


@pytest.mark.parametrize("generation", [TIMM, TRANSFORMERS], ids=["timm", "transformers"])
def test_file_that_tells_no_scaling_says_once_what_is_taken(of_timm, tiny_config, generation):
    source = recognise(of_timm(tiny_config, {}, generation), num_heads=2)

    assert source.scaling is None
    assert [note for note in source.notes if "pixels" in note] == [
        "Nothing beside the file tells how its pixels are scaled; mean and deviation 0.5 are taken."
    ]


@pytest.mark.parametrize(
    ("resolution", "reason"),
    [
        (2048, r"^The resolution 2048 is too large for .*; use at most 1024 \(64 patches a side\)"),
        (40, "^The resolution 40 is not a multiple of 16"),
        (0, "^The resolution 0 is not a multiple of 16"),
    ],
)
def test_impossible_resolution_is_no_fault_of_a_file_that_fits_any(tmp_path, tiny_config, resolution, reason):
    config = dataclasses.replace(tiny_config, classifier="gap", patch_size=16).with_resolution(32)
    flat = {path: np.zeros(leaf.shape, np.float32) for path, leaf in flatten(build(config)[1]).items()}
    arrays = to_file(BIG_VISION, flat)
    del arrays["pos_embedding"]
    np.savez(tmp_path / "model.npz", **arrays)

    with pytest.raises(BadInput, match=reason) as caught:
        load_checkpoint(tmp_path / "model.npz", resolution=resolution)

    assert not isinstance(caught.value, BadCheckpoint)
