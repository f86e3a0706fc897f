"""What is measured before a run, through the process that the page starts."""

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from vit_core.errors import BadInput, Failure
from vit_core.runs.estimate import Estimate
from vit_core.runs.files import RunFiles, read_config
from vit_core.settings import Settings
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder


@pytest.fixture
def settings(place):
    return Settings.from_environment(place.environment)


@pytest.fixture
def asked(finished):
    """The settings and the data of the finished run."""
    files = RunFiles(finished.runs / "one")
    return read_config(files).settings, files.dataset


@pytest.fixture
def start(settings, asked):
    started = []

    def begin(kind, **changes):
        config, data = asked
        started.append(Estimate.start(kind, dataclasses.replace(config, **changes), data, settings))
        return started[-1]

    yield begin
    for each in started:
        each.cancel()


def test_a_trial_gives_the_cost_of_a_run(start, eventually):
    estimate = start("trial")
    stages = set()
    eventually(lambda: stages.add(estimate.state().stage) or estimate.state().finished)
    state = estimate.state()
    assert state.error is None
    assert (state.cost.device, state.cost.accum_steps) == ("CPU", 1)
    assert state.cost.memory_bytes > 0
    assert "measuring some real steps" in stages


def test_a_quick_look_gives_a_first_accuracy(start, eventually):
    estimate = start("quick look")
    eventually(lambda: estimate.state().finished)
    assert 0 <= estimate.state().quick_look.accuracy <= 1


def test_what_cannot_be_measured_says_why(start, eventually):
    estimate = start("trial", checkpoint="/nowhere/model.npz")
    eventually(lambda: estimate.state().finished)
    error = estimate.state().error
    assert isinstance(error, BadInput)
    assert "/nowhere/model.npz" in str(error)


def test_measuring_waits_for_its_turn_and_says_so(start, settings, eventually):
    accelerator = Accelerator(settings.lock_dir)
    owner = accelerator.take_idle(Holder("run"))
    estimate = start("trial")
    eventually(lambda: estimate.state().stage == "waiting for a run that is under way")
    assert [each.holder.kind for each in accelerator.waiting()] == ["trial"]
    owner.release()
    eventually(lambda: estimate.state().finished)
    assert estimate.state().error is None


def test_a_cancelled_estimate_is_over_at_once_and_gives_its_place_up(start, settings, eventually):
    accelerator = Accelerator(settings.lock_dir)
    owner = accelerator.take_idle(Holder("run"))
    estimate = start("quick look")
    eventually(accelerator.waiting)
    estimate.cancel()
    assert estimate.state().finished
    assert estimate.state().error is None
    eventually(lambda: not accelerator.waiting())
    owner.release()


def test_measuring_ends_with_whoever_asked_for_it(place, new, eventually):
    accelerator = Accelerator(Path(place.environment["VIT_LOCK_DIR"]))
    owner = accelerator.take_idle(Holder("run"))
    with place.start(*new, "--dry-run", "--ends-with-input", stdin=subprocess.PIPE) as process:
        eventually(accelerator.waiting)
        process.stdin.close()
        process.stdin = None
        process.communicate(timeout=200)
    assert process.returncode == 1
    owner.release()


def test_a_program_that_cannot_be_started_is_named(settings, asked, monkeypatch):
    monkeypatch.setattr("sys.executable", str(Path(os.devnull) / "python"))
    with pytest.raises(Failure, match="could not be started"):
        Estimate.start("trial", *asked, settings)
