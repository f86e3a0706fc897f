"""What the tests of the command line share: real processes with an environment of their own."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vit_core.settings import bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a cache of its own and a bucket that nobody serves."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIT_")}
    return kept | {
        "VIT_CACHE_DIR": str(tmp_path / "cache"),
        "VIT_BUCKET": str(tmp_path / "nothing"),
        "VIT_DEVICE": "cpu",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    def run_command(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vit_core", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment | variables, cwd=tmp_path, timeout=240
        )

    return run_command


@pytest.fixture(scope="session")
def demo_rows() -> list[dict[str, str]]:
    with (bundled_data_dir() / "demo" / "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def demo_name(demo_rows: list[dict[str, str]]) -> str:
    """The demo fine-tune that is best on the digits."""
    digits = [row for row in demo_rows if row["adapt_ds"] == "digits"]
    return max(digits, key=lambda row: float(row["adapt_final_test"]))["adapt_filename"]


@pytest.fixture(scope="session")
def assert_refused() -> Callable[..., None]:
    """Exit code 2, nothing on standard output, one line that has the parts."""

    def check(result: subprocess.CompletedProcess[str], *parts: str) -> None:
        assert result.returncode == 2, result.stderr
        assert result.stdout == ""
        line = result.stderr.strip().splitlines()[-1]
        assert "Traceback" not in result.stderr
        for part in parts:
            assert part in line

    return check
