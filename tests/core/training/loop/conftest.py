"""Runs of a few seconds: three drawn classes, the demo's smallest model, a listener that remembers."""

import dataclasses

import jax
import numpy as np
import pytest

from vit_core.settings import bundled_data_dir
from vit_core.training.config import TrainConfig
from vit_core.training.listener import Silence
from vit_core.training.loop import finish, train

NANO = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory):
    """Each program is compiled by the first test that needs it: the runs here differ in little."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: jax.config.values[name] for name in names}
    for name, value in zip(names, (str(tmp_path_factory.mktemp("compiled")), 0.0), strict=True):
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


class Remembering(Silence):
    """Keeps what it is told, and asks to stop when a condition on the progress holds."""

    def __init__(self, stop_when=lambda progress: False):
        self.rows, self.said, self.told = [], [], []
        self._stop_when = stop_when

    def metrics(self, row):
        self.rows.append(dict(row))

    def say(self, text):
        self.said.append(text)

    def progress(self, progress):
        self.told.append(progress)

    def stop_requested(self):
        return bool(self.told) and self._stop_when(self.told[-1])


@pytest.fixture
def listener():
    """A listener that never asks to stop."""
    return Remembering()


@pytest.fixture
def stopping():
    """Make a listener that asks to stop when a condition on the last progress holds."""
    return Remembering


@pytest.fixture(scope="session")
def nano():
    """The file of the demo's pre-trained N/8 at 32 px."""
    return bundled_data_dir() / "demo" / f"{NANO}.npz"


@pytest.fixture(scope="session")
def nano_config():
    """Settings with which the drawn classes are learned in a second or two."""
    return TrainConfig(
        checkpoint=NANO,
        resolution=32,
        total_steps=12,
        batch=8,
        learning_rate=0.02,
        warmup_steps=2,
        min_crop_area=0.5,
        eval_every=4,
    )


@dataclasses.dataclass
class Bench:
    """Runs of one data set, all from the same file."""

    dataset: object
    source: object
    cache_dir: object

    def train(self, config, folder, listener, **more):
        folder.mkdir(exist_ok=True)
        return train(
            config,
            self.dataset,
            folder,
            source=self.source,
            listener=listener,
            device="cpu",
            cache_dir=self.cache_dir,
            **more,
        )

    def finish(self, config, folder, listener=None):
        return finish(
            config,
            self.dataset,
            folder,
            source=self.source,
            listener=listener or Remembering(),
            device="cpu",
            cache_dir=self.cache_dir,
        )


@pytest.fixture(scope="session")
def bench(drawn_dataset, nano, tmp_path_factory):
    """Trains and finishes on the three drawn classes."""
    return Bench(drawn_dataset, nano, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def undisturbed(bench, nano_config, tmp_path_factory):
    """A run of the settings that nothing disturbed: its folder, listener and outcome. Not to be changed."""
    folder, listener = tmp_path_factory.mktemp("undisturbed"), Remembering()
    return folder, listener, bench.train(nano_config, folder, listener)


@pytest.fixture(scope="session")
def assert_same_weights():
    """Compare two trees of parameters to the bit."""

    def compare(one, other):
        jax.tree.map(np.testing.assert_array_equal, one, other)

    return compare
