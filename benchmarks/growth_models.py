"""Inference with larger batches and larger inputs, through the product's programs."""

from collections.abc import Iterator, Sequence

from benchmarks.growth_point import Point
from vit_core.bench.infer import answers
from vit_core.bench.weights import model_config, random_images, random_params
from vit_core.bench.windows import duration, interleave
from vit_core.devices import pick_device
from vit_core.inference.programs import precision
from vit_core.models.cost import gflops

MODEL = "Ti/16"
_WINDOWS = 3


def by_batch(sizes: Sequence[int]) -> Iterator[Point]:
    """Time a batch of each size at 224 px."""
    for size in sizes:
        yield Point(size, f"seconds of a batch, {MODEL}", "s", _seconds(size, 224))


def by_resolution(sizes: Sequence[int]) -> Iterator[Point]:
    """Time one image of each resolution, and what its arithmetic takes.

    That grows faster than the pixels: attention compares all pairs of tokens.
    """
    for size in sizes:
        seconds, work = _seconds(1, size), gflops(model_config(MODEL, resolution=size))
        yield Point(size, f"seconds of an image, {MODEL}", "s", seconds)
        yield Point(size, f"seconds of a GFLOP of it, {MODEL}", "s", tuple(each / work for each in seconds))


def _seconds(batch: int, resolution: int) -> tuple[float, ...]:
    device = pick_device("auto")
    config = model_config(MODEL, resolution=resolution)
    run = answers(config, random_params(config), device, batch=batch, dtype=precision(device))
    images = random_images(batch, resolution)
    return tuple(interleave({"run": duration(lambda: run(images))}, windows=_WINDOWS)["run"])
