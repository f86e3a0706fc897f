"""Mixers and models with attention pooling are fine-tuned like any other."""

import dataclasses

import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.errors import BadInput
from vit_core.models.build import flatten
from vit_core.training.defaults import propose


@pytest.fixture
def begin(bench, tmp_path):
    """Give a function that writes fresh weights of a model and makes a bench that starts from them."""

    def write(model):
        save_npz(tmp_path / "model.npz", model, init_params(model, seed=0))
        return dataclasses.replace(bench, source=tmp_path / "model.npz")

    return write


@pytest.fixture
def mixer(tiny_mixer_config):
    return dataclasses.replace(tiny_mixer_config, patch_size=8, resolution=32)


def test_a_mixer_learns_with_noise_and_recomputed_blocks(begin, mixer, nano_config, tmp_path, listener):
    config = dataclasses.replace(nano_config, dropout=0.1, stochastic_depth=0.1, remat=True, eval_every=12)

    own = begin(mixer)
    outcome = own.train(config, tmp_path / "run", listener)
    finished = own.finish(config, tmp_path / "run")

    assert (outcome.ended, outcome.step) == ("done", 12)
    assert finished.model == dataclasses.replace(mixer, num_classes=3)
    assert np.abs(flatten(finished.params)["head/kernel"]).max() > 0


def test_the_last_block_and_the_pooling_learn_alone(begin, tiny_config, nano_config, tmp_path, listener):
    model = dataclasses.replace(tiny_config, patch_size=8, resolution=32, classifier="map")
    config = dataclasses.replace(nano_config, trainable="last-1", total_steps=4, eval_every=4)

    own = begin(model)
    own.train(config, tmp_path / "run", listener)
    learned, before = flatten(own.finish(config, tmp_path / "run").params), flatten(init_params(model, seed=0))

    changed = {path for path in learned if path in before and not np.array_equal(learned[path], before[path])}
    assert "map_head/probe" in changed
    assert not any(path.startswith(("blocks/0/", "embedding/")) for path in changed)


def test_a_mixer_is_refused_another_resolution_before_anything_is_learned(
    begin, mixer, nano_config, tmp_path, listener
):
    with pytest.raises(BadInput, match=r"resolution 64 does not suit .* use its own resolution, 32"):
        begin(mixer).train(dataclasses.replace(nano_config, resolution=64), tmp_path / "run", listener)


def test_small_pictures_change_nothing_about_the_resolution_of_a_mixer(mixer):
    proposal = propose(
        checkpoint="x", model=mixer, num_train=100, num_test=20, num_classes=3, sisters=None, typical_side=8
    )

    assert proposal.config.resolution == 32
    assert "its only resolution" in proposal.reasons["resolution"]
