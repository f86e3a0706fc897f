"""What a run works on: its images as pixels, or as the features of a model that stays as it is.

Both give batches that are a pure function of the settings and the step, so that the loop need not know which it has.
"""

import dataclasses
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int32

from vit_core.datasets.batches import Batch, eval_batches, example_weights, train_batches
from vit_core.datasets.dataset import DataSet, Example
from vit_core.datasets.order import Order
from vit_core.datasets.pixels import Keep, Pixels, open_pixels
from vit_core.training.config import TrainConfig
from vit_core.training.evaluation import Count, ask
from vit_core.training.step import TrainBatch

PIXELS_FOLDER = "pixels"  # of the cache folder


@dataclasses.dataclass(frozen=True)
class FeatureBatch:
    """What one step of a head learns from; as `vit_core.datasets.batches.Batch`, with features in place of pixels.

    Attributes:
        images: float32 [B, D], what the head reads of each image.
        targets: float32 [B, K].
        weights: float32 [B].
    """

    images: Float32[np.ndarray, "B D"]
    targets: Float32[np.ndarray, "B K"]
    weights: Float32[np.ndarray, " B"]


@runtime_checkable
class Material(Protocol):
    """One part of a data set, ready to be learned from and to be asked about."""

    @property
    def labels(self) -> np.ndarray:
        """Int32 [n]."""

    def __len__(self) -> int: ...

    def training(self, first_step: int) -> Generator[TrainBatch, None, None]:
        """Give the batches of the run from a step on."""

    def batches(self, batch: int) -> Generator[TrainBatch, None, None]:
        """Give all images once, in their order, the last batch padded."""

    def close(self) -> None:
        """Let go of files."""


class Images:
    """Material of pixels."""

    def __init__(self, pixels: Pixels, config: TrainConfig, num_classes: int) -> None:
        self._pixels, self._config, self._num_classes = pixels, config, num_classes

    def __len__(self) -> int:
        return len(self._pixels)

    @property
    def labels(self) -> Int32[np.ndarray, " n"]:
        """Classes of the images."""
        return self._pixels.labels

    def training(self, first_step: int) -> Generator[Batch, None, None]:
        """Give the batches of the run from a step on; see `train_batches`."""
        return train_batches(self._pixels, self._config, self._num_classes, first_step=first_step)

    def batches(self, batch: int) -> Generator[Batch, None, None]:
        """Give all images once; see `eval_batches`."""
        return eval_batches(self._pixels, self._config.resolution, batch, self._num_classes)

    def close(self) -> None:
        """Let go of the cache file."""
        self._pixels.close()


class Features:
    """Material of features: what the head reads, computed once."""

    def __init__(
        self,
        features: Float32[np.ndarray, "n D"],
        labels: Int32[np.ndarray, " n"],
        config: TrainConfig,
        num_classes: int,
    ) -> None:
        self.features, self._labels = features, labels
        self._config, self._num_classes = config, num_classes

    def __len__(self) -> int:
        return len(self.features)

    @property
    def labels(self) -> Int32[np.ndarray, " n"]:
        """Classes of the images."""
        return self._labels

    def training(self, first_step: int) -> Generator[FeatureBatch, None, None]:
        """Give the batches of the run from a step on, in the order in which the pixels would come."""
        config, order = self._config, Order(len(self), seed=self._config.seed)
        one_hot = np.eye(self._num_classes, dtype=np.float32)
        weights = example_weights(self._labels, balanced=config.class_weights == "balanced")
        for step in range(first_step, config.total_steps):
            _, chosen = order.places(step * config.batch, (step + 1) * config.batch)
            yield FeatureBatch(self.features[chosen], one_hot[self._labels[chosen]], weights[chosen])

    def batches(self, batch: int) -> Generator[FeatureBatch, None, None]:
        """Give all images once, the last batch padded with zeros."""
        one_hot = np.eye(self._num_classes, dtype=np.float32)
        for start in range(0, len(self), batch):
            features, labels = self.features[start : start + batch], self._labels[start : start + batch]
            missing = batch - len(labels)
            yield FeatureBatch(
                np.pad(features, ((0, missing), (0, 0))),
                np.pad(one_hot[labels], ((0, missing), (0, 0))),
                np.pad(np.ones(len(labels), np.float32), (0, missing)),
            )

    def close(self) -> None:
        """There is nothing to let go of."""


def open_images(
    dataset: DataSet,
    examples: Sequence[Example],
    config: TrainConfig,
    *,
    cache_dir: Path | None,
    count: Count = lambda done, total: None,
) -> Images:
    """Decode images, into a cache that later runs use too.

    Args:
        dataset: what they belong to.
        examples: the images.
        config: the settings of the run.
        cache_dir: the product's cache folder; None decodes each time an image is asked for.
        count: told how many are decoded; may raise to end it.

    Raises:
        BadDataset: an image is gone, changed or broken.
        StorageFull, StoreError: the cache cannot be written.
    """
    cropped = config.crop == "inception" and config.trainable != "head"
    keep: Keep = "crops" if cropped and any(example.part == "train" for example in examples) else "whole"
    cache = None if cache_dir is None else cache_dir / PIXELS_FOLDER
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    pixels = open_pixels(examples, dataset.root, resolution=config.resolution, cache=cache, keep=keep, progress=count)
    return Images(pixels, config, len(dataset.classes))


def compute_features(
    images: Images,
    answer: Callable[[np.ndarray], np.ndarray],
    config: TrainConfig,
    num_classes: int,
    *,
    batch: int,
    count: Count = lambda done, total: None,
) -> Features:
    """Turn pixels into what the head reads of them.

    Args:
        images: the pixels.
        answer: from uint8 [B, res, res, 3] to float32 [B, D].
        config: the settings of the run.
        num_classes: K.
        batch: images at a time; halved for as long as memory does not suffice.
        count: told how far it is; may raise to end it.

    Raises:
        NoMemory: not even one image fits.
    """
    features = ask(answer, images, batch=batch, count=count)
    return Features(features.astype(np.float32), images.labels, config, num_classes)
