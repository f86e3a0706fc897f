"""Saving where the disk is full or the process is killed: what was saved before stays."""

import json
import os
import signal
import subprocess
import sys
import time

import jax.numpy as jnp
import numpy as np
import pytest

from vit_core.errors import Failure
from vit_core.training.saved import SavedStates
from vit_core.training.step import TrainState


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "run").write_text("a file")

    with pytest.raises(Failure, match="run/checkpoints"):
        SavedStates(tmp_path / "run" / "checkpoints")


_FILL_DISK = """
import json, logging, pathlib, resource, signal, sys
import jax.numpy as jnp
from vit_core.errors import StorageFull
from vit_core.training.saved import SavedStates
from vit_core.training.step import TrainState

logging.basicConfig(level=logging.INFO)
folder = pathlib.Path(sys.argv[1])
small, large = (
    TrainState(jnp.int32(1), {"w": jnp.ones(count)}, {}, {}, None) for count in (1000, 1_000_000)
)
states = SavedStates(folder)
states.save(1, small, accuracy=None)
states.wait()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    states.save(2, large, accuracy=0.5)
    states.wait()
except StorageFull as error:
    told = str(error)
left = sorted(path.name for path in folder.iterdir())
states.save(3, small, accuracy=None)
states.close()
restored = SavedStates(folder).restore(small)[1]
print(json.dumps({"told": told, "left": left, "best": states.best_step, "restored": restored}))
"""


def test_disk_without_room_is_said_and_the_state_before_stays(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FILL_DISK, str(tmp_path)], capture_output=True, text=True, timeout=200
    )

    assert answer.returncode == 0, answer.stderr[-3000:]
    told = json.loads(answer.stdout)
    assert told["told"].startswith("There is no room on the disk for the state of the run in ")
    assert told["left"] == ["1"]
    assert told["best"] is None
    assert told["restored"] == 3
    assert "Traceback" not in answer.stderr
    assert "orbax" not in answer.stderr.lower()


_SAVE_FOR_EVER = """
import itertools, pathlib, sys
import jax.numpy as jnp
from vit_core.training.saved import SavedStates
from vit_core.training.step import TrainState

states = SavedStates(pathlib.Path(sys.argv[1]))
like = TrainState(jnp.int32(0), {"w": jnp.zeros(4_000_000)}, {}, {"m": jnp.zeros(1_000_000)}, None)
found = states.restore(like)
for step in itertools.count(found[1] + 1 if found else 1):
    state = TrainState(
        jnp.int32(step), {"w": jnp.full(4_000_000, float(step))}, {}, {"m": jnp.full(1_000_000, -float(step))}, None
    )
    states.save(step, state, accuracy=None)
"""


def test_killed_in_the_middle_of_a_save_an_older_state_comes_back_whole(open_states, folder):
    last = cut = 0
    for _ in range(6):
        steps = save_until_killed(folder, after=last)
        cut += unfinished(folder)
        restored, last = open_states().restore(
            TrainState(jnp.int32(0), {"w": jnp.zeros(4_000_000)}, {}, {"m": jnp.zeros(1_000_000)}, None)
        )
        assert last >= max(steps)
        assert int(restored.step) == last
        assert set(np.unique(np.asarray(restored.trained["w"]))) == {last}
        assert set(np.unique(np.asarray(restored.opt_state["m"]))) == {-last}
        assert not unfinished(folder)
        if cut == 2:
            break
    assert cut == 2  # that many kills fell into a save, of at most six


def save_until_killed(folder, *, after):
    """Let a child save step after step, and kill it while a save is under way; gives the finished steps seen then."""
    child = subprocess.Popen([sys.executable, "-c", _SAVE_FOR_EVER, str(folder)], start_new_session=True)
    try:
        ends_at = time.monotonic() + 150
        while not (steps := finished(folder)) or max(steps) <= after or not unfinished(folder):
            assert child.poll() is None
            assert time.monotonic() < ends_at
        return steps
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def finished(folder):
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.exists() else []


def unfinished(folder):
    return any("orbax-checkpoint-tmp" in path.name for path in folder.iterdir())
