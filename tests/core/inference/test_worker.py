"""The predictor process by itself: what it keeps loaded, and how it minds its streams."""

import io
import subprocess
import sys

import numpy as np
import pytest

from vit_core.devices import pick_device
from vit_core.errors import BadCheckpoint, ObjectMissing
from vit_core.inference.frames import Frame, read_frame, write_frame
from vit_core.inference.messages import Batch, BatchKey, answer_from_frame, batch_to_frame
from vit_core.inference.worker import LoadedModels
from vit_core.store.store import Store


@pytest.fixture
def loaded(cpu_settings, tiny_config):
    """Room for two tiny checkpoints; the files are a little larger than their weights."""
    room = int(2.5 * 4 * tiny_config.num_params) + 20_000
    return LoadedModels(Store(cpu_settings), pick_device("cpu"), limit_bytes=room)


@pytest.fixture
def key(write_checkpoint, tiny_config):
    def make(seed, *, name=None, labels=None, resolution=None):
        path = write_checkpoint(tiny_config, seed=seed)
        return BatchKey(name or f"model {seed}", path, labels, resolution, "resize", attention=False)

    return make


def in_cache(settings, name):
    folder = settings.cache_dir / "checkpoints" / "bucket"
    return BatchKey(name, folder / name, None, None, "resize", attention=False)


def ignore(_stage):
    pass


def test_the_checkpoint_not_used_for_longest_makes_room(loaded, key):
    for seed in (0, 1):
        loaded.get(key(seed), ignore)
    loaded.get(key(0), ignore)
    loaded.get(key(2), ignore)
    assert loaded.names() == ("model 2", "model 0")


def test_what_is_loaded_is_not_loaded_again(loaded, key):
    stages = []
    first, seconds = loaded.get(key(0), stages.append)
    assert seconds > 0
    again, seconds = loaded.get(key(0), stages.append)
    assert seconds == 0
    assert again._params is first._params
    assert stages == ["loading checkpoint", "computing"]


def test_one_checkpoint_is_kept_whatever_its_size(cpu_settings, key):
    loaded = LoadedModels(Store(cpu_settings), pick_device("cpu"), limit_bytes=1)
    for seed in (0, 1):
        loaded.get(key(seed), ignore)
    assert loaded.names() == ("model 1",)


def test_one_file_under_two_names_is_loaded_once(loaded, key, tmp_path):
    first, _ = loaded.get(key(0), ignore)
    other, seconds = loaded.get(key(0, name="alias"), ignore)
    assert (other.name, seconds) == ("alias", 0)
    assert other._params is first._params
    assert loaded.names() == ("alias",)


def test_class_names_belong_to_a_request_and_not_to_a_file(loaded, key, tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(f"animal {index}" for index in range(10)))
    own, _ = loaded.get(key(0, labels=tmp_path / "names.txt"), ignore)
    assert own.labels.names[0] == "animal 0"
    plain, _ = loaded.get(key(0), ignore)
    assert plain.labels.names[0] == "class 0"


def test_another_resolution_is_another_model(loaded, key):
    assert loaded.get(key(0), ignore)[0].resolution == 16
    assert loaded.get(key(0, resolution=24), ignore)[0].resolution == 24


def test_a_file_that_left_the_cache_is_said_to_be_fetched_again(cpu_settings, key):
    loaded = LoadedModels(Store(cpu_settings), pick_device("cpu"), limit_bytes=10**9)
    with pytest.raises(ObjectMissing, match="fetch it again"):
        loaded.get(in_cache(cpu_settings, "gone.npz"), ignore)


def test_a_damaged_file_of_the_cache_is_deleted_and_this_is_said(cpu_settings):
    loaded = LoadedModels(Store(cpu_settings), pick_device("cpu"), limit_bytes=10**9)
    damaged = in_cache(cpu_settings, "damaged.npz")
    damaged.path.parent.mkdir(parents=True, exist_ok=True)
    damaged.path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BadCheckpoint, match=r"The copy in the cache was deleted; download it again\.$"):
        loaded.get(damaged, ignore)
    assert not damaged.path.exists()


def test_a_file_of_the_cache_that_is_whole_and_of_no_known_model_stays(cpu_settings):
    loaded = LoadedModels(Store(cpu_settings), pick_device("cpu"), limit_bytes=10**9)
    whole = in_cache(cpu_settings, "whole.npz")
    whole.path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(whole.path, weights=np.ones(3, np.float32))
    with pytest.raises(BadCheckpoint) as caught:
        loaded.get(whole, ignore)
    assert "download it again" not in str(caught.value)
    assert whole.path.exists()


def test_a_damaged_file_of_the_user_is_left_alone(loaded, tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BadCheckpoint, match=r"mine\.npz"):
        loaded.get(BatchKey("mine", tmp_path / "mine.npz", None, None, "resize", attention=False), ignore)
    assert (tmp_path / "mine.npz").exists()


@pytest.fixture
def process(cpu_settings):
    command = [sys.executable, "-m", "vit_core.inference.worker", "--device", "cpu"]
    command += ["--cache-dir", str(cpu_settings.cache_dir)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert read_frame(process.stdout) == Frame("ready", {"device": "CPU", "lent": False, "memory": None}, ())
        yield process
        process.kill()


def test_it_answers_batches_until_its_input_ends(process, key, picture):
    for seed in range(2):
        write_frame(process.stdin, batch_to_frame(Batch(key(0), ("x.png",), (1,), (picture(seed),))))
        while (frame := read_frame(process.stdout)).kind == "stage":
            pass
        answer = answer_from_frame(frame)
        assert answer.images[0].predictions
        assert answer.loaded == ("model 0",)
    # A message that cannot be understood is an answer too, and not the end.
    write_frame(process.stdin, Frame("batch", {"names": []}))
    assert read_frame(process.stdout).fields["class"] == "PredictorError"
    process.stdin.close()
    assert process.wait(60) == 0
    assert b"KeyError" in process.stderr.read()  # the log says why


def test_it_ends_when_its_input_is_nonsense(process):
    process.stdin.write(b"GET / HTTP/1.1\r\n\r\n")
    process.stdin.flush()
    assert process.wait(60) == 0
    assert read_frame(process.stdout) is None


def test_what_a_library_prints_does_not_get_between_the_messages():
    script = """
import os, sys
from vit_core.inference.frames import Frame, write_frame
from vit_core.inference.worker import claim_output
output = claim_output()
print("printed by Python", flush=True)
os.write(1, b"written by a library")
write_frame(output, Frame("x"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    stream = io.BytesIO(done.stdout)
    assert read_frame(stream).kind == "x"
    assert read_frame(stream) is None
    assert done.stderr.count(b"printed by Python") == 1
    assert b"written by a library" in done.stderr
