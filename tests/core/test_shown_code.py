"""Every piece of code that the project shows is run: documents, `--help`, cards, the card of a checkpoint, pages.

Pieces are found by themselves, so that a new one fails here until it runs, or stands below with who runs it instead.
"""

import ast
import dataclasses
import doctest
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from foreign_process import run_without_project

from vit_core import cli
from vit_core.catalog.index import load_catalogue, with_others
from vit_core.catalog.lookup import find_row
from vit_core.catalog.snippets import snippets
from vit_core.checkpoints.restore import load_checkpoint, save_npz
from vit_core.cli.words import build_parser
from vit_core.settings import Settings, bundled_data_dir

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "data", "benchmarks", "tests")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))])
DIGITS = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0--digits-steps_0k-lr_0.1-res_32"
# Files of the collection that commands name: a small model lies under their names in the bucket of these tests.
NAMED = (
    "R26_S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0",
    "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0",
)

# Commands that are only read here, by their beginnings; the test beside each runs them with the same flags.
RUN_ELSEWHERE = {
    f"evaluate --checkpoint {DIGITS} --data tfds:": "core/datasets/test_tfds.py",
    "evaluate": "core/cli/test_evaluate.py",
    "finetune": "core/cli_runs/test_finetune.py",
    "runs show": "core/cli_runs/test_runs.py",
    "runs logs": "core/cli_runs/test_runs.py",
    "runs stop": "core/cli_runs/test_finetune.py",
    "runs resume": "core/cli_runs/test_resume_exactly.py",
    "runs delete": "core/cli_runs/test_runs.py",
    "runs reconcile": "core/cli_runs/test_runs.py",
    "app": "core/cli/test_app.py",
    "bench": "core/bench",
}
# Blocks of documents that are no commands of ours, by their first words: who runs them, or why nobody does.
OTHER_BLOCKS = {
    ("README.md", "make app"): "Makefile",
    ("CONTRIBUTING.md", "make app"): "Makefile",
    ("architecture.md", "app/"): "a tree of folders",
    ("architecture.md", "app: "): "the order of layers, which import-linter holds",
    ("fine-tuning.md", "flowers/rose"): "names of files",
    ("fine-tuning.md", "import os"): "core/test_fine_tuning_guide.py",
    ("evaluation.md", "from pathlib"): "core/evaluation/test_guide.py",
    ("augreg/README.md", "python data/augreg/build.py"): "core/catalog/test_bundled_table.py",
    ("demo/README.md", "python data/demo/build.py"): "core/test_demo_script.py",
}
# Code blocks of pages, by the file and what is in them.
ON_PAGES = {
    ("checkpoint_card.py", "way.code"): "the snippets of a checkpoint, below",
    ("run_result.py", "python -m vit_core classify"): "below, as a command",
    ("run_result.py", "snippet.read_text"): "load.py: core/export/test_result.py",
    ("training_sources.py", "pip install"): "an installation",
}
# Ways to use a file of the catalogue, and the test that runs each.
WAYS = {
    "python": "below",
    "cli": "below",
    "download": "below",
    "timm": "oracle/test_snippet.py",
    "convert": "oracle/test_snippet.py",
}


