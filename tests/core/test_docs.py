"""What the documents say is so: links lead somewhere, commands exist, every flag and column is explained."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vit_core.catalog.schema import COLUMNS, PUBLISHED
from vit_core.cli.words import build_parser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "data").rglob("*.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
    ]
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_local_links_lead_to_files(document: Path):
    links = re.findall(r"\]\(([^)#\s]+)\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_the_readme_shows_the_two_commands_before_anything_else():
    first_screen = (ROOT / "README.md").read_text().splitlines()[:12]
    assert [line.split()[1] for line in first_screen if line.startswith("make ")] == ["app", "test"]
    assert any(line.startswith("![") for line in first_screen)


def test_the_commands_of_the_readme_exist():
    text = (ROOT / "README.md").read_text()
    used = set(re.findall(r"^python -m vit_core (\w+)", text, flags=re.MULTILINE))
    assert used == {"catalog", "show", "download", "classify", "evaluate", "finetune", "runs", "export"}
    for command in used:
        result = subprocess.run([sys.executable, "-m", "vit_core", command, "--help"], capture_output=True, check=False)
        assert result.returncode == 0


def test_the_flags_of_the_readme_exist():
    text = (ROOT / "README.md").read_text()
    flags = set(re.findall(r"python -m vit_core .*?(--[a-z-]+)", text))
    known = set()
    for action in build_parser()._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
        known |= set(action._option_string_actions)
    assert flags
    assert flags <= known


def test_every_published_column_is_explained_with_its_source():
    explained = {column.name: column for column in COLUMNS}
    assert set(PUBLISHED) <= set(explained)
    for column in explained.values():
        assert column.meaning
        assert column.label
        assert column.source


@pytest.mark.parametrize("name", ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "requirements.txt"])
def test_the_repository_has(name: str):
    assert (ROOT / name).is_file()
