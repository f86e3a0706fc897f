"""What the tests of runs share: a folder of runs with its own locks, small settings, an engine with cheap work."""

import dataclasses
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vit_core.datasets.dataset import DataSet, Example
from vit_core.runs.files import RunFiles, read_config
from vit_core.runs.library import Runs
from vit_core.runs.local import LocalEngine
from vit_core.runs.locks import RunLocks
from vit_core.settings import Settings
from vit_core.training.config import TrainConfig

STAND_IN = Path(__file__).with_name("stand_in.py")
PATIENCE_S = 120.0


class Idle:
    """An engine that starts nothing."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, folder: Path) -> None:
        self.started.append(folder.name)

    def stop(self, folder: Path, grace_s: float) -> None:
        """Nothing runs."""

    def poll(self, folder: Path) -> str:
        return "gone"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(runs_dir=tmp_path / "runs", lock_dir=tmp_path / "locks", cache_dir=tmp_path / "cache", device="cpu")


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig(
        checkpoint="N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0",
        resolution=32,
        total_steps=10,
        batch=4,
        learning_rate=0.01,
        warmup_steps=1,
    )


@pytest.fixture(scope="session")
def images() -> DataSet:
    """A data set by name only; no file of it is read."""
    examples = tuple(
        Example(f"{n}.jpg", f"{n}.jpg", n % 2, "train" if n < 8 else "test", f"{n:064x}", 9, 32, 32, f"{n:016x}")
        for n in range(12)
    )
    return DataSet("Twelve.zip", Path("/nowhere/twelve"), ("cat", "dog"), examples)


@pytest.fixture
def idle() -> Idle:
    return Idle()


@pytest.fixture
def drafts(settings: Settings, idle: Idle) -> Runs:
    """A library whose runs are never started."""
    return Runs(settings, engine=idle)


@pytest.fixture(scope="session")
def stand_in() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stand_in", STAND_IN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def engine(settings: Settings) -> LocalEngine:
    """The local engine with cheap work."""
    return LocalEngine(settings, command=(sys.executable, str(STAND_IN)))


@pytest.fixture
def runs(settings: Settings, engine: LocalEngine) -> Iterator[Runs]:
    """A library whose runs do cheap work in real processes; what still runs at the end of the test is killed."""
    library = Runs(settings, engine=engine)
    yield library
    for record in library.all():
        engine.stop(record.folder, 0) if record.config else None


@pytest.fixture
def submit(runs: Runs, config: TrainConfig, images: DataSet) -> Callable[..., Any]:
    def make(name: str, *, steps: int = 10, **details: Any) -> Any:
        return runs.submit(dataclasses.replace(config, total_steps=steps), images, name=name, **details)

    return make


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Ask until the answer is true, and give it."""

    def ask(question: Callable[[], Any], *, patience_s: float = PATIENCE_S) -> Any:
        deadline = time.monotonic() + patience_s
        while not (answer := question()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.02)
        return answer

    return ask


@pytest.fixture
def reaches(runs: Runs, eventually: Callable[..., Any]) -> Callable[..., Any]:
    """Wait until a run is in one of some states, and give its record."""

    def wait(name: str, *states: str) -> Any:
        def look() -> Any:
            record = runs.get(name)
            return record if record.state in states else None

        return eventually(look)

    return wait


@pytest.fixture
def kill(settings: Settings, eventually: Callable[..., Any]) -> Callable[[str], int]:
    """Kill the process of a run as the system would, and wait until its locks are free."""

    def strike(name: str) -> int:
        folder = settings.runs_dir / name
        run = read_config(RunFiles(folder))
        locks = RunLocks(settings.lock_dir)
        owner = eventually(lambda: (found := locks.owner(run, folder)) and found.process and found)
        os.kill(owner.process.pid, signal.SIGKILL)
        eventually(lambda: locks.owner(run, folder) is None)
        return owner.process.pid

    return strike
