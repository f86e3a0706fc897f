"""Small checkpoints and pictures for predictions."""

import io
import pathlib
from collections.abc import Callable

import jax
import numpy as np
import pytest
from PIL import Image

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.models.config import ModelConfig
from vit_core.settings import Settings


@pytest.fixture(scope="session")
def write_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pathlib.Path]:
    """Write a checkpoint of random weights; the head too is random, so that images differ in their classes."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def write(config: ModelConfig, *, name: str = "tiny", seed: int = 0) -> pathlib.Path:
        path = folder / f"{name}-{seed}.npz"
        if not path.exists():
            draw = np.random.default_rng(seed)
            params = jax.tree.map(
                lambda leaf: np.asarray(leaf + 0.3 * draw.standard_normal(leaf.shape), np.float32),
                init_params(config, seed=seed),
            )
            save_npz(path, config, params)
        return path

    return write


@pytest.fixture(scope="session")
def tiny_checkpoint(write_checkpoint: Callable[..., pathlib.Path], tiny_config: ModelConfig) -> pathlib.Path:
    """The file of a model of 16 px, 4 x 4 patches, 2 layers of 2 heads and 10 classes."""
    return write_checkpoint(tiny_config)


@pytest.fixture(scope="session")
def picture() -> Callable[[int], bytes]:
    """Give a PNG of 24 x 20 pixels that differs from seed to seed."""

    def draw(seed: int) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((24, 20)).save(buffer, "PNG")
        return buffer.getvalue()

    return draw


@pytest.fixture(scope="session")
def cpu_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a cache of their own, which the tests of a run share, and the CPU as device."""
    return Settings(cache_dir=tmp_path_factory.mktemp("cache"), device="cpu")
