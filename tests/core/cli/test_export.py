"""`export`: from a name to a folder that other programs load."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from vit_core.checkpoints.restore import load_checkpoint
from vit_core.settings import bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[..., None]
FILES = ["README.md", "config.json", "labels.json", "load.py", "model.npz", "model.safetensors"]


@pytest.fixture
def finished_run(tmp_path: Path, demo_name: str) -> Path:
    """A folder of runs with one result in it, "mine", whose weights are a demo checkpoint's."""
    result = tmp_path / "runs" / "mine" / "result"
    result.mkdir(parents=True)
    (result / "model.npz").write_bytes((bundled_data_dir() / "demo" / f"{demo_name}.npz").read_bytes())
    (result / "labels.json").write_text(json.dumps([f"my class {number}" for number in range(10)]))
    (result / "report.json").write_text("{}")
    (result / "README.md").write_text("# mine\n")
    return tmp_path / "runs"


def test_export_writes_a_demo_checkpoint_in_both_layouts_and_prints_the_paths(run: Run, demo_name: str, tmp_path: Path):
    result = run("export", "--checkpoint", demo_name, "--to", "out")
    out = tmp_path / "out"
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [str(out / name) for name in FILES]
    checkpoint = load_checkpoint(out / "model.npz")
    head = load_file(out / "model.safetensors")["head.weight"]
    np.testing.assert_array_equal(checkpoint.params["head"]["kernel"].T, head)
    assert json.loads((out / "labels.json").read_text())[3] == "digit 3"


def test_what_was_exported_classifies_with_the_names_it_took_along(run: Run, demo_name: str, tmp_path: Path):
    assert run("export", "--checkpoint", demo_name, "--to", "out").returncode == 0
    digit = next((bundled_data_dir() / "demo" / "samples").glob("digit-4-*.jpg"))
    answer = json.loads(run("classify", "--checkpoint", "out/model.npz", digit, "--format", "json").stdout)
    assert answer["images"][0]["predictions"][0]["label"] == "digit 4"
    assert answer["labels"] == "The 10 names of the file 'labels.json'."


def test_json_lists_the_files(run: Run, demo_name: str, tmp_path: Path):
    told = json.loads(run("export", "--checkpoint", demo_name, "--to", "out", "--format", "json").stdout)
    assert told["checkpoint"] == demo_name
    assert told["folder"] == str(tmp_path / "out")
    assert [Path(file).name for file in told["files"]] == FILES
    assert told["notes"] == []


def test_the_result_of_a_run_is_copied_as_it_is_and_nothing_else(run: Run, finished_run: Path, tmp_path: Path):
    source, out = finished_run / "mine" / "result", tmp_path / "deep" / "out"
    (source / "diary.txt").write_text("not part of a result")
    result = run("export", "--checkpoint", "run:mine", "--to", "deep/out", VIT_RUNS_DIR=str(finished_run))
    assert result.returncode == 0, result.stderr
    copied = {path.name: path.read_bytes() for path in out.iterdir()}
    assert copied == {path.name: path.read_bytes() for path in source.iterdir() if path.name != "diary.txt"}


def test_the_result_of_a_run_gets_a_program_and_a_section_on_it(run: Run, finished_run: Path, tmp_path: Path):
    words = ("export", "--checkpoint", "run:mine", "--to", "out", "--stablehlo")
    result = run(*words, VIT_RUNS_DIR=str(finished_run))
    assert result.returncode == 0, result.stderr
    written = [Path(line).name for line in result.stdout.splitlines()]
    assert written == ["README.md", "labels.json", "model.npz", "model.stablehlo", "report.json"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("# mine\n\n## Without ViT Explorer and without PyTorch\n")
    assert "`probabilities` [b, 10]" in card
    assert not (finished_run / "mine" / "result" / "model.stablehlo").exists()


def test_classify_takes_a_finished_run_by_name(run: Run, finished_run: Path):
    digit = next((bundled_data_dir() / "demo" / "samples").glob("digit-4-*.jpg"))
    words = ("classify", "--checkpoint", "run:mine", "--runs-dir", finished_run, digit, "--format", "json")
    answer = json.loads(run(*words, VIT_RUNS_DIR="nowhere").stdout)
    assert answer["checkpoint"] == "run:mine"
    assert answer["images"][0]["predictions"][0]["label"] == "my class 4"


@pytest.mark.parametrize("command", ["classify", "export", "download"])
def test_a_run_that_is_not_in_the_folder_named_by_a_flag_is_refused_with_close_names(
    run: Run, assert_refused: Refused, finished_run: Path, command: str
):
    words = {"classify": ["--checkpoint", "run:mime", "x.jpg"], "download": ["run:mime"]}
    given = words.get(command, ["--checkpoint", "run:mime", "--to", "out"])
    assert_refused(run(command, *given, "--runs-dir", finished_run), "There is no run 'mime'", "'mine'")


def test_show_sends_to_the_command_that_knows_of_runs(run: Run, assert_refused: Refused):
    assert_refused(run("show", "run:mine"), "`vit-explorer runs show mine`")


def test_a_folder_that_holds_something_is_refused_by_name(
    run: Run, assert_refused: Refused, demo_name: str, tmp_path: Path
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    result = run("export", "--checkpoint", demo_name, "--to", "out")
    assert_refused(result, "holds 'thesis.tex' already")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_an_empty_folder_is_taken(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "out").mkdir()
    assert run("export", "--checkpoint", demo_name, "--to", "out").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_a_file_in_the_place_of_the_folder_is_refused(
    run: Run, assert_refused: Refused, demo_name: str, tmp_path: Path
):
    (tmp_path / "out").write_text("mine")
    assert_refused(run("export", "--checkpoint", demo_name, "--to", "out"), "is no folder to write to")


def test_a_name_that_nobody_has_fails_with_one_sentence_and_leaves_nothing(run: Run, tmp_path: Path):
    (tmp_path / "bucket").mkdir()
    result = run("export", "--checkpoint", "Ti_99", "--to", "out", "--bucket", tmp_path / "bucket")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
