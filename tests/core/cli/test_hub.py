"""Checkpoints of the Hugging Face Hub on the command line."""

import argparse
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from weight_files import timm_repository

from vit_core.cli import download
from vit_core.errors import BadSetting
from vit_core.settings import PUBLIC_BUCKET, Settings, bundled_data_dir

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

    folder = tmp_path / "timm--vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    assert Path(result.stdout.strip()).name == "model.safetensors"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_download_mixes_no_two_commits(cli_download, hub, tmp_path: Path):
    hub.put("a/b", {"model.safetensors": b"old", "config.json": b"{}"})
    copy = cli_download("hf:a/b")
    assert cli_download("hf:a/b") == copy  # once more is no harm
    hub.put("a/b", {"model.npz": b"PKnew", "config.json": b"{}"})

    with pytest.raises(BadSetting, match=r"a--b' holds other files already \(model.safetensors\), .* Move that folder"):
        cli_download("hf:a/b", fresh=True)
    assert sorted(path.name for path in copy.parent.iterdir()) == ["config.json", "model.safetensors"]


def test_download_keeps_names_that_look_alike_apart(cli_download, hub):
    for repo in ("a/b_v1", "a_b/v1"):
        hub.put(repo, {"model.safetensors": repo.encode()})
    hub.put("a/b", {"model.safetensors": b"of v1"}, branch="v1")

    copies = {name: cli_download(name).read_bytes() for name in ("hf:a/b@v1", "hf:a/b_v1", "hf:a_b/v1")}

    assert set(copies.values()) == {b"of v1", b"a/b_v1", b"a_b/v1"}


@pytest.fixture
def cli_download(tmp_path: Path, capsys):
    """Run `download NAME --to FOLDER` in this process, with a cache of its own if it is to be fresh; give the path."""
    folder = tmp_path / "here"
    folder.mkdir()

    def run_it(name: str, *, fresh: bool = False) -> Path:
        settings = Settings(bucket=str(tmp_path), cache_dir=tmp_path / ("fresh" if fresh else "cache"))
        assert download.run(argparse.Namespace(names=[name], to=str(folder)), settings) == 0
        return Path(capsys.readouterr().out.strip())

    return run_it


def test_a_closed_bucket_names_the_copy_on_the_hub(run: Run, fault_proxy):
    fault_proxy.private = True

    result = run("download", TINY, **fault_proxy.environment(VIT_BUCKET=PUBLIC_BUCKET))

    assert result.returncode == 1
    assert "hf:timm/vit_tiny_patch16_224.augreg_in21k (" in " ".join(result.stderr.split())


def test_an_address_that_is_refused_ends_with_one_line(run: Run, assert_refused):
    assert_refused(run("download", "gs://somebodys/a.npz"), "only objects of the buckets")
