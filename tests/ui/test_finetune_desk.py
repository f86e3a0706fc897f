"""What one visitor has on the table: estimates that end with the visit, settings of a run taken over."""

import gc
import time

import psutil
import pytest

from app import resources
from app.training_data import TrainingData
from app.training_desk import Desk
from vit_core.training.config import TrainConfig

TINY = "N_8-glyphs-16ep-lr_0.003-aug_light1-wd_0.1-do_0.0-sd_0.0"
CONFIG = TrainConfig(checkpoint=TINY, resolution=32, total_steps=5, batch=8, learning_rate=0.01, warmup_steps=1)


@pytest.fixture
def desk(tmp_path):
    """A visitor without anything yet."""
    return Desk(TrainingData(tmp_path / "runs" / ".data"))


@pytest.fixture
def prepared(desk, drawn_dataset):
    return desk.data.load(desk.data.adopt(drawn_dataset))


def measuring():
    """Give the processes that measure."""
    children = psutil.Process().children()
    return [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def wait_for_the_end(before):
    ends_at = time.monotonic() + 60
    while set(measuring()) - set(before):
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_a_measurement_ends_with_the_visit(tmp_path, drawn_dataset):
    before = measuring()
    desk = Desk(TrainingData(tmp_path / "runs" / ".data"))
    prepared = desk.data.load(desk.data.adopt(drawn_dataset))
    desk.ask("trial", CONFIG, prepared, resources.settings())
    assert set(measuring()) - set(before)

    del desk
    gc.collect()

    wait_for_the_end(before)


def test_a_cancelled_measurement_ends_and_is_forgotten(desk, prepared):
    before = measuring()
    desk.ask("trial", CONFIG, prepared, resources.settings())

    desk.cancel("trial")

    wait_for_the_end(before)
    assert desk.estimate("trial") is None


def test_a_measurement_is_ended_when_a_run_starts(desk, prepared):
    before = measuring()
    desk.ask("quick look", CONFIG, prepared, resources.settings())

    desk.stop_measuring()

    wait_for_the_end(before)


def test_settings_of_a_run_become_changes_of_the_proposal(desk):
    desk.start_from(CONFIG)

    desk.settle_edits(
        TrainConfig(checkpoint="x", resolution=32, total_steps=9, batch=8, learning_rate=0.01, warmup_steps=1)
    )

    assert desk.edits == {"trainable": "all", "total_steps": 5}
