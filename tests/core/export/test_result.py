"""The folder that a finished run leaves, and that everything which names a checkpoint can use it."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from vit_core import load_predictor
from vit_core.checkpoints.restore import init_params, load_checkpoint
from vit_core.errors import StorageFull
from vit_core.export.result import write_result
from vit_core.models.build import flatten
from vit_core.settings import Settings
from vit_core.training.report import read_report

FILES = ["README.md", "config.json", "labels.json", "load.py", "model.npz", "model.safetensors", "report.json"]


def test_the_result_has_all_its_files(run_folder):
    assert sorted(path.name for path in (run_folder / "result").iterdir()) == FILES
    assert [path.name for path in run_folder.iterdir()] == ["result"]


def test_the_weights_are_those_that_were_trained(run_folder, finished):
    checkpoint = load_checkpoint(run_folder / "result" / "model.npz")
    assert checkpoint.config == finished["model"]
    for path, array in flatten(finished["params"]).items():
        np.testing.assert_array_equal(flatten(checkpoint.params)[path], array)


def test_both_layouts_hold_the_same_head(run_folder, finished):
    head = load_file(run_folder / "result" / "model.safetensors")["head.weight"]
    np.testing.assert_array_equal(head.T, finished["params"]["head"]["kernel"])


def test_the_report_and_the_names_of_the_classes_are_kept(run_folder, finished):
    assert read_report(run_folder / "result" / "report.json") == finished["report"]
    assert json.loads((run_folder / "result" / "labels.json").read_text()) == ["bar", "disc", "frame"]


def test_a_finished_run_is_a_checkpoint_with_the_users_classes(run_folder, finished, tmp_path):
    settings = Settings(runs_dir=run_folder.parent, cache_dir=tmp_path / "cache")
    predictor = load_predictor("run:my-run", device="cpu", settings=settings)
    dataset = finished["dataset"]
    named = predictor.classify([dataset.path(dataset.examples[0])], top_k=3)[0]
    assert predictor.name == "run:my-run"
    assert {prediction.label for prediction in named} == {"bar", "disc", "frame"}


def test_the_code_in_the_folder_runs_as_it_stands_wherever_it_is_put(run_folder, finished, tmp_path):
    folder = (run_folder / "result").rename(tmp_path / "moved")
    dataset = finished["dataset"]
    picture = dataset.path(dataset.examples[0])
    command = [sys.executable, "load.py", str(picture)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    said = result.stdout.removeprefix(f"{picture}: ")
    assert said.split(" (")[0] in dataset.classes


def test_the_code_without_a_picture_says_what_the_model_knows(run_folder):
    command = [sys.executable, run_folder / "result" / "load.py"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "bar, disc, frame" in result.stdout


def test_a_result_written_again_replaces_the_first(run_folder, finished):
    again = dataclasses.replace(finished["dataset"], classes=("x", "y", "z"))
    write_result(run_folder, **{**finished, "dataset": again})
    assert json.loads((run_folder / "result" / "labels.json").read_text()) == ["x", "y", "z"]
    assert [path.name for path in run_folder.iterdir()] == ["result"]


def test_equal_runs_give_equal_files(run_folder, finished, tmp_path):
    other = tmp_path / "elsewhere" / "my-run"
    other.mkdir(parents=True)
    write_result(other, **finished)
    for name in FILES:
        assert (other / "result" / name).read_bytes() == (run_folder / "result" / name).read_bytes()


def test_a_full_disk_leaves_no_half_result(finished, tmp_path, no_file_past):
    with no_file_past(8192), pytest.raises(StorageFull, match="no room on the disk for the result"):
        write_result(tmp_path, **finished)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_timm_cannot_build_leaves_no_files_for_it_and_the_card_says_why(finished, tmp_path):
    model = dataclasses.replace(finished["model"], representation_size=8)
    write_result(tmp_path, **{**finished, "model": model, "params": init_params(model, seed=0)})
    written = {path.name for path in (tmp_path / "result").iterdir()}
    assert written == set(FILES) - {"config.json", "model.safetensors"}
    card = (tmp_path / "result" / "README.md").read_text()
    assert "There are no files for PyTorch: timm has no layer" in card
    assert "import timm" not in card
