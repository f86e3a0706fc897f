"""Stores on the faulty bucket, with little patience, so that the tests of the time limits take seconds."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from vit_core.settings import Settings
from vit_core.store.patience import Patience
from vit_core.store.store import Store


@pytest.fixture
def patience():
    """Quick to try again, slow to give up: for faults that pass."""
    return Patience(read_s=0.5, first_pause_s=0.05, poll_s=0.02)


@pytest.fixture
def hasty():
    """Quick to give up: for faults that last."""
    return Patience(
        connect_s=0.5,
        read_s=0.2,
        reach_s=0.4,
        give_up_s=0.6,
        other_s=0.6,
        first_pause_s=0.05,
        longest_pause_s=0.2,
        poll_s=0.02,
    )


@pytest.fixture(scope="session")
def data():
    """The bytes of a small checkpoint: the mark of a zip archive, and noise."""
    return b"PK\x03\x04" + random.Random(0).randbytes(400_000)


@pytest.fixture(scope="session")
def other_data():
    """The bytes of another version of it, of the same length."""
    return b"PK\x03\x04" + random.Random(1).randbytes(400_000)


@pytest.fixture
def name():
    return "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0"


@pytest.fixture(params=["gs", "http"])
def bucket_url(request, fault_proxy):
    """The address of the bucket behind the proxy, in each of the two protocols."""
    return fault_proxy.gs_url if request.param == "gs" else fault_proxy.http_url


@pytest.fixture
def settings(bucket_url, tmp_path):
    return Settings(bucket=bucket_url, cache_dir=tmp_path / "cache")


@pytest.fixture
def store(settings, patience, fault_proxy, name, data):
    """A store whose bucket holds `name` with `data`."""
    fault_proxy.put(f"{name}.npz", data)
    return Store(settings, patience=patience)


@pytest.fixture
def hasty_store(settings, hasty, fault_proxy, name, data):
    """The same store, quick to give up."""
    fault_proxy.put(f"{name}.npz", data)
    return Store(settings, patience=hasty)


@pytest.fixture
def files_of(settings):
    """Give the names of the files in the cache, those of downloads under way included."""
    return lambda: sorted(path.name for path in settings.cache_dir.glob("checkpoints/*/*"))


@pytest.fixture
def start_python(tmp_path):
    """Start programs in processes of their own, which end with the test: `start_python(program, **environment)`."""
    started = []

    def start(program, **environment):
        environment = {**environment, "VIT_CACHE_DIR": str(tmp_path / "cache")}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).resolve().parents[3],
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def answer_of():
    """Wait for such a process and read the JSON that it printed."""

    def read(process):
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return json.loads(output)

    return read
