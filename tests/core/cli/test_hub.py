"""Checkpoints of the Hugging Face Hub on the command line."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from weight_files import timm_repository

from vit_core.settings import PUBLIC_BUCKET, bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]
SAMPLE = next((bundled_data_dir() / "demo" / "samples").glob("digit-4-*.jpg"))
NAME = "hf:timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"
TINY = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0"


@pytest.fixture
def filled(hub):
    hub.put(NAME.removeprefix("hf:"), timm_repository())
    return hub


def test_a_model_of_the_hub_classifies_with_the_names_of_its_config(run: Run, filled):
    secrets = {"HF_ENDPOINT": filled.url, "HF_TOKEN": filled.token}
    result = run("classify", "--checkpoint", NAME, SAMPLE, "--format", "json", **secrets)

    assert filled.token not in result.stdout + result.stderr
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["checkpoint"] == NAME
    assert {guess["label"] for guess in answer["images"][0]["predictions"]} == {"disc", "bar", "frame"}
    assert any("tanh form of GELU" in note for note in answer["notes"])
    assert not filled.requests("pytorch_model.bin")


def test_download_copies_the_settings_with_the_weights(run: Run, filled, tmp_path: Path):
    result = run("download", NAME, "--to", ".", HF_ENDPOINT=filled.url)

    folder = tmp_path / "timm_vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    assert Path(result.stdout.strip()).name == "model.safetensors"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_a_closed_bucket_names_the_copy_on_the_hub(run: Run, fault_proxy):
    fault_proxy.private = True

    result = run("download", TINY, **fault_proxy.environment(VIT_BUCKET=PUBLIC_BUCKET))

    assert result.returncode == 1
    assert "hf:timm/vit_tiny_patch16_224.augreg_in21k (" in " ".join(result.stderr.split())


def test_an_address_that_is_refused_ends_with_one_line(run: Run, assert_refused):
    assert_refused(run("download", "gs://somebodys/a.npz"), "only objects of the buckets")
