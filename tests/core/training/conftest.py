"""What the tests of fine-tuning share: settings, weights and batches of a tiny model."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params
from vit_core.datasets.batches import Batch
from vit_core.models.build import build
from vit_core.training.config import TrainConfig
from vit_core.training.saved import SavedStates
from vit_core.training.step import Trainer


@pytest.fixture(scope="session")
def train_config():
    """Settings for `tiny_config`: 20 steps of 8 images, no warm-up, SGD without a clip, all weights."""
    return TrainConfig(
        checkpoint="tiny",
        resolution=16,
        total_steps=20,
        batch=8,
        learning_rate=0.1,
        warmup_steps=0,
        clip_norm=0.0,
    )


@pytest.fixture(scope="session")
def random_params(tiny_config):
    """Weights of `tiny_config` far from any special value: no bias is 0, no scale 1, and the head is random."""
    draw = np.random.default_rng(1)
    near = init_params(tiny_config, seed=0)
    return jax.tree.map(lambda leaf: (leaf + 0.2 * draw.normal(size=leaf.shape)).astype(np.float32), near)


@pytest.fixture(scope="session")
def make_batch(tiny_config):
    """Give a function that draws a batch: `make_batch(seed, size=8, **replaced)`, targets one-hot, weights 1."""

    def draw(seed=0, *, size=8, **replaced):
        rng = np.random.default_rng(seed)
        side, classes = tiny_config.resolution, tiny_config.num_classes
        return dataclasses.replace(
            Batch(
                images=rng.integers(0, 256, (size, side, side, 3), np.uint8),
                targets=np.eye(classes, dtype=np.float32)[rng.integers(0, classes, size)],
                weights=np.ones(size, np.float32),
            ),
            **replaced,
        )

    return draw


@pytest.fixture(scope="session")
def make_trainer(train_config, tiny_config):
    """Give a function that makes a trainer on one CPU device: `make_trainer(accum_steps=1, **changed_settings)`.

    Equal settings give the same trainer, since compiling is most of the time; `make_trainer.fresh` gives a new one.
    """

    def fresh(*, accum_steps=1, **changes):
        config = dataclasses.replace(train_config, **changes)
        return Trainer(
            config,
            tiny_config,
            devices=jax.devices("cpu")[:1],
            accum_steps=accum_steps,
            num_classes=tiny_config.num_classes,
        )

    make = functools.cache(fresh)
    make.fresh = fresh
    return make


@pytest.fixture(scope="session")
def abstract_params(tiny_config):
    """The shapes of `random_params`."""
    return build(tiny_config)[1]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "checkpoints"


@pytest.fixture
def open_states(folder):
    """Open the folder of states; all are closed at the end."""
    opened = []

    def open_folder():
        opened.append(SavedStates(folder))
        return opened[-1]

    yield open_folder
    for states in opened:
        states.close()
