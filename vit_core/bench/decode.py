"""`bench decode`: image files to the pixels a model sees, per CPU second; and files to class names.

The ceiling of decoding is libjpeg alone, at the scale that suffices for the resolution asked for.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vit_core.bench.conditions import Conditions
from vit_core.bench.options import Options
from vit_core.bench.photos import SIZES, photo
from vit_core.bench.report import Report, Row, with_share
from vit_core.bench.weights import model_config, random_checkpoint
from vit_core.bench.windows import Window, interleave, rate
from vit_core.image_file import shrinking
from vit_core.inference.crop import file_input
from vit_core.inference.predictor import load_predictor
from vit_core.models.config import ModelConfig
from vit_core.plain_jpeg import decode_plain_jpeg
from vit_core.preprocess import sufficient_side
from vit_core.settings import Settings

_CEILING = "libjpeg alone"


def measure(options: Options, settings: Settings, *, sizes: dict[str, tuple[int, int]] | None = None) -> Report:
    """Measure photos of two sizes.

    Args:
        options: model and batch are those of the files that are classified.
        settings: where compiled programs are kept.
        sizes: width and height by name.

    Raises:
        UnknownName: no such model.
        BadInput: the resolution does not suit the model.
    """
    conditions = Conditions()
    config = model_config(options.model, resolution=options.resolution)
    sizes = sizes or SIZES
    photos = {name: photo(*size) for name, size in sizes.items()}
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="vit-bench-") as folder:
        predictor = load_predictor(random_checkpoint(config, Path(folder) / "model.npz"), settings=settings)
        for name, data in photos.items():
            items = [data] * options.batch
            contestants = {
                f"{_CEILING}, {name}": per_cpu_second(_alone(data, sizes[name], options), at_least_s=options.window_s),
                f"decode and resize, {name}": per_cpu_second(_ours(data, config), at_least_s=options.window_s),
                f"files to labels, {name}": rate(
                    lambda items=items: predictor.classify(items, top_k=5),  # type: ignore[misc]  # a default argument
                    amount=options.batch,
                    at_least_s=options.window_s,
                ),
            }
            figures |= interleave(contestants, windows=options.windows)
    return Report(
        bench="decode",
        subject=f"JPEG to {options.resolution} px; labels by {options.model}, batch {options.batch}",
        options=options.to_plain(),
        measured=conditions.to_plain(device=predictor.device),
        rows=[_row(task, figures) for task in figures],
    )


def per_cpu_second(work: Callable[[], object], *, at_least_s: float) -> Window:
    """Give a window of how often a piece of work is done per second of this process's CPU time, all threads counted."""

    def window() -> float:
        times, began, wall = 0, time.process_time(), time.perf_counter()
        while True:
            work()
            times += 1
            if time.perf_counter() - wall >= at_least_s and time.process_time() > began:
                return times / (time.process_time() - began)

    return window


def _ours(data: bytes, config: ModelConfig) -> Callable[[], np.ndarray]:
    return lambda: file_input(data, config, "resize")


def _alone(data: bytes, size: tuple[int, int], options: Options) -> Callable[[], np.ndarray | None]:
    factor = shrinking(size, sufficient_side(options.resolution))
    return lambda: decode_plain_jpeg(data, size, factor=factor)


def _row(task: str, figures: dict[str, list[float]]) -> Row:
    what, _, name = task.partition(", ")
    unit = "img/s" if what == "files to labels" else "img per CPU second"
    row = Row(task=task, unit=unit, better="more", figures=tuple(figures[task]))
    if what != "decode and resize":
        return row
    return with_share(row, of=figures[f"{_CEILING}, {name}"], ceiling=_CEILING)
