"""Each generation of files: our weights written in its names and loaded again, with no flag."""

import dataclasses
import json

import flax.serialization
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.big_vision import BIG_VISION, BIG_VISION_SCANNED, LINEN
from vit_core.checkpoints.generations.timm import TIMM, TIMM_MIXER, TIMM_STEM
from vit_core.checkpoints.generations.transformers import TRANSFORMERS, TRANSFORMERS_BARE
from vit_core.checkpoints.generations.vit_jax import MIXER, VIT_JAX
from vit_core.checkpoints.names import GENERATIONS
from vit_core.checkpoints.restore import load_checkpoint, save_npz
from vit_core.errors import BadCheckpoint
from vit_core.inference.predictor import load_predictor
from vit_core.models.build import build, flatten, forward, unflatten
from vit_core.models.config import ResNetConfig

# Beside a file from PyTorch: what its arrays cannot show of a model as small as these.
TOLD = {
    "google": {},
    "timm": {"model_args": {"num_heads": 2, "act_layer": "gelu_tanh"}},
    "transformers": {"num_attention_heads": 2, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6},
}


def draw(config):
    """Draw weights by path; the class token's own position is zero, since not every generation has it."""
    random = np.random.default_rng(0)
    flat = {
        path: random.standard_normal(leaf.shape, dtype=np.float32) / 4
        for path, leaf in flatten(build(config)[1]).items()
    }
    if config.classifier == "token":
        flat["pos_embedding"][:, 0] = 0
    return flat


def nested(arrays):
    """Give arrays by path as nested dicts."""
    tree = {}
    for path, array in arrays.items():
        *parents, last = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = np.asarray(array, order="C")
    return tree


@pytest.fixture
def write(tmp_path):
    """Write arrays as files of a generation are, with what lies beside, and give the path."""

    def save(generation, arrays, *, beside=None):
        arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        beside = TOLD[generation.origin] if beside is None else beside
        if beside:
            (tmp_path / "config.json").write_text(json.dumps(beside))
        if generation.origin == "google":
            np.savez(tmp_path / "model.npz", **arrays)
            return tmp_path / "model.npz"
        safetensors.numpy.save_file(arrays, tmp_path / "model.safetensors")
        return tmp_path / "model.safetensors"

    return save


@pytest.fixture
def configs(tiny_config, tiny_hybrid_config, tiny_mixer_config):
    return {
        "plain": tiny_config,
        "no class position": dataclasses.replace(tiny_config, class_position=False),
        "layer scale": dataclasses.replace(tiny_config, class_position=False, layer_scale=True),
        "gap": dataclasses.replace(tiny_config, classifier="gap", representation_size=8),
        "map": dataclasses.replace(tiny_config, classifier="map"),
        "no qkv bias": dataclasses.replace(tiny_config, qkv_bias=False),
        "no head": dataclasses.replace(tiny_config, num_classes=0),
        "hybrid": tiny_hybrid_config,
        "stem": dataclasses.replace(tiny_hybrid_config, resnet=ResNetConfig(width=32)),
        "mixer": tiny_mixer_config,
    }


KINDS = {
    VIT_JAX.name: ("plain", "gap", "no qkv bias", "no head", "hybrid", "stem"),
    BIG_VISION.name: ("no class position", "gap", "map"),
    BIG_VISION_SCANNED.name: ("no class position", "gap", "map"),
    LINEN.name: ("plain", "no head", "hybrid"),
    MIXER.name: ("mixer",),
    TIMM.name: ("plain", "gap", "map", "no qkv bias", "no head", "no class position", "layer scale"),
    TIMM_STEM.name: (),
    TIMM_MIXER.name: ("mixer",),
    TRANSFORMERS.name: ("plain",),
    TRANSFORMERS_BARE.name: ("no head",),
}
CASES = [
    pytest.param(generation, kind, id=f"{generation.name}-{kind}")
    for generation in GENERATIONS
    for kind in KINDS[generation.name]
]


@pytest.mark.parametrize(("generation", "kind"), CASES)
def test_weights_in_the_names_of_a_generation_come_back_to_the_bit(write, configs, generation, kind):
    flat = draw(configs[kind])

    checkpoint = load_checkpoint(write(generation, to_file(generation, flat)))

    loaded = flatten(checkpoint.params)
    assert checkpoint.config == configs[kind]
    assert loaded.keys() == flat.keys()
    for path, array in flat.items():
        np.testing.assert_array_equal(loaded[path], array, err_msg=path, strict=True)


@pytest.mark.parametrize(("generation", "kind"), [(TIMM, "hybrid"), (TIMM_STEM, "stem")])
def test_kernels_that_timm_standardises_otherwise_come_back_but_for_rounding(write, configs, generation, kind):
    flat = draw(configs[kind])

    loaded = flatten(load_checkpoint(write(generation, to_file(generation, flat))).params)

    for path, array in flat.items():
        np.testing.assert_allclose(loaded[path], array, rtol=1e-6, err_msg=path)


