"""What the contestants of a cell share: the same weights in each one's layout, the same images, the same settings."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import Cell
from vit_core.bench.ceilings import gflop_of_product
from vit_core.bench.conditions import usable_cores
from vit_core.bench.photos import SIZES, photo
from vit_core.bench.train import LEARNING_RATE, NUM_CLASSES
from vit_core.bench.weights import model_config, random_images, random_params
from vit_core.checkpoints.restore import save_npz
from vit_core.export.result import write_model
from vit_core.models.config import ModelConfig


def write_ingredients(cell: Cell, folder: Path, *, device: str = "cpu", dtype: str | None = None) -> dict[str, Any]:
    """Write the files of a cell into a folder; give the spec that is sent to every contestant.

    Args:
        cell: what is compared.
        folder: an empty one.
        device: "cpu" or "gpu".
        dtype: "float32" or "bfloat16"; None as each device computes.
    """
    spec: dict[str, Any] = {
        "kind": cell.kind,
        "model": cell.model,
        "batch": cell.batch,
        "resolution": cell.resolution,
        "threads": usable_cores(),
        "device": device,
        "dtype": dtype,
        "resident": device == "gpu",
        "folder": str(folder),
        "learning_rate": LEARNING_RATE,
        "ceiling_gflop": gflop_of_product(device),
    }
    if cell.model:
        classes = NUM_CLASSES if cell.kind == "train" else 1000
        spec |= _write_model(model_config(cell.model, resolution=cell.resolution, num_classes=classes), folder)
        spec["images"] = str(folder / "images.npy")
        np.save(spec["images"], random_images(cell.batch, cell.resolution))
    if cell.kind == "files":
        spec["files"] = [str(path) for path in _write_photos(cell, folder)]
    (folder / "spec.json").write_text(json.dumps(spec))
    return spec


def _write_model(config: ModelConfig, folder: Path) -> dict[str, Any]:
    params = random_params(config)
    save_npz(folder / "model.npz", config, params)
    timm = folder / "timm"
    timm.mkdir()
    # timm's Mixers compute the exact GELU and cannot be asked for another; the worker changes that, weights stay.
    exported = dataclasses.replace(config, activation="gelu") if config.is_mixer else config
    labels = [f"class {number}" for number in range(config.num_classes)]
    write_model(timm, model=exported, params=params, labels=labels, name="random")
    shape = {
        name: getattr(config, name)
        for name in ("patch_size", "hidden_size", "num_layers", "mlp_dim", "num_heads", "num_classes", "tokens_mlp_dim")
    }
    return {
        "npz": str(folder / "model.npz"),
        "timm": str(timm),
        "num_classes": config.num_classes,
        "activation": config.activation,
        "shape": shape | {"has_stem": config.resnet is not None},
    }


def _write_photos(cell: Cell, folder: Path) -> list[Path]:
    """Write one photo per image of the batch; the large ones repeat, since drawing them takes longer than reading."""
    different = cell.batch if cell.size == "500x375" else 2
    drawn = [photo(*SIZES[cell.size], seed=seed) for seed in range(min(different, cell.batch))]
    paths = [folder / f"{number}.jpg" for number in range(cell.batch)]
    for number, path in enumerate(paths):
        path.write_bytes(drawn[number % len(drawn)])
    return paths
