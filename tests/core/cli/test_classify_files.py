"""`classify` and `export` with files of other programs than ours."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from vit_core.checkpoints.restore import read_config
from vit_core.settings import bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]
SAMPLE = next((bundled_data_dir() / "demo" / "samples").glob("digit-4-*.jpg"))


def test_a_safetensors_file_of_timm_names_its_classes_by_the_config_beside_it(run: Run, demo_name: str, tmp_path: Path):
    run("export", "--checkpoint", demo_name, "--to", tmp_path / "timm")
    weights = tmp_path / "other" / "weights.of.mine"
    weights.parent.mkdir()
    shutil.copy(tmp_path / "timm" / "model.safetensors", weights)
    shutil.copy(tmp_path / "timm" / "config.json", weights.parent)

    ours = json.loads(run("classify", "--checkpoint", demo_name, SAMPLE, "--format", "json").stdout)
    theirs = json.loads(run("classify", "--checkpoint", weights, SAMPLE, "--format", "json").stdout)

    assert "config.json beside the file" in theirs["labels"]
    for mine, other in zip(ours["images"][0]["predictions"], theirs["images"][0]["predictions"], strict=True):
        assert (mine["label"], mine["index"]) == (other["label"], other["index"])
        assert abs(mine["probability"] - other["probability"]) < 1e-5


def test_a_file_that_does_not_tell_its_heads_names_the_flag_that_settles_it(run: Run, demo_name: str, tmp_path: Path):
    run("export", "--checkpoint", demo_name, "--to", tmp_path / "timm")
    weights = shutil.copy(tmp_path / "timm" / "model.safetensors", tmp_path / "bare.safetensors")

    refused = run("classify", "--checkpoint", weights, SAMPLE)
    given = run("classify", "--checkpoint", weights, SAMPLE, "--num-heads", "3")

    run("export", "--checkpoint", weights, "--num-heads", "3", "--to", tmp_path / "again")

    assert read_config(tmp_path / "again" / "model.npz").num_heads == 3
    assert refused.returncode == 2
    assert "--num-heads" in refused.stderr
    assert given.returncode == 0, given.stderr


@pytest.mark.parametrize("style", ["table", "csv"])
def test_what_is_unusual_about_a_file_is_said_beside_the_answer(run: Run, demo_name: str, tmp_path: Path, style: str):
    run("export", "--checkpoint", demo_name, "--to", tmp_path / "timm")
    path = tmp_path / "timm" / "config.json"
    told = json.loads(path.read_text())
    told["pretrained_cfg"] |= {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    path.write_text(json.dumps(told))

    words = ("classify", "--checkpoint", tmp_path / "timm" / "model.safetensors", SAMPLE, "--format")
    (scaling,) = [each for each in json.loads(run(*words, "json").stdout)["notes"] if "another mean (" in each]

    assert scaling in run(*words, style).stderr.splitlines()