def test_one_model_answers_the_same_from_the_file_of_every_generation(write, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_CACHE_DIR", str(tmp_path / "cache"))
    flat = draw(tiny_config)
    images = np.random.default_rng(1).uniform(-1, 1, size=(2, 16, 16, 3)).astype(np.float32)
    answers = [
        load_predictor(write(generation, to_file(generation, flat)), device="cpu").logits(images)
        for generation in (VIT_JAX, LINEN, BIG_VISION, BIG_VISION_SCANNED, TIMM, TRANSFORMERS)
    ]
    (tmp_path / "checkpoint_7").write_bytes(
        flax.serialization.msgpack_serialize({"0": nested(to_file(LINEN, flat)), "1": {}, "2": 7})
    )
    answers.append(load_predictor(tmp_path / "checkpoint_7", device="cpu").logits(images))

    assert np.ptp(answers[0]) > 0.1
    assert [np.array_equal(answers[0], answer) for answer in answers] == [True] * 7


def test_every_generation_has_one_name_for_each_path_and_one_path_for_each_name(configs):
    for generation in GENERATIONS:
        for kind in KINDS[generation.name]:
            flat = draw(configs[kind])
            held = sum(array.size for array in to_file(generation, flat).values())
            assert held == sum(array.size for array in flat.values())


def test_class_tokens_position_that_is_folded_changes_no_sum(write, tiny_config):
    flat = draw(tiny_config)
    flat["pos_embedding"][:, 0] = 3

    loaded = flatten(load_checkpoint(write(BIG_VISION, to_file(BIG_VISION, flat))).params)

    np.testing.assert_array_equal(loaded["cls"], flat["cls"] + 3)
    np.testing.assert_array_equal(loaded["pos_embedding"], flat["pos_embedding"][:, 1:])


def test_positions_below_the_encoder_are_found_as_big_vision_had_them_before_2022(write, tiny_config):
    flat = draw(dataclasses.replace(tiny_config, classifier="gap"))
    arrays = to_file(BIG_VISION, flat)
    arrays["Transformer/pos_embedding"] = arrays.pop("pos_embedding")

    loaded = flatten(load_checkpoint(write(BIG_VISION, arrays)).params)

    np.testing.assert_array_equal(loaded["pos_embedding"], flat["pos_embedding"])


def test_published_layout_has_no_layer_scale_and_a_file_in_it_answers_the_same(configs, tmp_path):
    flat = draw(configs["layer scale"])
    images = np.random.default_rng(1).uniform(-1, 1, size=(2, 16, 16, 3)).astype(np.float32)

    save_npz(tmp_path / "x.npz", configs["layer scale"], unflatten(flat))
    checkpoint = load_checkpoint(tmp_path / "x.npz")

    assert checkpoint.config == configs["plain"]
    expected = forward(build(configs["layer scale"])[0], unflatten(flat), images).logits
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(
        forward(build(checkpoint.config)[0], checkpoint.params, images).logits, expected, atol=1e-6
    )


@pytest.mark.parametrize("prefix", ["opt/target/", "params/", "0/", "0/target/", "model/params/"])
def test_weights_below_a_prefix_are_found_and_what_lies_beside_is_counted(write, tiny_config, prefix):
    flat = draw(tiny_config)
    arrays = {prefix + name: array for name, array in to_file(VIT_JAX, flat).items()}
    arrays["opt/state/step"] = np.zeros(1, np.float32)

    checkpoint = load_checkpoint(write(VIT_JAX, arrays))

    np.testing.assert_array_equal(checkpoint.params["head"]["kernel"], flat["head/kernel"])
    assert checkpoint.notes == (f"Left out for not being under {prefix!r}, where the weights are: 1 of the arrays.",)


def test_timms_weights_wrapped_by_transformers_are_found(write, tiny_config):
    flat = draw(tiny_config)
    arrays = {f"timm_model.{name}": array for name, array in to_file(TIMM, flat).items()}

    checkpoint = load_checkpoint(write(TIMM, arrays))

    np.testing.assert_array_equal(checkpoint.params["head"]["kernel"], flat["head/kernel"])


@pytest.mark.parametrize("prefix", ["params/img/", "img/"])
def test_image_tower_of_two_towers_loads_for_features_and_says_so(write, tiny_config, prefix):
    flat = draw(dataclasses.replace(tiny_config, classifier="map"))
    arrays = {prefix + name: array for name, array in to_file(BIG_VISION, flat).items()}
    text = prefix.replace("img", "txt")
    arrays |= {f"{text}Encoder_0/encoderblock_0/LayerNorm_0/scale": np.ones(4, np.float32), "params/t": np.ones(1)}

    checkpoint = load_checkpoint(write(BIG_VISION, arrays))

    assert (checkpoint.head, checkpoint.config.classifier) == ("missing", "map")
    assert any("image tower was loaded, for features" in note and "(2 arrays)" in note for note in checkpoint.notes)


def test_fixed_positions_that_no_file_holds_are_computed_for_224_px_unless_asked(write, tiny_config):
    config = dataclasses.replace(tiny_config, classifier="gap", patch_size=16)
    arrays = to_file(BIG_VISION, {**draw(config.with_resolution(32))})
    del arrays["pos_embedding"]
    path = write(BIG_VISION, arrays)

    usual, asked = load_checkpoint(path), load_checkpoint(path, resolution=64)

    assert (usual.config.resolution, asked.config.resolution) == (224, 64)
    assert any("sines and cosines was computed, for 224 px" in note for note in usual.notes)
    assert not any("interpolated" in note for note in asked.notes)
    # Patch 5 of 4 x 4 is in row 1 and column 1; frequencies go from 1 down to 1 / 10000 in equal ratios.
    omega = np.array([1, 10_000 ** (-1 / 3), 10_000 ** (-2 / 3), 1e-4])
    expected = np.concatenate([np.sin(omega), np.cos(omega), np.sin(omega), np.cos(omega)])
    np.testing.assert_allclose(flatten(asked.params)["pos_embedding"][0, 5], expected, rtol=1e-6)


@pytest.mark.parametrize("stored", [np.dtype("V2"), np.dtype("uint16")], ids=str)
@pytest.mark.parametrize("generation", [VIT_JAX, BIG_VISION_SCANNED], ids=lambda generation: generation.name)
def test_bfloat16_is_widened_whatever_its_type_is_called(write, configs, generation, stored):
    flat = {path: array.astype(ml_dtypes.bfloat16) for path, array in draw(configs["gap"]).items()}
    arrays = {name: np.asarray(array, order="C").view(stored) for name, array in to_file(generation, flat).items()}

    loaded = flatten(load_checkpoint(write(generation, arrays)).params)

    for path, array in flat.items():
        np.testing.assert_array_equal(loaded[path], array.astype(np.float32), err_msg=path)


def test_half_precision_safetensors_are_widened(write, tiny_config):
    flat = {path: array.astype(ml_dtypes.bfloat16) for path, array in draw(tiny_config).items()}

    loaded = flatten(load_checkpoint(write(TIMM, to_file(TIMM, flat))).params)

    np.testing.assert_array_equal(loaded["head/kernel"], flat["head/kernel"].astype(np.float32))


def test_differences_are_told_in_the_names_of_the_file(write, tiny_config):
    arrays = to_file(TIMM, draw(tiny_config))
    del arrays["norm.weight"]
    arrays["blocks.0.attn.q_norm.weight"] = np.ones(16, np.float32)
    arrays["head.weight"] = arrays["head.weight"].T
    arrays["blocks.1.attn.qkv.weight"] = np.full((48, 16), np.nan, np.float32)

    with pytest.raises(BadCheckpoint) as caught:
        load_checkpoint(write(TIMM, arrays))

    message = str(caught.value)
    assert "1 missing: norm.weight" in message
    assert "1 not expected: blocks.0.attn.q_norm.weight" in message
    assert "head.bias is (10,) instead of (16,)" in message
    assert "3 not finite: blocks.1.attn.qkv.weight" in message


def test_stack_of_more_blocks_than_any_model_has_is_refused_without_effort(write, tiny_config):
    arrays = to_file(BIG_VISION_SCANNED, draw(tiny_config))
    arrays["Transformer/encoderblock/LayerNorm_0/scale"] = np.zeros((10**9, 0), np.float32)

    with pytest.raises(BadCheckpoint, match="num_layers of 256; models have 1 to 64"):
        load_checkpoint(write(BIG_VISION_SCANNED, arrays))


def test_number_of_heads_can_be_given_where_nothing_tells_it(write, tiny_config):
    path = write(TIMM, to_file(TIMM, draw(tiny_config)), beside={})

    with pytest.raises(BadCheckpoint, match="--num-heads"):
        load_checkpoint(path)

    assert load_checkpoint(path, num_heads=2).config == tiny_config


@pytest.mark.parametrize("kind", ["map", "mixer", "no qkv bias"])
def test_models_that_are_no_plain_vision_transformer_are_saved_and_loaded(configs, tmp_path, kind):
    config = dataclasses.replace(configs[kind], activation="gelu", norm_eps=1e-12)
    flat = draw(config)

    save_npz(tmp_path / "x.npz", config, unflatten(flat))
    checkpoint = load_checkpoint(tmp_path / "x.npz")

    assert checkpoint.config == config
    for path, array in flatten(checkpoint.params).items():
        np.testing.assert_array_equal(array, flat[path], err_msg=path)


@pytest.mark.parametrize("value", [np.array(np.nan), np.zeros(2), np.array(1, np.int32)], ids=str)
def test_number_beside_the_weights_that_no_model_can_have_is_refused(write, tiny_config, value):
    arrays = to_file(VIT_JAX, draw(tiny_config))
    arrays |= {"vit_explorer/exact_gelu": np.array(0.0), "vit_explorer/qk_scale": np.array(0.0)}

    with pytest.raises(BadCheckpoint, match=r"impossible numbers|as one number"):
        load_checkpoint(write(VIT_JAX, {**arrays, "vit_explorer/norm_eps": value}))


def test_a_path_that_a_generation_has_no_name_for_is_said(tiny_mixer_config):
    with pytest.raises(ValueError, match="Files of timm have no name for 'blocks/0/token_mlp"):
        to_file(TIMM, draw(tiny_mixer_config))
