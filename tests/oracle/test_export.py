"""The folder that an export writes, loaded by timm as its card says, and timm's answers against ours."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from huggingface_hub import ModelCard
from PIL import Image

from vit_core.checkpoints.restore import init_params, load_checkpoint, save_npz
from vit_core.export.checkpoint import export_checkpoint
from vit_core.export.result import write_model
from vit_core.export.timm import timm_config, timm_problem, to_timm
from vit_core.inference.predictor import load_predictor
from vit_core.models.build import build, flatten, forward, unflatten
from vit_core.models.config import VARIANTS, ModelConfig
from vit_core.preprocess import normalise
from vit_core.settings import bundled_data_dir

NUM_CLASSES = 21
PLAIN_TOLERANCE = 3e-5  # logits of order 1; float32 sums in another order
HYBRID_TOLERANCE = 1e-4  # timm's GroupNorm has an epsilon of 1e-5 and ours of 1e-6
DEMO = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0--digits-steps_0k-lr_0.1-res_32"
# Runs a script where torch's CPU build cannot load torchvision's operators; see conftest.py.
PRELUDE = "import runpy, sys; sys.path.insert(0, sys.argv[1]); import conftest; runpy.run_path(sys.argv[2])"


def draw_params(config):
    """Leave nothing at 0 or 1; the convolutions before the patches deviate by 0.002 to 0.3, as in real models."""
    random = np.random.default_rng(2)
    flat = flatten(init_params(config, seed=0))
    for path, array in flat.items():
        noise = random.standard_normal(array.shape, dtype=np.float32)
        if path == "head/kernel":
            flat[path] = noise / np.sqrt(len(array), dtype=np.float32)
        elif path.startswith("resnet") and path.endswith("kernel"):
            flat[path] = noise * np.float32(0.03) * np.exp(random.normal(size=array.shape[-1])).astype(np.float32)
        elif not path.endswith("kernel"):
            flat[path] = array + np.float32(0.1) * noise
    return unflatten(flat)


def images(resolution):
    return np.random.default_rng(1).uniform(-1, 1, size=(2, resolution, resolution, 3)).astype(np.float32)


def loaded(folder):
    return timm.create_model(f"local-dir:{folder}", pretrained=True).eval()


def difference(config, folder):
    """Give the largest difference between our logits and those of timm's model of the exported folder."""
    params = draw_params(config)
    write_model(folder, model=config, params=params, labels=["x"] * config.num_classes, name="x")
    pixels = images(config.resolution)
    ours = forward(build(config)[0], params, pixels)
    with torch.inference_mode():
        theirs = loaded(folder)(torch.from_numpy(pixels.transpose(0, 3, 1, 2))).numpy()
    return np.abs((ours.logits if config.num_classes else ours.features) - theirs).max()


def small(variant, resolution, **changes):
    """Give a variant with two layers where it is large: every layer is the same code."""
    config = VARIANTS[variant]
    layers = 12 if config.hidden_size < 768 and config.num_params < 3e7 else 2
    config = dataclasses.replace(config, num_layers=layers, num_classes=NUM_CLASSES, **changes)
    return config.with_resolution(resolution)


@pytest.mark.parametrize(
    ("variant", "resolution"),
    [("Ti/16", 224), ("Ti/16", 384), ("S/32", 224), ("S/16", 256), ("B/32", 384), ("B/16", 224), ("B/8", 224)],
)
def test_a_plain_model_answers_in_timm_as_here(variant, resolution, tmp_path):
    assert difference(small(variant, resolution), tmp_path) < PLAIN_TOLERANCE


@pytest.mark.parametrize(("variant", "resolution"), [("R+Ti/16", 224), ("R+Ti/16", 384), ("R26+S/32", 224)])
def test_a_hybrid_answers_in_timm_as_here(variant, resolution, tmp_path):
    assert difference(small(variant, resolution), tmp_path) < HYBRID_TOLERANCE


def test_the_largest_hybrid_answers_in_timm_as_here(tmp_path):
    assert difference(small("R50+L/32", 224), tmp_path) < HYBRID_TOLERANCE


@pytest.mark.parametrize(
    "changes",
    [
        {"classifier": "gap"},
        {"classifier": "map"},
        {"num_classes": 0},
        {"qkv_bias": False},
        {"activation": "gelu"},
        {"layer_scale": True, "class_position": False},
    ],
    ids=["averaging", "attention pooling", "no head", "no qkv bias", "exact GELU", "as DeiT III"],
)
def test_other_ends_of_a_model_answer_in_timm_as_here(changes, tmp_path):
    assert difference(dataclasses.replace(small("S/32", 224), **changes), tmp_path) < PLAIN_TOLERANCE


@pytest.mark.parametrize("num_classes", [NUM_CLASSES, 0])
def test_a_mixer_with_the_exact_gelu_answers_in_timm_as_here(num_classes, tmp_path):
    config = dataclasses.replace(VARIANTS["Mixer-S/32"], activation="gelu", num_classes=num_classes)
    assert difference(config, tmp_path) < PLAIN_TOLERANCE


def test_a_mixer_with_the_tanh_gelu_cannot_be_asked_for_in_a_config_of_timm():
    assert "exact form of GELU" in timm_problem(VARIANTS["Mixer-S/32"])
    with pytest.raises(TypeError, match="not callable"):  # once this is gone, such a Mixer can be exported
        timm.create_model("mixer_s32_224", act_layer="gelu_tanh")