def blocks(text: str) -> Iterator[str]:
    """Give the content of the fenced blocks of a document."""
    yield from re.findall(r"^```\w*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands_of(text: str) -> list[str]:
    """Give the command lines of ours in a text, without the name of the program."""
    return re.findall(r"^\s*(?:vit-explorer|python -m vit_core) (.+?)\s*$", text, flags=re.MULTILINE)


def helps(parser) -> Iterator[str]:
    """Give what the help of every command ends with."""
    yield parser.epilog or ""
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                yield from helps(command)


def code_on_pages() -> Iterator[tuple[str, str]]:
    """Give file and source of each `st.code` in a language."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.code":
                language = next((word.value for word in node.keywords if word.arg == "language"), None)
                if not (isinstance(language, ast.Constant) and language.value is None):
                    yield path.name, ast.unparse(node.args[0])


IN_DOCUMENTS = [(path, block) for path in DOCUMENTS for block in blocks(path.read_text())]
SHOWN = [command for _, block in IN_DOCUMENTS for command in commands_of(block)]
HELP = [command for text in helps(build_parser()) for command in commands_of(text)]
PAGE = commands_of("python -m vit_core classify --checkpoint run:flowers photo.jpg")
COMMANDS = sorted(
    {
        re.sub(r"NAME_OR_FILE|NAME", DIGITS, re.sub(r"\b[A-Z]{6,} --help", "--help", each))
        for each in SHOWN + HELP + PAGE
    }
)
RUN_HERE = [each for each in COMMANDS if not each.startswith(tuple(RUN_ELSEWHERE)) and "--help" not in each]

EXAMPLES_OF_PAGES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "app").rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with all that commands name: pictures, a bucket, finished runs; the working folder of the test."""
    demo = bundled_data_dir() / "demo"
    (tmp_path / "bucket").mkdir()
    for name in NAMED:
        shutil.copyfile(demo / f"{DIGITS}.npz", tmp_path / "bucket" / f"{name}.npz")
    for name in ("flowers", "my-photos", "my-run"):
        result = tmp_path / "runs" / name / "result"
        result.mkdir(parents=True)
        shutil.copyfile(demo / f"{DIGITS}.npz", result / "model.npz")
        (result / "labels.json").write_text(str([f"flower {number}" for number in range(10)]).replace("'", '"'))
        (result / "report.json").write_text("{}")
        (result / "README.md").write_text(f"# {name}\n")
    (tmp_path / "photos").mkdir()
    for number, path in enumerate(sorted((demo / "samples").glob("digit-[45]-*.jpg"))):
        shutil.copyfile(path, tmp_path / "photos" / f"{number}.jpg")
    for name in ("photo.jpg", "new.jpg"):
        shutil.copyfile(tmp_path / "photos" / "0.jpg", tmp_path / name)
    for key, value in {"BUCKET": "bucket", "CACHE_DIR": "cache", "RUNS_DIR": "runs", "LOCK_DIR": "locks"}.items():
        monkeypatch.setenv(f"VIT_{key}", str(tmp_path / value))
    monkeypatch.setenv("VIT_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words_of(command: str) -> list[str]:
    """Give the words of a command as a shell would."""
    words = shlex.split(command, comments=True)
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*." in word else [word])]


@pytest.mark.parametrize("command", RUN_HERE)
def test_a_command_runs_as_it_is_shown(command, place, capsys):
    assert cli.main(words_of(command)) == 0, capsys.readouterr().err


@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in RUN_HERE])
def test_a_command_that_is_run_elsewhere_is_understood(command):
    if "--help" in command:
        with pytest.raises(SystemExit, match="0"):
            build_parser().parse_args(shlex.split(command))
    else:
        assert build_parser().parse_args(shlex.split(command, comments=True)).run


def test_whoever_is_said_to_run_code_is_there():
    named = [*RUN_ELSEWHERE.values(), *OTHER_BLOCKS.values(), *WAYS.values()]
    tests = {each for each in named if each.startswith(("core/", "oracle/"))}
    assert [each for each in sorted(tests) if not (ROOT / "tests" / each).exists()] == []


def test_every_block_of_a_document_is_run_or_said_not_to_be():
    strange = [
        (str(path.relative_to(ROOT)), block.splitlines()[0])
        for path, block in IN_DOCUMENTS
        if not commands_of(block)
        and not any(str(path).endswith(name) and block.startswith(first) for name, first in OTHER_BLOCKS)
        and not block.startswith(tuple(RUN_AS_PYTHON))
    ]
    assert strange == []


def test_the_words_for_make_are_targets():
    shown = {word for _, block in IN_DOCUMENTS for word in re.findall(r"^make ([a-z]+)", block, flags=re.MULTILINE)}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"app", "test"} <= shown <= targets


def readme_python(place: Path) -> dict[str, object]:
    """Prepare what the README's Python names, and give the array that it expects."""
    (place / "path" / "to").mkdir(parents=True)
    shutil.copyfile(place / "bucket" / f"{NAMED[0]}.npz", place / "path" / "to" / "checkpoint.npz")
    return {"images": np.zeros((1, 32, 32, 3), np.float32)}


def export_python(place: Path) -> dict[str, object]:
    """Export what the guide to exports opens."""
    assert cli.main(["export", "--checkpoint", DIGITS, "--to", "my-model", "--stablehlo"]) == 0
    return {}


# Python of documents that is run here, by its first words.
RUN_AS_PYTHON = {"from vit_core import load_predictor": readme_python, "# pip install jax flatbuffers": export_python}


@pytest.mark.parametrize("beginning", RUN_AS_PYTHON)
def test_python_of_a_document_runs_as_it_is_shown(beginning, place, capsys):
    code = next(block for _, block in IN_DOCUMENTS if block.startswith(beginning))
    exec(code, RUN_AS_PYTHON[beginning](place))  # what a reader would do with it
    assert capsys.readouterr().out


def test_every_way_to_use_a_file_is_run_by_a_test():
    frame = with_others(load_catalogue(Settings(bucket="/nowhere"), network=False)).frame
    rows = frame.drop_duplicates("filename").to_dict("records")
    assert {way.key for row in rows for way in snippets(row)} == set(WAYS)


@pytest.fixture
def served(bucket_server):
    """The row of a file on a bucket of http, and that bucket's address."""
    demo = bundled_data_dir() / "demo"
    bucket_server.put(f"{NAMED[1]}.npz", (demo / f"{DIGITS}.npz").read_bytes())
    frame = load_catalogue(Settings(bucket="/nowhere"), network=False).frame
    return find_row(frame, NAMED[1]), bucket_server.http_url


