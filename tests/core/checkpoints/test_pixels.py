"""A model for pixels scaled otherwise, turned into one for pixels in [-1, 1]."""

import dataclasses
import json

import numpy as np
import pytest
import safetensors.numpy

from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.timm import TIMM, TIMM_MIXER
from vit_core.checkpoints.pixels import OURS, Scaling, for_our_pixels
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.models.build import build, flatten, forward, unflatten

IMAGENET = Scaling((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def drawn(config):
    random = np.random.default_rng(0)
    return {
        path: random.standard_normal(leaf.shape, dtype=np.float32) / 4
        for path, leaf in flatten(build(config)[1]).items()
    }


def answer(config, flat, pixels):
    return np.asarray(forward(build(config)[0], unflatten(flat), pixels.astype(np.float32)).logits)


def test_scaling_of_all_pictures_here_changes_nothing(tiny_config):
    flat = drawn(tiny_config)

    given = for_our_pixels(flat, OURS)

    assert OURS.is_ours
    for path, array in flat.items():
        np.testing.assert_array_equal(given[path], array, err_msg=path)


@pytest.mark.parametrize("kind", ["plain", "mixer"])
def test_file_of_timm_answers_to_our_pixels_as_to_those_it_was_trained_with(
    kind, tiny_config, tiny_mixer_config, tmp_path
):
    config, generation = {"plain": (tiny_config, TIMM), "mixer": (tiny_mixer_config, TIMM_MIXER)}[kind]
    config = dataclasses.replace(config, activation="gelu")
    flat = drawn(config)
    arrays = {name: np.ascontiguousarray(array) for name, array in to_file(generation, flat).items()}
    safetensors.numpy.save_file(arrays, tmp_path / "model.safetensors")
    weights = {"mean": list(IMAGENET.mean), "std": list(IMAGENET.deviation)}
    beside = {"model_args": {"num_heads": 2, "act_layer": "gelu"}, "pretrained_cfg": weights}
    (tmp_path / "config.json").write_text(json.dumps(beside))
    picture = np.random.default_rng(1).uniform(0, 1, size=(2, 16, 16, 3))

    checkpoint = load_checkpoint(tmp_path / "model.safetensors")

    expected = answer(config, flat, (picture - IMAGENET.mean) / IMAGENET.deviation)
    given = answer(checkpoint.config, flatten(checkpoint.params), 2 * picture - 1)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(given, expected, atol=1e-5)
    assert "mean (0.485, 0.456, 0.406)" in checkpoint.notes[-1]
