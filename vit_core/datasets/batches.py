"""Batches of images and targets, made by threads ahead of the device.

Step `s` of a run takes the places `s * B` to `s * B + B` of the run's order (`vit_core.datasets.order`); what happens
to an image depends on (seed, epoch, index) alone, and Mixup on (seed, step). So neither the number of threads nor where
a run was resumed changes a batch. Knows nothing of devices.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Generator, Iterator

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from vit_core.datasets.crops import inception_crop, mirrored
from vit_core.datasets.mixing import blend, blend_targets, draw_share
from vit_core.datasets.order import Order, generator
from vit_core.datasets.pixels import Pixels
from vit_core.datasets.rand_augment import LEVELS, rand_augment
from vit_core.datasets.recipe import Recipe
from vit_core.datasets.threads import available_cores, in_order
from vit_core.errors import BadDataset

_PART = 16  # images that a thread makes at a time


@dataclasses.dataclass(frozen=True)
class Batch:
    """What one step learns from, or one part of a test.

    Attributes:
        images: uint8 [B, res, res, 3].
        targets: float32 [B, K]; share of each class, after Mixup and before smoothing.
        weights: float32 [B]; how much each image counts, 1 on average over the data set, 0 for padding.
    """

    images: UInt8[np.ndarray, "B res res 3"]
    targets: Float32[np.ndarray, "B K"]
    weights: Float32[np.ndarray, " B"]


_Task = Callable[[], Batch | None]  # makes some images of a batch; the last one of a batch gives it


def train_batches(
    pixels: Pixels, config: Recipe, num_classes: int, *, first_step: int = 0, workers: int | None = None
) -> Generator[Batch, None, None]:
    """Give the batches of a run from a step on, to the last.

    Close the generator to end its threads early. Up to one batch waits finished while the next is made. Every batch
    has arrays of its own, which stay as they are: JAX may go on reading them after a step was asked for.

    Args:
        pixels: the images to learn from.
        config: the settings of the run.
        num_classes: K.
        first_step: the first one that is given; 0 is the start of the run.
        workers: threads; None for one per core.

    Raises:
        BadDataset: there are no images, or one can no longer be read; the message names it.
    """
    if not len(pixels):
        raise BadDataset("There are no images to learn from.")
    return _made(_training_tasks(pixels, config, num_classes, first_step), config.batch, workers)


def eval_batches(pixels: Pixels, resolution: int, batch: int, num_classes: int) -> Generator[Batch, None, None]:
    """Give all images once, whole, in their order; the last batch is filled up with black images of weight 0.

    The images are what predictions are made from (`vit_core.preprocess.to_model_input`), to the bit.

    Args:
        pixels: the images; best opened with `keep="whole"`.
        resolution: side in pixels of what the model sees.
        batch: B.
        num_classes: K.

    Raises:
        BadDataset: an image can no longer be read; the message names it.
    """
    return _made(_test_tasks(pixels, resolution, batch, num_classes), batch, None)


def example_weights(labels: Int32[np.ndarray, " n"], *, balanced: bool) -> Float32[np.ndarray, " n"]:
    """Give how much each image counts: all the same, or every class the same; 1 on average.

    Balanced is n / (K n_c) for a class of n_c among n images; K counts the classes that have any.
    """
    if not balanced:
        return np.ones(len(labels), np.float32)
    counts = np.bincount(labels)
    weights: np.ndarray = len(labels) / (np.count_nonzero(counts) * counts[labels])
    return weights.astype(np.float32)


def _made(tasks: Iterator[_Task], batch: int, workers: int | None) -> Generator[Batch, None, None]:
    workers = workers or available_cores()
    ahead = -(-batch // _PART) + 2 * workers  # a whole batch, and work for every thread on the next
    with contextlib.closing(in_order(tasks, workers=workers, ahead=ahead)) as results:
        yield from (result for result in results if result is not None)


def _training_tasks(pixels: Pixels, config: Recipe, num_classes: int, first_step: int) -> Iterator[_Task]:
    order = Order(len(pixels), seed=config.seed)
    one_hot = np.eye(num_classes, dtype=np.float32)
    all_weights = example_weights(pixels.labels, balanced=config.class_weights == "balanced")
    alpha = LEVELS[config.aug].mixup
    for step in range(first_step, config.total_steps):
        epochs, indices = order.places(step * config.batch, (step + 1) * config.batch)
        targets, weights = one_hot[pixels.labels[indices]], all_weights[indices]
        share = draw_share(generator(config.seed, "mixup", step), alpha) if alpha else None
        if share is not None:
            targets, weights = blend_targets(targets, share), blend_targets(weights, share)
        made = _empty(config.batch, config.resolution, targets, weights)
        places = [(int(epoch), int(index)) for epoch, index in zip(epochs, indices, strict=True)]
        yield from _tasks(made, functools.partial(_fill_for_training, pixels, config, places, share))


def _test_tasks(pixels: Pixels, resolution: int, batch: int, num_classes: int) -> Iterator[_Task]:
    for start in range(0, len(pixels), batch):
        labels = pixels.labels[start : start + batch]
        targets, weights = np.zeros((batch, num_classes), np.float32), np.zeros(batch, np.float32)
        targets[np.arange(len(labels)), labels] = 1
        weights[: len(labels)] = 1
        made = _empty(batch, resolution, targets, weights)
        yield from _tasks(made, functools.partial(_fill_for_test, pixels, resolution, start))


def _empty(batch: int, resolution: int, targets: np.ndarray, weights: np.ndarray) -> Batch:
    return Batch(np.empty((batch, resolution, resolution, 3), np.uint8), targets, weights)


def _tasks(made: Batch, fill: Callable[[np.ndarray, range], None]) -> Iterator[_Task]:
    def run(rows: range) -> Batch | None:
        fill(made.images, rows)
        return made if rows.stop == len(made.images) else None

    for start in range(0, len(made.images), _PART):
        yield functools.partial(run, range(start, min(start + _PART, len(made.images))))


def _fill_for_training(
    pixels: Pixels,
    config: Recipe,
    places: list[tuple[int, int]],
    share: np.float32 | None,
    images: np.ndarray,
    rows: range,
) -> None:
    """Make some rows of a batch. With Mixup the row before them is made again rather than waited for."""
    if share is None:
        for row in rows:
            images[row] = _altered(pixels, config, *places[row])
        return
    before = _altered(pixels, config, *places[rows.start - 1])
    for row in rows:
        image = _altered(pixels, config, *places[row])
        images[row] = blend(image, before, share)
        before = image


def _fill_for_test(pixels: Pixels, resolution: int, start: int, images: np.ndarray, rows: range) -> None:
    for row in rows:
        images[row] = pixels.whole(start + row, resolution) if start + row < len(pixels) else 0


def _altered(pixels: Pixels, config: Recipe, epoch: int, index: int) -> np.ndarray:
    """Give an image as it is seen in an epoch; the same whenever it is asked for."""
    rng = generator(config.seed, "image", epoch, index)
    if config.crop == "inception":
        image = inception_crop(rng, pixels.image(index), config.resolution, min_area=config.min_crop_area)
    else:
        image = pixels.whole(index, config.resolution)
    if config.mirror:
        image = mirrored(rng, image)
    level = LEVELS[config.aug]
    return rand_augment(rng, image, layers=level.layers, magnitude=level.magnitude) if level.layers else image
