"""Weights for the reference logits in this folder, drawn the same everywhere and never stored.

    python tests/golden/make_weights.py OUT_DIR [MODEL ...]

Each array comes from numpy's `RandomState`, seeded with the CRC-32 of "MODEL|NAME", so that it depends on nothing but
its name, and is scaled like the original initialisers. Nothing is left at 0 or 1: a tensor that is swapped, forgotten
or transposed shows in the logits. The layout is the published one: flat names, stored, GroupNorm arrays (1, 1, 1, C).
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SQRT3 = np.float32(3**0.5)  # a uniform draw from [-1, 1] times this has deviation 1


def draw(*key: str) -> np.random.RandomState:
    """Give the generator that belongs to a name."""
    return np.random.RandomState(zlib.crc32("|".join(key).encode()))


def weight(model: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draw one array of a model."""
    uniform = draw(model, name).random_sample(int(np.prod(shape))).astype(np.float32) * 2 - 1
    unit = (uniform * SQRT3).reshape(shape)
    *_, parent, leaf = ["", *name.split("/")]
    if leaf == "scale":
        return (1 + 0.2 * unit).astype(np.float32)
    if leaf in ("bias", "cls", "pos_embedding"):
        return ((0.05 if leaf == "bias" else 0.1) * unit).astype(np.float32)
    fan_in = np.prod(shape[:-1]) if parent == "out" or len(shape) == 4 else shape[0]
    gain = 2.0 if parent == "head" else 1.0
    return (unit * np.float32(gain / np.sqrt(fan_in))).astype(np.float32)


def images(resolution: int) -> np.ndarray:
    """Give two images in [-1, 1], float32 [2, H, W, 3]: white noise, and smooth waves with some noise."""
    shape = (resolution, resolution, 3)
    noise = draw("inputs", "noise", str(resolution)).random_sample(shape) * 2 - 1
    rows, columns = np.meshgrid(*2 * [np.linspace(0, 1, resolution)], indexing="ij")
    random = draw("inputs", "waves", "0")
    waves = np.zeros(shape)
    for channel in range(3):
        for _ in range(4):
            vertical, horizontal, phase = random.uniform(-5, 5), random.uniform(-5, 5), random.uniform(0, 2 * np.pi)
            waves[..., channel] += np.sin(2 * np.pi * (vertical * rows + horizontal * columns) + phase) / 4
    grain = draw("inputs", "noise2", str(resolution)).random_sample(shape) * 2 - 1
    return np.clip(np.stack([noise, 0.8 * waves + 0.2 * grain]), -1, 1).astype(np.float32)


def write(model: str, folder: Path) -> Path:
    """Write the weights of a model as `MODEL.npz`, and give the file."""
    shapes = json.loads((HERE / "shapes.json").read_text())[model]
    path = folder / f"{model}.npz"
    np.savez(path, **{name: weight(model, name, tuple(shape)) for name, shape in shapes.items()})
    return path


if __name__ == "__main__":
    for chosen in sys.argv[2:] or json.loads((HERE / "shapes.json").read_text()):
        print(write(chosen, Path(sys.argv[1])))
