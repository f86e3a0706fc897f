"""Commands that compute take the accelerator only when it is theirs to take."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vit_core.cli.device import before_jax
from vit_core.settings import bundled_data_dir
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder

Run = Callable[..., subprocess.CompletedProcess[str]]
SAMPLES = bundled_data_dir() / "demo" / "samples"
DIGIT = next(SAMPLES.glob("digit-4-*.jpg"))


@pytest.fixture
def locks(environment: dict[str, str], tmp_path: Path) -> Path:
    environment |= {"VIT_LOCK_DIR": str(tmp_path / "locks"), "VIT_DEVICE": "auto"}
    return tmp_path / "locks"


@pytest.fixture
def held(locks: Path):
    with contextlib.ExitStack() as stack:
        ownership = Accelerator(locks).take_idle(Holder("run"))
        assert ownership
        stack.callback(ownership.release)
        yield stack


@pytest.mark.usefixtures("held")
def test_while_a_run_computes_images_are_classified_on_the_cpu_and_it_is_said(run: Run, demo_name: str):
    answer = run("classify", "--checkpoint", demo_name, DIGIT, "--format", "csv")
    assert answer.returncode == 0, answer.stderr
    assert "so the CPU answers; --device gpu waits for its turn." in answer.stderr


@pytest.mark.usefixtures("held")
def test_who_asks_for_the_cpu_waits_for_nobody(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "photos" / "digit 4").mkdir(parents=True)
    (tmp_path / "photos" / "digit 4" / "a.jpg").write_bytes(DIGIT.read_bytes())
    for words in (("classify", DIGIT), ("evaluate", "--data", "photos")):
        answer = run(*words, "--checkpoint", demo_name, "--device", "cpu")
        assert answer.returncode == 0, answer.stderr
        assert "under way" not in answer.stderr


def test_an_evaluation_from_a_terminal_waits_for_its_turn(
    held, locks: Path, environment: dict[str, str], demo_name: str, tmp_path: Path
):
    (tmp_path / "photos" / "digit 4").mkdir(parents=True)
    (tmp_path / "photos" / "digit 4" / "a.jpg").write_bytes(DIGIT.read_bytes())
    command = [sys.executable, "-m", "vit_core", "evaluate", "--checkpoint", demo_name, "--data", "photos"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as process:
        assert process.stderr
        assert process.stderr.readline() == "waiting for a run that is under way …\n"
        assert [each.holder.kind for each in Accelerator(locks).waiting()] == ["trial"]
        held.close()
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "All of 'photos': 1 image." in said


def test_jax_takes_only_the_memory_that_it_needs_unless_the_user_said_otherwise(monkeypatch):
    monkeypatch.setattr(os, "environ", {"JAX_PLATFORMS": "cuda,cpu"})
    before_jax("cpu")
    assert os.environ == {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "JAX_PLATFORMS": "cuda,cpu"}