@pytest.mark.parametrize(("width", "mlp_dim", "heads"), [(48, 192, 3), (49, 48, 7), (93, 1000, 1)])
def test_a_model_that_timm_has_no_name_for_answers_there_as_here(width, mlp_dim, heads, tmp_path):
    config = ModelConfig(
        patch_size=4, hidden_size=width, num_layers=3, mlp_dim=mlp_dim, num_heads=heads, num_classes=5, resolution=20
    )
    assert difference(config, tmp_path) < PLAIN_TOLERANCE


def as_in_timm(config):
    """Give a Mixer the exact GELU, with which alone timm builds one."""
    return dataclasses.replace(config, activation="gelu") if config.is_mixer else config


@pytest.mark.parametrize("resolution", [224, 384])
@pytest.mark.parametrize(
    "variant", [name for name, config in VARIANTS.items() if timm_problem(as_in_timm(config)) is None]
)
def test_the_arrays_are_exactly_those_of_the_model_that_timm_builds(variant, resolution):
    config = as_in_timm(dataclasses.replace(VARIANTS[variant], num_classes=NUM_CLASSES))
    if not config.is_mixer:
        config = config.with_resolution(resolution - resolution % config.stride)  # 378 for H/14
    blank = {path: np.zeros(leaf.shape, np.float32) for path, leaf in flatten(build(config)[1]).items()}
    told = timm_config(config, ["x"] * NUM_CLASSES, name="x")

    with torch.device("meta"):
        model = timm.create_model(told["architecture"], num_classes=NUM_CLASSES, **told["model_args"])

    theirs = {name: tuple(array.shape) for name, array in model.state_dict().items()}
    assert {name: array.shape for name, array in to_timm(config, unflatten(blank)).items()} == theirs


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The folder of a demo checkpoint, with a picture in it."""
    folder = tmp_path_factory.mktemp("exported") / "demo"
    export_checkpoint(bundled_data_dir() / "demo" / f"{DEMO}.npz", folder, name=DEMO)
    digit = next((bundled_data_dir() / "demo" / "samples").glob("digit-4-*.jpg"))
    Image.open(digit).save(folder / "photo.jpg", quality=95)
    return folder


def test_the_demo_model_is_prepared_for_as_it_was_tested(exported):
    model = loaded(exported)
    wanted = timm.data.resolve_model_data_config(model)
    assert wanted["input_size"] == (3, 32, 32)
    assert (wanted["mean"], wanted["std"]) == ([0.5] * 3, [0.5] * 3)
    assert (wanted["crop_pct"], wanted["crop_mode"], wanted["interpolation"]) == (1.0, "squash", "bilinear")
    assert model.pretrained_cfg["label_names"][4] == "digit 4"


def test_the_pytorch_code_of_the_card_runs_as_it_is_shown_and_answers_as_we_do(exported):
    blocks = re.findall(r"```python\n(.*?)```", (exported / "README.md").read_text(), flags=re.DOTALL)
    (exported / "shown.py").write_text(next(block for block in blocks if "import timm" in block))
    command = [sys.executable, "-c", PRELUDE, str(Path(__file__).parent), "shown.py"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=exported, timeout=240)
    assert result.returncode == 0, result.stderr

    ours = load_predictor(exported / "model.npz", device="cpu").classify([exported / "photo.jpg"], top_k=5)[0]

    lines = [re.fullmatch(r"([\d.]+)%  (.*)", line) for line in result.stdout.splitlines()]
    assert [line[2] for line in lines] == [prediction.label for prediction in ours]
    # A photo of 96 px goes through Pillow's bilinear filter there and through ours here.
    for line, prediction in zip(lines, ours, strict=True):
        assert abs(float(line[1]) / 100 - prediction.probability) < 0.02


def test_the_pytorch_code_of_a_card_without_classes_gives_our_features(exported, tmp_path):
    checkpoint = load_checkpoint(exported / "model.npz")
    bare = {name: leaf for name, leaf in checkpoint.params.items() if name != "head"}
    save_npz(tmp_path / "bare.npz", dataclasses.replace(checkpoint.config, num_classes=0), bare)
    export_checkpoint(tmp_path / "bare.npz", tmp_path / "out", name="bare.npz")
    square = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)  # so that nobody resizes it
    Image.fromarray(square).save(tmp_path / "out" / "photo.png")

    blocks = re.findall(r"```python\n(.*?)```", (tmp_path / "out" / "README.md").read_text(), flags=re.DOTALL)
    shown = next(block for block in blocks if "import timm" in block).replace("photo.jpg", "photo.png")
    (tmp_path / "out" / "shown.py").write_text(
        f"import torch; torch.set_printoptions(profile='full', precision=6)\n{shown}"
    )
    command = [sys.executable, "-c", PRELUDE, str(Path(__file__).parent), "shown.py"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path / "out", timeout=240)
    assert result.returncode == 0, result.stderr

    features = load_predictor(tmp_path / "bare.npz", device="cpu").features(normalise(square[None]))
    printed = [float(number) for number in re.findall(r"-?\d+\.\d*(?:e[-+]\d+)?", result.stdout)]
    np.testing.assert_allclose(printed, features[0], atol=PLAIN_TOLERANCE)


def test_the_hub_reads_the_card(exported):
    data = ModelCard((exported / "README.md").read_text(), ignore_metadata_errors=False).data
    assert (data.library_name, data.pipeline_tag, data.license) == ("timm", "image-classification", "apache-2.0")
