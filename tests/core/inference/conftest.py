"""Small checkpoints and pictures for predictions."""

import contextlib
import io
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import jax
import numpy as np
import pytest
from PIL import Image

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.inference.results import Request
from vit_core.inference.service import PredictionService
from vit_core.models.config import ModelConfig
from vit_core.settings import Settings


@pytest.fixture(scope="session")
def write_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pathlib.Path]:
    """Write a checkpoint of random weights; the head too is random, so that images differ in their classes."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def write(config: ModelConfig, *, name: str = "tiny", seed: int = 0) -> pathlib.Path:
        path = folder / f"{name}-{seed}.npz"
        if not path.exists():
            draw = np.random.default_rng(seed)
            params = jax.tree.map(
                lambda leaf: np.asarray(leaf + 0.3 * draw.standard_normal(leaf.shape), np.float32),
                init_params(config, seed=seed),
            )
            save_npz(path, config, params)
        return path

    return write


@pytest.fixture(scope="session")
def tiny_checkpoint(write_checkpoint: Callable[..., pathlib.Path], tiny_config: ModelConfig) -> pathlib.Path:
    """The file of a model of 16 px, 4 x 4 patches, 2 layers of 2 heads and 10 classes."""
    return write_checkpoint(tiny_config)


@pytest.fixture(scope="session")
def picture() -> Callable[[int], bytes]:
    """Give a PNG of 24 x 20 pixels that differs from seed to seed."""

    def draw(seed: int) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((24, 20)).save(buffer, "PNG")
        return buffer.getvalue()

    return draw


@pytest.fixture(scope="session")
def cpu_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a cache of their own, which the tests of a run share, and the CPU as device."""
    folder = tmp_path_factory.mktemp("cache")
    return Settings(cache_dir=folder, lock_dir=folder / "locks", device="cpu")


@pytest.fixture(scope="module")
def first_stages():
    """The stages of the very first request to `service`, in order."""
    return []


@pytest.fixture(scope="module")
def service(cpu_settings, ask, first_stages):
    with PredictionService(cpu_settings) as service:
        ticket = service.submit(ask(0))
        while not ticket.done():
            if (stage := ticket.stage()) not in first_stages[-1:]:
                first_stages.append(stage)
            time.sleep(0.0005)
        yield service


@pytest.fixture
def running(service, ask):
    """The service with its process up and the checkpoint loaded."""
    service.submit(ask(0)).result()
    return service


@pytest.fixture(scope="module")
def killed_web_process(cpu_settings, tiny_checkpoint, picture, tmp_path_factory, is_running):
    """Classify in a process of its own and kill it; give the heavy modules it had imported, and its predictor's pid."""
    image = tmp_path_factory.mktemp("web") / "x.png"
    image.write_bytes(picture(0))
    script = """
import pathlib, sys, time
from vit_core.inference.service import PredictionService, Request
from vit_core.settings import Settings
cache, checkpoint, image = map(pathlib.Path, sys.argv[1:])
service = PredictionService(Settings(cache_dir=cache, device="cpu"))
request = Request("tiny", checkpoint, (image.read_bytes(),), ("x.png",), attention=True)
assert service.submit(request).result().images[0].predictions
print(sorted({"jax", "jaxlib", "flax", "optax"} & set(sys.modules)))
print(service._worker.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-W", "error", "-c", script, cpu_settings.cache_dir, tiny_checkpoint, image]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as web:
        heavy, pid = web.stdout.readline().strip(), int(web.stdout.readline())
        assert is_running(pid)
        web.kill()
    return heavy, pid


@pytest.fixture(scope="module")
def ask(tiny_checkpoint, picture):
    """Make a request for pictures by their seeds."""

    def make(*seeds, path=tiny_checkpoint, name="tiny", **options):
        images = tuple(picture(seed) for seed in seeds)
        return Request(name, path, images, tuple(f"{seed}.png" for seed in seeds), **options)

    return make


@pytest.fixture(scope="session")
def worker_pid():
    """Give the pid of a service's predictor process, the one thing here that no user can see."""
    return lambda service: service._worker.pid


@pytest.fixture(scope="session")
def paused(worker_pid):
    """Stop the predictor process in its tracks, so that what happens meanwhile is certain."""

    @contextlib.contextmanager
    def pause(service):
        pid = worker_pid(service)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    return pause


@pytest.fixture(scope="session")
def is_running():
    """Tell whether there is a process of that pid."""

    def ask_system(pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True

    return ask_system


@pytest.fixture(scope="session")
def wait_until():
    """Wait for a condition, at most a minute."""

    def wait(condition):
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait
