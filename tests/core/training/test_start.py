"""What a run starts from."""

import dataclasses

import jax
import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.errors import BadCheckpoint, BadInput, BadSetting
from vit_core.models.build import build, flatten, forward
from vit_core.training.start import start_params


@pytest.fixture
def write(tmp_path):
    """Write a checkpoint whose every weight is random."""

    def write_npz(config):
        draw = np.random.default_rng(0)
        params = jax.tree.map(lambda leaf: draw.normal(size=leaf.shape).astype(np.float32), init_params(config, seed=0))
        save_npz(tmp_path / "start.npz", config, params)
        return tmp_path / "start.npz", params

    return write_npz


def test_head_is_new_and_zero_and_all_other_weights_are_those_of_the_file(write, tiny_config):
    path, stored = write(tiny_config)

    config, params, _ = start_params(path, resolution=16, num_classes=3)

    assert config == dataclasses.replace(tiny_config, num_classes=3)
    head = params.pop("head")
    assert (head["kernel"].shape, head["bias"].shape) == ((16, 3), (3,))
    assert not head["kernel"].any()
    assert not head["bias"].any()
    stored.pop("head")
    same = {path: np.array_equal(leaf, flatten(stored)[path]) for path, leaf in flatten(params).items()}
    assert same == dict.fromkeys(flatten(stored), True)


def test_params_have_the_shapes_that_the_model_wants(write, tiny_config):
    path, _ = write(tiny_config)

    config, params, _ = start_params(path, resolution=24, num_classes=3)

    wanted = {path: leaf.shape for path, leaf in flatten(build(config)[1]).items()}
    assert {path: leaf.shape for path, leaf in flatten(params).items()} == wanted


def test_every_class_is_equally_likely_before_the_first_step(write, tiny_config):
    path, _ = write(tiny_config)
    config, params, _ = start_params(path, resolution=16, num_classes=3)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)

    logits = forward(build(config)[0], params, images).logits

    assert not np.asarray(logits).any()


def test_other_resolution_interpolates_positions_and_says_so(write, tiny_config):
    path, _ = write(tiny_config)

    config, params, notes = start_params(path, resolution=24, num_classes=3)

    assert config.resolution == 24
    assert params["pos_embedding"].shape == (1, 1 + 6 * 6, 16)
    assert any("interpolated from 16 to 24 px" in note for note in notes)


def test_layer_before_the_head_is_left_out_and_said(write, tiny_config):
    path, _ = write(dataclasses.replace(tiny_config, representation_size=24))

    config, params, notes = start_params(path, resolution=16, num_classes=3)

    assert config.representation_size is None
    assert "pre_logits" not in params
    assert params["head"]["kernel"].shape == (16, 3)
    assert notes == (
        "A new head for 3 classes starts at zero, in place of the head for 10.",
        "The layer before the head (pre_logits, 24 wide) is left out, as published.",
    )


def test_file_without_a_head_gets_one(write, tiny_config):
    path, _ = write(dataclasses.replace(tiny_config, num_classes=0))

    config, params, notes = start_params(path, resolution=16, num_classes=3)

    assert config.num_classes == 3
    assert params["head"]["kernel"].shape == (16, 3)
    assert notes == ("A new head for 3 classes starts at zero, since the file has none.",)


def test_hybrid_keeps_its_convolutions(write, tiny_hybrid_config):
    path, stored = write(tiny_hybrid_config)

    _, params, _ = start_params(path, resolution=32, num_classes=2)

    assert jax.tree.all(jax.tree.map(np.array_equal, params["resnet"], stored["resnet"]))


def test_no_classes_are_refused(write, tiny_config):
    path, _ = write(tiny_config)

    with pytest.raises(BadSetting, match="num_classes is 0"):
        start_params(path, resolution=16, num_classes=0)


def test_resolution_between_patches_is_refused_with_a_near_one(write, tiny_config):
    path, _ = write(tiny_config)

    with pytest.raises(BadInput, match="the nearest that is: 20"):
        start_params(path, resolution=19, num_classes=3)


def test_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "notes.npz").write_text("hello")

    with pytest.raises(BadCheckpoint):
        start_params(tmp_path / "notes.npz", resolution=16, num_classes=3)
