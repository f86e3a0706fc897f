"""Draws practice.zip: a few pictures to try fine-tuning with, for whoever has no photos at hand.

    python data/demo/practice.py

Four things in any dark colour on any lighter ground: the form alone tells them apart, so that a class means what it
looks like. The same seed draws the same pictures.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64  # pixels
SMOOTH = 4  # pictures are drawn this many times as large, then reduced
PER_CLASS = 48
SEED = 26
TARGET = Path(__file__).with_name("practice.zip")

Points = list[tuple[float, float]]


def _oval(x: float, y: float, wide: float, high: float) -> Points:
    angles = [math.tau * step / 48 for step in range(48)]
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]


# Polygons within about -1 to 1, x to the right and y down; all of one thing get its ink.
THINGS: Mapping[str, list[Points]] = MappingProxyType(
    {
        "boat": [
            [(-0.95, 0.35), (0.95, 0.35), (0.6, 0.85), (-0.6, 0.85)],
            [(-0.05, 0.25), (-0.05, -0.95), (-0.7, 0.25)],
            [(0.1, 0.25), (0.1, -0.75), (0.6, 0.25)],
        ],
        "fish": [_oval(-0.2, 0.0, 0.75, 0.48), [(0.35, 0.0), (0.95, -0.5), (0.95, 0.5)]],
        "house": [[(-0.95, -0.1), (0.0, -0.95), (0.95, -0.1)], [(-0.7, -0.1), (0.7, -0.1), (0.7, 0.9), (-0.7, 0.9)]],
        "tree": [_oval(0.0, -0.35, 0.68, 0.6), [(-0.14, 0.1), (0.14, 0.1), (0.2, 0.95), (-0.2, 0.95)]],
    }
)


def draw(rng: np.random.Generator, thing: str) -> Image.Image:
    """Draw a thing in any place, size, tilt and colour, left or right."""
    ink, paper = _two_colours(rng)
    picture = Image.new("RGB", (SIDE * SMOOTH, SIDE * SMOOTH), paper)
    radius = rng.uniform(0.3, 0.44) * SIDE
    x, y = (SIDE / 2 + rng.uniform(-1, 1) * (SIDE / 2 - radius) * 0.8 for _ in range(2))
    tilt, mirror = math.radians(rng.uniform(-8, 8)), rng.choice([-1, 1])
    for points in THINGS[thing]:
        turned = [
            (
                x + radius * (mirror * right * math.cos(tilt) - down * math.sin(tilt)),
                y + radius * (mirror * right * math.sin(tilt) + down * math.cos(tilt)),
            )
            for right, down in points
        ]
        ImageDraw.Draw(picture).polygon([(right * SMOOTH, down * SMOOTH) for right, down in turned], fill=ink)
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), np.float64)
    shade = np.linspace(rng.uniform(-25, 25), rng.uniform(-25, 25), SIDE)[:, None, None]
    return Image.fromarray(np.clip(small + shade + rng.normal(0, 3, (SIDE, SIDE, 1)), 0, 255).astype(np.uint8))


def write(target: Path) -> None:
    """Write the zip: CLASS/NUMBER.jpg."""
    rng = np.random.default_rng(SEED)
    with zipfile.ZipFile(target, "w") as archive:
        for thing in THINGS:
            for number in range(1, PER_CLASS + 1):
                buffer = io.BytesIO()
                draw(rng, thing).save(buffer, "JPEG", quality=70, optimize=True)
                # A date of its own would make each zip another file.
                archive.writestr(zipfile.ZipInfo(f"{thing}/{thing}-{number:02d}.jpg"), buffer.getvalue())


def _two_colours(rng: np.random.Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Give the ink and a ground that is lighter (ITU-R BT.601) by enough to be told from it."""
    while True:
        (r, g, b), (red, green, blue) = rng.integers(20, 240, (2, 3)).tolist()
        if 0.299 * (red - r) + 0.587 * (green - g) + 0.114 * (blue - b) > 80:
            return (r, g, b), (red, green, blue)


if __name__ == "__main__":
    write(TARGET)
