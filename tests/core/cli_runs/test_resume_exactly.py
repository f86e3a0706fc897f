"""A run that is killed again and again and resumed ends with the same model, to the bit, as one that was not."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from vit_core.runs.files import RunFiles, read_config
from vit_core.runs.locks import RunLocks


@pytest.fixture
def kill(place, eventually):
    """Kill the process of the run "one" at once."""

    def strike() -> None:
        folder = place.runs / "one"
        locks, config = RunLocks(Path(place.environment["VIT_LOCK_DIR"])), read_config(RunFiles(folder))
        os.kill(eventually(lambda: locks.owner(config, folder).process).pid, signal.SIGKILL)
        eventually(lambda: locks.owner(config, folder) is None)

    return strike


@pytest.mark.slow
def test_a_run_killed_at_its_first_step_while_saving_and_at_the_end_gives_the_same_model(
    finished, place, new, kill, eventually
):
    folder = place.runs / "one"
    moments = (
        lambda: _past(folder, 1),
        lambda: list((folder / "checkpoints").glob("*tmp*")),
        lambda: _past(folder, 120),
        lambda: list(folder.glob(".result.*")) or (folder / "result").exists(),
    )
    assert place.run(*new, "--name", "one", "--note", "the first", "--detach").returncode == 0
    for moment in moments:
        eventually(lambda moment=moment: moment() or _status(folder)["state"] == "done")
        if _status(folder)["state"] == "done":  # the last moment is a short one
            break
        kill()
        assert place.show("one")["state"] == "interrupted"
        assert place.run("runs", "resume", "one").returncode == 0
    eventually(lambda: _status(folder)["state"] == "done")
    assert _status(folder)["attempt"] >= 3
    for name in ("model.npz", "model.safetensors", "labels.json"):
        undisturbed = finished.runs / "one" / "result" / name
        assert (folder / "result" / name).read_bytes() == undisturbed.read_bytes(), name
    ours, theirs = (_curve(each.runs / "one" / "metrics.jsonl") for each in (place, finished))
    both = ours.keys() & theirs.keys()  # which steps are told of depends on the pace
    assert {step: ours[step] for step in both} == {step: theirs[step] for step in both}
    assert 300 in both


def _status(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "status.json").read_text())


def _past(folder: Path, step: int) -> bool:
    return any(row >= step for row in _curve(folder / "metrics.jsonl"))


def _curve(path: Path) -> dict[int, float]:
    """Give the loss by step, the last one written of each; nothing before the first."""
    rows = []
    if not path.exists():
        return {}
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:  # torn by a kill
            continue
    return {row["step"]: row["loss"] for row in rows if "loss" in row}
