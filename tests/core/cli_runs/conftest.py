"""What the tests of `finetune` and `runs` share: real processes, one finished run of a demo model for all of them."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"
SETTINGS = ("--total-steps", "300", "--batch", "8", "--learning-rate", "0.01", "--warmup-steps", "4")
OFTEN = ("--resolution", "32", "--checkpoint-every", "10", "--eval-every", "60")
PATIENCE_S = 200.0


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder of runs with its own locks, and the command line in it."""

    folder: Path
    environment: dict[str, str]
    prefix: list[str]

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def start(self, *words: object, **details: Any) -> subprocess.Popen[str]:
        command = [*self.prefix, sys.executable, "-m", "vit_core", *map(str, words)]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.folder,
            **details,
        )

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        with self.start(*words) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def show(self, name: str) -> dict[str, Any]:
        result = self.run("runs", "show", name, "--format", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all, so that programs are compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def make_place(compiled: Path, hearing_ctrl_c: list[str]) -> Callable[[Path], Place]:
    def make(folder: Path) -> Place:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VIT_")}
        own = {
            "VIT_RUNS_DIR": str(folder / "runs"),
            "VIT_LOCK_DIR": str(folder / "locks"),
            "VIT_CACHE_DIR": str(compiled),
            "VIT_BUCKET": str(folder / "nothing"),
            "VIT_DEVICE": "cpu",
        }
        return Place(folder, kept | own, hearing_ctrl_c)

    return make


@pytest.fixture
def place(make_place: Callable[[Path], Place], tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture(scope="session")
def photos(draw_classes: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_classes(tmp_path_factory.mktemp("photos"), per_class=12)


@pytest.fixture(scope="session")
def new(photos: Path) -> tuple[object, ...]:
    """The words that make a run of 300 steps, saved every 10."""
    return ("finetune", "--checkpoint", MODEL, "--data", photos, *SETTINGS, *OFTEN)


@pytest.fixture(scope="session")
def finished(
    make_place: Callable[[Path], Place], new: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory
) -> Place:
    """A place where the run "one" was made and followed to its end; what it printed is in out.txt and err.txt."""
    place = make_place(tmp_path_factory.mktemp("finished"))
    result = place.run(*new, "--name", "one", "--note", "the first")
    assert result.returncode == 0, result.stderr
    (place.folder / "out.txt").write_text(result.stdout)
    (place.folder / "err.txt").write_text(result.stderr)
    return place


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Ask until the answer is true, and give it."""

    def ask(question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := question()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.005)
        return answer

    return ask


@pytest.fixture(scope="session")
def assert_refused() -> Callable[..., None]:
    """Exit code 2, nothing on standard output, a last line that has the parts."""

    def check(result: subprocess.CompletedProcess[str], *parts: str) -> None:
        assert result.returncode == 2, result.stderr
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        line = result.stderr.strip().splitlines()[-1]
        for part in parts:
            assert part in line

    return check