def shown_way(key, row, bucket):
    return next(way.code for way in snippets(row, bucket=bucket) if way.key == key)


def test_the_python_of_a_checkpoint_runs_as_it_is_shown(served, place, capsys):
    exec(shown_way("python", *served), {})
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_the_command_of_a_checkpoint_runs_as_it_is_shown(served, place, capsys):
    (command,) = commands_of(shown_way("cli", *served))
    assert cli.main(words_of(command)) == 0
    assert "class 4" in capsys.readouterr().out


@pytest.fixture(params=["zeroed", "missing"])
def headless(request, place):
    """The ways to use a file of the catalogue without a head that names classes; a small one lies in its place."""
    small = load_checkpoint(bundled_data_dir() / "demo" / f"{DIGITS}.npz")
    params = {name: leaf for name, leaf in small.params.items() if name != "head"}
    if request.param == "zeroed":
        head = {name: np.zeros_like(leaf) for name, leaf in small.params["head"].items()}
        save_npz(place / "small.npz", small.config, {**params, "head": head})
    else:
        config = dataclasses.replace(small.config, num_classes=0)
        save_npz(place / "small.npz", config, params)
    name = {"zeroed": "gs://vit_models/imagenet21k/ViT-B_32.npz", "missing": "hf:timm/vit_base_patch32_224.orig_in21k"}
    frame = with_others(load_catalogue(Settings(bucket="/nowhere"), network=False)).frame
    ways = snippets(find_row(frame, name[request.param]))
    return {way.key: way.code.replace(name[request.param], "./small.npz") for way in ways}


def test_the_python_of_a_file_without_classes_gives_features(headless, capsys):
    exec(headless["python"], {})
    assert re.search(r"\[ *-?\d", capsys.readouterr().out)


def test_the_commands_of_a_file_without_classes_run_as_they_are_shown(headless, place):
    teach, take = commands_of(headless["cli"])
    assert build_parser().parse_args(shlex.split(teach)).checkpoint == "./small.npz"  # run in cli_runs/test_finetune.py
    assert cli.main(words_of(take)) == 0
    assert (place / "my-model" / "model.npz").is_file()


@pytest.mark.parametrize("kind", ["http", "file", "gs"])
def test_the_download_of_a_checkpoint_fetches_the_file(kind, served, place, tmp_path):
    row, url = served
    bucket = {"http": url, "file": str(place / "bucket"), "gs": "gs://vit_models/augreg"}[kind]
    code = shown_way("download", row, bucket)
    if kind == "gs":  # the server of the tests stands for Google's; gsutil, the other way, belongs to Google's SDK
        code = code.splitlines()[0].replace("https://storage.googleapis.com/vit_models/augreg", url)
    result = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert (place / f"{NAMED[1]}.npz").read_bytes() == (place / "bucket" / f"{NAMED[1]}.npz").read_bytes()


@pytest.fixture(params=["classes", "features"])
def exported(request, place, capsys):
    """A folder that `export` wrote, with a picture; once of a model with classes and once of one without."""
    if request.param == "features":
        bare = load_checkpoint(place / "bucket" / f"{NAMED[0]}.npz")
        params = {name: leaf for name, leaf in bare.params.items() if name != "head"}
        save_npz(place / "bare.npz", bare.config.__class__(**{**vars(bare.config), "num_classes": 0}), params)
    name = {"classes": DIGITS, "features": "./bare.npz"}[request.param]
    assert cli.main(["export", "--checkpoint", name, "--to", "out", "--stablehlo"]) == 0
    shutil.copyfile("photo.jpg", "out/photo.jpg")
    capsys.readouterr()
    return place / "out"


def said_by(code: str, capsys) -> str:
    """Give what a piece of code prints in the working folder, in the way that suits it."""
    if "from jax import export" in code:
        result = run_without_project(code, Path.cwd())
        assert result.returncode == 0, result.stderr
        return result.stdout
    if commands := commands_of(code):
        assert [cli.main(words_of(each)) for each in commands] == [0]
    else:
        exec(code, {"__file__": "load.py"})
    return capsys.readouterr().out


def test_the_code_of_an_export_runs_inside_its_folder(exported, monkeypatch, capsys):
    monkeypatch.chdir(exported)
    monkeypatch.setattr(sys, "argv", ["load.py", "photo.jpg"])
    card = [
        code for code in blocks(Path("README.md").read_text()) if "import timm" not in code
    ]  # oracle/test_export.py
    for code in [*card, Path("load.py").read_text()]:
        assert re.search(r"digit 4|\[ *-?\d", said_by(code, capsys))


def test_every_code_on_a_page_is_run_by_a_test():
    strange = [
        (name, shown)
        for name, shown in code_on_pages()
        if not any(name == file and part in shown for file, part in ON_PAGES)
    ]
    assert strange == []


@pytest.mark.parametrize("name", EXAMPLES_OF_PAGES)
def test_the_examples_of_a_module_of_the_pages_are_true(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
