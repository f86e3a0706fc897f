"""Weights that nobody trained, at published shapes: a benchmark downloads nothing.

Drawn so that activations keep their size through all layers and nothing is 0 or 1: a wrong sum shows in the
answers, and the head names classes.
"""

import dataclasses
import math
import zlib
from pathlib import Path

import numpy as np

from vit_core.checkpoints.restore import save_npz
from vit_core.models.config import ModelConfig, variant
from vit_core.models.shapes import param_shapes
from vit_core.models.tree import Params, unflatten


def model_config(name: str, *, resolution: int | None = None, num_classes: int = 1000) -> ModelConfig:
    """Give a published architecture for an input size.

    Raises:
        UnknownName: no such variant.
        BadInput: the resolution does not suit it.
    """
    config = dataclasses.replace(variant(name), num_classes=num_classes)
    return config if resolution is None else config.with_resolution(resolution)


def random_params(config: ModelConfig, *, seed: int = 0) -> Params:
    """Draw float32 arrays in the shape of `build(config)`'s parameters; equal seeds give equal weights."""
    return unflatten({path: _draw(path, shape, seed) for path, shape in param_shapes(config).items()})


def random_checkpoint(config: ModelConfig, path: Path, *, seed: int = 0) -> Path:
    """Write such weights as a checkpoint file in the published layout, and give its path."""
    save_npz(path, config, random_params(config, seed=seed))
    return path


def random_images(count: int, resolution: int, *, seed: int = 1) -> np.ndarray:
    """Give uint8 [count, resolution, resolution, 3] of noise: what is computed does not depend on what is seen."""
    return np.random.default_rng(seed).integers(0, 256, (count, resolution, resolution, 3), np.uint8)


def _draw(path: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    generator = np.random.default_rng([seed, zlib.crc32(path.encode())])
    drawn: np.ndarray = generator.standard_normal(shape, dtype=np.float32)
    if path.startswith("resnet") and path.endswith("kernel"):
        drawn *= 10  # standardised anyway; large, so that no epsilon shows
    elif path.endswith("scale"):
        drawn *= 0.2
        drawn += 1
    elif path.endswith("kernel"):
        inputs = shape[:1] if path.split("/")[-2] in ("query", "key", "value") else shape[:-1]
        drawn /= math.sqrt(math.prod(inputs))
    else:
        drawn *= 0.1
    return drawn
