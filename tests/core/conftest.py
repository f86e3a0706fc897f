"""What the tests of the core share: weights that need no download, tiny models."""

import importlib.util
import pathlib
import types
from collections.abc import Callable, Mapping

import hypothesis
import numpy as np
import pytest

from vit_core.models.config import ModelConfig, ResNetConfig

# The same examples on every machine, and no clock: a busy machine is not a failure.
hypothesis.settings.register_profile("core", deadline=None, derandomize=True)
hypothesis.settings.load_profile("core")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def golden_script() -> types.ModuleType:
    """The script that draws the reference weights and images."""
    spec = importlib.util.spec_from_file_location("golden_make_weights", GOLDEN / "make_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference_weights(
    golden_script: types.ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], pathlib.Path]:
    """Give the file of a reference model ("ViT-Ti_16", "R+ViT-Ti_16", "ViT-S_32-gap-norep", "Mixer-B_32").

    It is written once per run.
    """
    folder = tmp_path_factory.mktemp("weights")

    def write(model: str) -> pathlib.Path:
        path = folder / f"{model}.npz"
        return path if path.exists() else golden_script.write(model, folder)

    return write


@pytest.fixture(scope="session")
def reference_images(golden_script: types.ModuleType) -> Callable[[int], np.ndarray]:
    """Give the two images in [-1, 1] that the reference logits were computed for, by resolution."""
    return golden_script.images


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Mapping[str, np.ndarray]]:
    """Give the arrays of a file in tests/golden."""

    def read(name: str) -> Mapping[str, np.ndarray]:
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as arrays:
            return dict(arrays)

    return read


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    """A plain model of a few thousand parameters: 4 x 4 patches of 4 px, 2 layers, 10 classes."""
    return ModelConfig(
        patch_size=4, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=10, resolution=16
    )


@pytest.fixture(scope="session")
def tiny_mixer_config() -> ModelConfig:
    """An MLP-Mixer of a few thousand parameters: 4 x 4 patches of 4 px, 2 layers, 10 classes."""
    return ModelConfig(
        patch_size=4,
        hidden_size=16,
        num_layers=2,
        mlp_dim=32,
        num_heads=0,
        num_classes=10,
        resolution=16,
        classifier="gap",
        tokens_mlp_dim=8,
    )


@pytest.fixture(scope="session")
def tiny_hybrid_config() -> ModelConfig:
    """A hybrid with two ResNet stages, the second of two units, before 2 x 2 patches."""
    return ModelConfig(
        patch_size=2,
        hidden_size=16,
        num_layers=1,
        mlp_dim=32,
        num_heads=2,
        num_classes=10,
        resolution=32,
        resnet=ResNetConfig(num_blocks=(1, 2), width=32),
    )
