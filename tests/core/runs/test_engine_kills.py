"""Processes are killed at every step of their way: what is left is true, and goes on to the same end."""

import collections
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vit_core.runs.library import Runs
from vit_core.runs.local import LocalEngine

STAND_IN = Path(__file__).with_name("stand_in.py")
SUBMITTER = """
import importlib.util, json, sys
from pathlib import Path
stand_in, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
spec = importlib.util.spec_from_file_location("stand_in", stand_in)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from vit_core.datasets.dataset import from_json
from vit_core.runs.library import Runs
from vit_core.runs.local import LocalEngine
from vit_core.settings import Settings
from vit_core.training.config import TrainConfig
settings = Settings(
    runs_dir=folder / "runs", lock_dir=folder / "locks", cache_dir=folder / "cache", device="cpu"
)
config = TrainConfig(**json.loads((folder / "config.json").read_text()))
images = from_json((folder / "images.json").read_text(), where="images.json")
runs = Runs(settings, engine=LocalEngine(settings, command=(sys.executable, str(stand_in))))
if count:
    module.kill_at(count)
runs.submit(config, images, name="one", key="the button")
"""


@pytest.fixture
def submit_and_die(tmp_path, config, images):
    """Submit in another process that is killed before its N-th operation on files; give its exit code."""
    from vit_core.datasets.dataset import to_json
    from vit_core.training.config import to_plain

    (tmp_path / "config.json").write_text(json.dumps(to_plain(config)))
    (tmp_path / "images.json").write_text(to_json(images))

    def run(count: int) -> int:
        command = [sys.executable, "-c", SUBMITTER, str(STAND_IN), str(tmp_path), str(count)]
        return subprocess.run(command, check=False, timeout=120).returncode

    return run


@pytest.mark.slow
def test_a_submitter_killed_at_any_step_leaves_no_run_or_one(
    settings, engine, submit_and_die, stand_in, eventually, config, images
):
    seen = collections.Counter()
    count, code = 0, -9
    while code == -9:
        count += 1
        code = submit_and_die(count)
        runs = Runs(settings, engine=engine)
        before = runs.all()
        states = [record.state for record in before]
        assert len(states) <= 1
        assert set(states) <= {"draft", "queued", "running", "done"}, (count, before)
        seen.update(states or ["absent"])
        runs.submit(config, images, name="one", key="the button")  # it is pressed once more
        eventually(lambda runs=runs: runs.get("one").state == "done")
        assert len(runs.all()) == 1
        assert (settings.runs_dir / "one" / "result" / "state").read_text() == stand_in.after(10)
        runs.reconcile()
        runs.delete("one")
        assert [path.name for path in settings.runs_dir.iterdir()] == []
    assert code == 0
    assert {"absent", "draft"} <= set(seen)
    assert count > 15  # else the operations were not seen


@pytest.mark.slow
def test_a_run_killed_at_any_step_ends_like_one_that_was_not(settings, submit, runs, reaches, stand_in, monkeypatch):
    rng = random.Random(5)
    killer = LocalEngine(settings, command=(sys.executable, str(STAND_IN)))
    monkeypatch.setenv("KILL_AT", "1")
    submit("one", steps=30)
    at, kills = 1, 1
    while (record := reaches("one", "draft", "interrupted", "done")).state != "done":
        at, kills = at + rng.randint(1, 6), kills + 1
        monkeypatch.setenv("KILL_AT", str(at))
        killer.start(record.folder)
    assert kills > 5
    assert (settings.runs_dir / "one" / "result" / "state").read_text() == stand_in.after(30)
    runs.reconcile()
    assert list((settings.runs_dir / "one").glob(".*")) == []


@pytest.mark.slow
def test_twenty_runs_with_random_kills_never_overlap(
    settings, submit, runs, kill, eventually, tmp_path, stand_in, monkeypatch
):
    timeline = tmp_path / "timeline"
    monkeypatch.setenv("TIMELINE", str(timeline))
    rng = random.Random(7)
    names = [f"run-{number:02d}" for number in range(20)]
    for name in names:
        submit(name, steps=12)
    for name in rng.sample(names, 8):
        if runs.get(name).state in ("queued", "running"):
            kill(name)
    while left := [each for each in runs.all() if each.state != "done"]:
        for record in left:
            if record.state in ("interrupted", "draft"):
                runs.resume(record.name)
        eventually(lambda left=left: any(runs.get(each.name).state != each.state for each in left))
    processes = [line.split()[0] for line in timeline.read_text().splitlines()]
    changes = [pid for number, pid in enumerate(processes) if number == 0 or processes[number - 1] != pid]
    assert len(changes) == len(set(changes))  # nobody began before the one before had ended for good
    for name in names:
        assert (settings.runs_dir / name / "result" / "state").read_text() == stand_in.after(12)


def test_a_run_outlives_its_submitter_and_all_of_its_session(submit_and_die, settings, engine, eventually):
    assert submit_and_die(0) == 0
    runs = Runs(settings, engine=engine)
    assert runs.get("one").state in ("queued", "running", "done")
    eventually(lambda: runs.get("one").state == "done")


def test_the_locks_are_free_after_a_kill(submit, kill, runs, settings):
    submit("one", steps=5000)
    kill("one")
    assert runs.get("one").state in ("interrupted", "draft")
    assert not runs.wants_device()


def test_the_locks_are_free_although_a_child_of_the_killed_run_lives_on(
    submit, kill, runs, monkeypatch, tmp_path, eventually
):
    monkeypatch.setenv("CHILD", str(tmp_path / "child"))
    submit("one", steps=5000)
    child = int(eventually(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text()))
    kill("one")
    assert Path(f"/proc/{child}").exists()
    assert not runs.wants_device()
    os.kill(child, signal.SIGKILL)
