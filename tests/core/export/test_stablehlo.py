"""`model.stablehlo` answers as the predictor does, in a process where this project cannot be imported."""

import dataclasses

import numpy as np
import psutil
import pytest
from foreign_process import run_without_project
from jax import export

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.errors import BadInput, Failure
from vit_core.export.checkpoint import export_checkpoint
from vit_core.export.stablehlo import FILE, check_stablehlo, write_stablehlo
from vit_core.inference.predictor import load_predictor
from vit_core.models.build import flatten, unflatten
from vit_core.models.config import VARIANTS, ModelConfig, ResNetConfig
from vit_core.preprocess import normalise

TOLERANCE = 3e-6  # the same sums in another order; logits are of order 1

PLAIN = ModelConfig(patch_size=4, hidden_size=16, num_layers=1, mlp_dim=32, num_heads=2, num_classes=3, resolution=16)
KINDS = {
    "class token": {},
    "mean, no head": {"classifier": "gap", "num_classes": 0},
    "attention pooling, exact GELU": {"classifier": "map", "activation": "gelu"},
    "pre_logits": {"representation_size": 8},
    "Mixer": {"num_heads": 0, "tokens_mlp_dim": 8, "classifier": "gap"},
    "hybrid": {"resnet": ResNetConfig(num_blocks=(1,), width=32), "patch_size": 1},
}
# Opens every program that lies in the folder and keeps what it answers, the first for two batch sizes.
CODE = f"""
import jax, numpy as np
from jax import export
from pathlib import Path
for folder in Path(".").glob("[0-9]*"):
    model = export.deserialize(bytearray((folder / "{FILE}").read_bytes()))
    images = np.load(folder / "images.npy")
    np.savez(folder / "answers.npz", **jax.jit(model.call)(images))
    if folder.name == "0":
        np.savez(folder / "one.npz", **jax.jit(model.call)(images[:1]))
"""


@dataclasses.dataclass
class Room:
    """What psutil tells of the memory: the machine of a test has what it has."""

    available: int


def drawn(config):
    """Draw weights of which none is 0 or 1."""
    random = np.random.default_rng(1)
    return unflatten(
        {
            path: array + np.float32(0.3) * random.standard_normal(array.shape, dtype=np.float32)
            for path, array in flatten(init_params(config, seed=0)).items()
        }
    )


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The folder of each kind of model: its weights, its program, pictures, and the program's answers from outside."""
    parent = tmp_path_factory.mktemp("programs")
    folders = {kind: parent / str(number) for number, kind in enumerate(KINDS)}
    for kind, folder in folders.items():
        config = dataclasses.replace(PLAIN, **KINDS[kind])
        folder.mkdir()
        params = drawn(config)
        save_npz(folder / "model.npz", config, params)
        write_stablehlo(folder, model=config, params=params, has_classes=config.num_classes > 0)
        shape = (3, config.resolution, config.resolution, 3)
        np.save(folder / "images.npy", np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8))
    result = run_without_project(CODE, parent)
    assert result.returncode == 0, result.stderr
    return folders


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_answers_elsewhere_as_the_predictor_does_here(answered, kind):
    folder = answered[kind]
    predictor = load_predictor(folder / "model.npz", device="cpu")
    images = normalise(np.load(folder / "images.npy"))
    answers = np.load(folder / "answers.npz")

    np.testing.assert_allclose(answers["features"], predictor.features(images), atol=TOLERANCE)
    if predictor.config.num_classes:
        logits = predictor.logits(images)
        np.testing.assert_allclose(answers["logits"], logits, atol=TOLERANCE)
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(answers["probabilities"], shares, atol=TOLERANCE)


def test_a_model_without_a_head_gives_features_alone(answered):
    assert set(np.load(answered["mean, no head"] / "answers.npz")) == {"features"}


def test_one_picture_is_answered_as_among_others(answered):
    one, three = (np.load(answered["class token"] / name)["logits"] for name in ("one.npz", "answers.npz"))
    np.testing.assert_allclose(one, three[:1], atol=TOLERANCE)


def test_a_program_takes_pictures_as_bytes_in_any_number_on_three_kinds_of_device(answered):
    model = export.deserialize(bytearray((answered["class token"] / FILE).read_bytes()))
    (images,) = model.in_avals
    assert (str(images.shape), images.dtype) == ("(b, 16, 16, 3)", np.uint8)
    assert model.platforms == ("cpu", "cuda", "tpu")


def test_a_program_tells_nothing_of_the_machine_that_made_it(answered):
    content = (answered["hybrid"] / FILE).read_bytes()
    assert b".py" not in content
    assert b"vit_core" not in content


def test_equal_models_give_equal_programs(tmp_path):
    written = []
    for name in "ab":
        (tmp_path / name).mkdir()
        write_stablehlo(tmp_path / name, model=PLAIN, params=drawn(PLAIN), has_classes=True)
        written.append((tmp_path / name / FILE).read_bytes())
    assert written[0] == written[1]


def test_a_head_of_zeros_leaves_features(tmp_path):
    params = drawn(PLAIN)
    params["head"] = {name: np.zeros_like(array) for name, array in params["head"].items()}
    save_npz(tmp_path / "zeroed.npz", PLAIN, params)

    export_checkpoint(tmp_path / "zeroed.npz", tmp_path / "out", name="zeroed", stablehlo=True)

    outputs = export.deserialize(bytearray((tmp_path / "out" / FILE).read_bytes())).out_tree
    assert "features" in str(outputs)
    assert "logits" not in str(outputs)
    assert "whose head is all zeros: it names no classes" in (tmp_path / "out" / "README.md").read_text()


def test_weights_past_the_limit_of_the_format_are_refused_in_one_sentence():
    with pytest.raises(BadInput, match=r"holds at most 2\.1 GB, and the weights of H/14 are 2\.5 GB; export it"):
        check_stablehlo(VARIANTS["H/14"])


def test_l_16_fits_with_the_largest_head(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Room(10**11))
    check_stablehlo(dataclasses.replace(VARIANTS["L/16"], num_classes=21_843))


def test_too_little_memory_is_told_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Room(10**9))
    with pytest.raises(Failure, match=r"model.stablehlo of B/16 takes 2.3 GB of memory, and 1.0 GB are free"):
        check_stablehlo(VARIANTS["B/16"])
