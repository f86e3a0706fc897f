"""The PyTorch snippets of a checkpoint's card, run as they are shown, and an answer against ours."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from vit_core.catalog.index import load_catalogue, with_others
from vit_core.catalog.lookup import find_row
from vit_core.catalog.snippets import snippets
from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.inference.predictor import load_predictor
from vit_core.models.config import variant
from vit_core.settings import Settings

NAME = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0--imagenet2012-steps_20k-lr_0.03-res_384"
# Runs the snippet where torch's CPU build cannot load torchvision's operators; see conftest.py.
PRELUDE = "import runpy, sys; sys.path.insert(0, sys.argv[1]); import conftest; runpy.run_path(sys.argv[2])"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = variant("Ti/16").with_resolution(384)
    params = init_params(config, seed=0)
    # A fresh head is zero, which would make all answers equal.
    params["head"]["kernel"] = np.random.default_rng(0).normal(size=params["head"]["kernel"].shape).astype(np.float32)
    save_npz(tmp_path / f"{NAME}.npz", config, params)
    noise = np.random.default_rng(1).integers(0, 256, (384, 384, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.jpg")
    return tmp_path


def test_the_snippet_runs_as_it_is_shown_and_answers_as_we_do(folder: Path):
    frame = load_catalogue(Settings(bucket="/nowhere", cache_dir=folder / "cache"), network=False).frame
    code = next(snippet.code for snippet in snippets(find_row(frame, NAME)) if snippet.key == "timm")
    (folder / "snippet.py").write_text(code)
    command = [sys.executable, "-c", PRELUDE, str(Path(__file__).parent), "snippet.py"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=240)
    assert result.returncode == 0, result.stderr
    indices = [int(number) for number in re.findall(r"\d+", result.stdout.split("indices")[1])]
    ours = load_predictor(folder / f"{NAME}.npz", device="cpu").classify([folder / "photo.jpg"], top_k=5)[0]
    assert indices == [prediction.index for prediction in ours]


def test_the_way_from_a_pickle_to_safetensors_runs_as_it_is_shown(tmp_path: Path):
    frame = with_others(load_catalogue(Settings(bucket="/nowhere", cache_dir=tmp_path / "cache"), network=False)).frame
    (way,) = snippets(find_row(frame, "vit_small_p16_224-15ec54c9.pth"))
    weights = {"head.weight": torch.arange(6.0).reshape(2, 3).T}  # a view, which a safetensors file cannot hold
    torch.save(weights, tmp_path / "vit_small_p16_224-15ec54c9.pth")
    (tmp_path / "convert.py").write_text(way.code)
    result = subprocess.run([sys.executable, "convert.py"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    read = load_file(tmp_path / "vit_small_p16_224-15ec54c9" / "model.safetensors")
    told = json.loads((tmp_path / "vit_small_p16_224-15ec54c9" / "config.json").read_text())
    assert (told["pretrained_cfg"]["mean"], told["architecture"]) == ([0.485, 0.456, 0.406], "vit_small_patch16_224")
    np.testing.assert_array_equal(read["head.weight"], weights["head.weight"].numpy())
