"""Files of other families: each gets one sentence that says what it is, or loads for its features."""

import dataclasses

import numpy as np
import pytest
import safetensors.numpy

from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.big_vision import BIG_VISION, LINEN
from vit_core.checkpoints.others import other_family
from vit_core.checkpoints.recognise import recognise
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.errors import BadCheckpoint
from vit_core.models.build import build, flatten
from vit_core.models.config import VARIANTS


def blank(config):
    return {path: np.zeros(leaf.shape, np.float32) for path, leaf in flatten(build(config)[1]).items()}


@pytest.fixture
def npz(tmp_path):
    """Write arrays as an .npz, and give the path."""

    def write(arrays):
        np.savez(tmp_path / "x.npz", **{name: np.asarray(array, order="C") for name, array in arrays.items()})
        return tmp_path / "x.npz"

    return write


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("root_block/conv_root/kernel", "block1/unit01/conv1/kernel", "head/kernel"), "ResNet of Big Transfer"),
        (("resnet/root_block/standardized_conv2d/kernel", "resnet/head/conv2d/bias"), "ResNet of Big Transfer"),
        (("params/norm-pre-head/scale",), "ResNet of Big Transfer"),
        (("Embed_0/embedding", "Encoder_0/encoderblock_0/LayerNorm_0/scale", "pos_embedding"), "texts alone"),
        (("params/txt/BertEncoder_0/embedder/x",), "texts alone"),
    ],
)
def test_npz_without_a_vision_transformer_says_what_it_is(npz, names, said):
    path = npz({name: np.zeros(2, np.float32) for name in names})

    with pytest.raises(BadCheckpoint, match=rf"^The file '.*x\.npz' is .*{said}"):
        recognise(path)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("stem.conv.weight", "stages.0.blocks.0.conv1.weight"), "is a ResNet, without"),
        (("conv1.weight", "layer1.0.conv1.weight"), "is a ResNet, without"),
        (("bert.embeddings.word_embeddings.weight",), "texts alone"),
        (("text_model.embeddings.token_embedding.weight",), "texts alone"),
        (
            ("text_model.embeddings.token_embedding.weight", "vision_model.embeddings.patch_embedding.weight"),
            "CLIP or SigLIP in the names of transformers",
        ),
        (("embeds.proj.weight", "blocks.0.attn.qkv.weight"), "NaFlex model of timm"),
        (("cls_token", "dist_token", "blocks.0.attn.qkv.weight"), "a distilled DeiT"),
        (("cls_token", "reg_token"), "register tokens"),
    ],
)
def test_safetensors_of_another_family_says_what_it_is(tmp_path, names, said):
    safetensors.numpy.save_file({name: np.zeros(2, np.float32) for name in names}, tmp_path / "x.safetensors")

    with pytest.raises(BadCheckpoint, match=said):
        recognise(tmp_path / "x.safetensors")


def test_naflex_of_big_vision_says_what_it_is(npz, tiny_config):
    arrays = to_file(BIG_VISION, blank(dataclasses.replace(tiny_config, classifier="map", num_classes=0)))
    arrays |= {"embedding/kernel": np.zeros((48, 16)), "pos_embedding": np.zeros((4, 4, 16))}

    with pytest.raises(BadCheckpoint, match="is a NaFlex model"):
        recognise(npz({f"params/img/{name}": array for name, array in arrays.items()}))


def test_hybrids_are_none_of_the_others():
    assert other_family(to_file(LINEN, blank(VARIANTS["R+Ti/16"]))) is None


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        (("params/t",), "its one tower, for both, was loaded, for features"),
        (("params/t", "params/b", "params/txt/Embed_0/embedding"), "the text tower was left out (3 arrays)"),
        (tuple(f"params/llm/layer_{index}" for index in range(5)), "the rest was left out (5 arrays)"),
    ],
    ids=["CLIPPO", "SigLIP", "PaliGemma"],
)
def test_image_tower_loads_whatever_lies_beside_it(npz, tiny_config, beside, said):
    arrays = to_file(BIG_VISION, blank(dataclasses.replace(tiny_config, classifier="map")))
    arrays = {f"params/img/{name}": array for name, array in arrays.items()}

    checkpoint = load_checkpoint(npz(arrays | {name: np.zeros(1, np.float32) for name in beside}))

    assert (checkpoint.config.classifier, checkpoint.config.num_classes) == ("map", 0)
    assert said in " ".join(checkpoint.notes)


def test_image_tower_of_lit_loads_with_its_class_token(npz, tiny_config):
    arrays = {f"img/{name}": array for name, array in to_file(LINEN, blank(tiny_config)).items()}

    checkpoint = load_checkpoint(npz(arrays | {"t": np.zeros(1, np.float32), "txt/head/bias": np.zeros(1, np.float32)}))

    assert checkpoint.config == dataclasses.replace(tiny_config, num_classes=0)


def test_flexivit_loads_with_the_patches_that_its_file_keeps(npz):
    # Of 32 x 32 pixels with 7 x 7 positions, at whatever size they are used: big_vision/models/proj/flexi/vit.py.
    config = dataclasses.replace(VARIANTS["S/32"], num_layers=1, class_position=False)
    arrays = {f"params/{name}": array for name, array in to_file(BIG_VISION, blank(config)).items()}

    assert recognise(npz(arrays)).config == config
