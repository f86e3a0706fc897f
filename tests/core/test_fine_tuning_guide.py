"""The guide to fine-tuning is true: its commands exist, its Python runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vit_core.cli.words import build_parser
from vit_core.export.result import RESULT_FILES

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "fine-tuning.md").read_text()
COMMANDS = re.findall(r"^vit-explorer (.*)$", GUIDE, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_guide_is_understood(command: str):
    assert build_parser().parse_args(command.split()).run


def test_the_guide_names_every_file_of_a_result():
    row = next(line for line in GUIDE.splitlines() if line.startswith("| `result/`"))
    assert set(re.findall(r"`([\w.]+\.\w+)`", row)) == set(RESULT_FILES)


@pytest.mark.slow
def test_the_python_of_the_guide_runs_as_it_stands(tmp_path: Path):
    code = re.search(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)[1]
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "VIT_RUNS_DIR": str(tmp_path / "runs"),
            "VIT_CACHE_DIR": str(tmp_path / "cache"),
            "VIT_LOCK_DIR": str(tmp_path / "locks"),
            "VIT_DEVICE": "cpu",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("done ")
    assert {path.name for path in (tmp_path / "runs" / "practice" / "result").iterdir()} == set(RESULT_FILES)
