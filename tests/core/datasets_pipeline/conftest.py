"""What the tests of the input pipeline share: settings of a tiny run, open pixels, the threads at work."""

import threading

import pytest

from vit_core.datasets.pixels import open_pixels
from vit_core.training.config import TrainConfig

RESOLUTION = 32


@pytest.fixture
def recipe():
    """Give a function from changes to the settings of a run of 12 steps at 32 px."""

    def make(**changes):
        plain = {"checkpoint": "x", "resolution": RESOLUTION, "total_steps": 12, "batch": 10, "learning_rate": 0.1}
        return TrainConfig(**{**plain, "warmup_steps": 0, **changes})

    return make


@pytest.fixture
def pixels_of(drawn_dataset):
    """Give a function that opens a part of the drawn data set."""

    def open_part(part="train", **options):
        options = {"resolution": RESOLUTION, "cache": None, **options}
        return open_pixels(drawn_dataset.of(part), drawn_dataset.root, **options)

    return open_part


@pytest.fixture
def pixel_threads():
    """Give a function that names the threads of the pipeline that are there."""
    return lambda: [thread.name for thread in threading.enumerate() if thread.name.startswith("pixels")]
