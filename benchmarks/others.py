"""Comparisons that need no process that waits: decoding in this one, first predictions in new ones."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.cells import EAGER, LINEN, OURS, PEERS_PYTHON, PILLOW, Cell
from benchmarks.contestant import ROOT
from vit_core.bench.decode import per_cpu_second
from vit_core.bench.photos import SIZES, photo
from vit_core.bench.report import Row
from vit_core.bench.start import process_output
from vit_core.bench.windows import interleave
from vit_core.errors import Failure
from vit_core.image_file import shrinking
from vit_core.imports import keep_opencv_single_threaded
from vit_core.inference.crop import file_input
from vit_core.models.config import VARIANTS
from vit_core.preprocess import sufficient_side, to_model_input

_PIXELS = 1 / 255  # mean difference to the reference, of the range of a pixel


def measure_decode(cell: Cell, *, windows: int, window_s: float) -> list[Row]:
    """Compare decoding and resizing per CPU second with Pillow's; ours has to give the reference's pixels.

    The reference decodes every pixel with Pillow, averages squares of a large photo's pixels and interpolates as the
    original evaluation does.
    """
    keep_opencv_single_threaded()
    data, resolution = photo(*SIZES[cell.size]), cell.resolution
    config = VARIANTS["B/16"].with_resolution(resolution)
    with Image.open(io.BytesIO(data)) as image:
        whole = image.convert("RGB")
    averaged = whole.reduce(shrinking(whole.size, sufficient_side(resolution)))
    reference = to_model_input(np.asarray(averaged), resolution)

    def ours() -> np.ndarray:
        return file_input(data, config, "resize")

    def pillow() -> np.ndarray:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB").resize((resolution, resolution), Image.Resampling.BILINEAR))

    apart = float(np.abs(ours().astype(int) - reference.astype(int)).mean()) / 255
    row = Row(task=OURS, unit="img per CPU second", better="more")
    if apart > _PIXELS:
        return [Row(task=OURS, unit=row.unit, better="more", refused=f"Pixels differ by {apart:.4f} on average.")]
    contestants = {
        OURS: per_cpu_second(ours, at_least_s=window_s),
        PILLOW: per_cpu_second(pillow, at_least_s=window_s),
    }
    figures = interleave(contestants, windows=windows)
    note = {OURS: f"pixels differ from the reference by {apart:.5f} of their range on average", PILLOW: ""}
    return [
        Row(task=name, unit=row.unit, better="more", figures=tuple(values), note=note[name])
        for name, values in figures.items()
    ]


def measure_start(cell: Cell, spec: dict[str, Any], *, windows: int) -> list[Row]:
    """Compare new processes, from their start to the class of one photo, with programs compiled by an earlier one.

    The photo has the size of the input, so that nobody resizes and all have to name the same class.
    """
    folder = Path(spec["folder"])
    image, words = folder / "photo.jpg", (str(folder / "spec.json"), str(folder / "photo.jpg"))
    image.write_bytes(photo(cell.resolution, cell.resolution))
    commands = {
        OURS: (sys.executable, "-m", "vit_core.bench.first_prediction", spec["npz"], str(image)),
        LINEN: (sys.executable, "-m", "benchmarks.workers.first_linen", *words),
        EAGER: (str(PEERS_PYTHON), "-m", "benchmarks.workers.first_timm", *words),
    }
    environment = os.environ | {
        "VIT_CACHE_DIR": str(folder / "cache"),
        "VIT_DEVICE": "cpu",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT),
    }
    linen = {"JAX_COMPILATION_CACHE_DIR": str(folder / "linen-cache")}
    answers: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name in cell.contestants:
        try:
            answers[name] = process_output(commands[name], environment | (linen if name == LINEN else {}))[0].strip()
        except (Failure, OSError) as error:
            refused[name] = str(error)
            continue
        if answers[name] != answers.get(OURS):
            refused[name] = f"It names class {answers[name]}, and not {answers.get(OURS, 'any')}."

    def seconds(name: str) -> float:
        return process_output(commands[name], environment | (linen if name == LINEN else {}))[1]

    racing = [name for name in cell.contestants if name not in refused]
    figures = interleave({name: lambda name=name: seconds(name) for name in racing}, windows=windows, warm_up=False)
    return [
        Row(task=name, unit="s", better="less", refused=refused[name])
        if name in refused
        else Row(task=name, unit="s", better="less", figures=tuple(figures[name]))
        for name in cell.contestants
    ]
