"""The order in which a run sees its images, and where its random choices come from.

Everything random is a pure function of the run's seed and of what it is for, never of what was drawn before: a run that
is resumed draws what it would have drawn, and threads may work in any order. (Numpy keeps the streams of its generators
within a version; a newer one may draw otherwise, as it announces then.)
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

Purpose = Literal["order", "image", "mixup"]

_STREAMS: Mapping[Purpose, int] = MappingProxyType({"order": 0, "image": 1, "mixup": 2})


def generator(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """Give the random numbers of one thing in one run.

    Args:
        seed: of the run; 0 or more.
        purpose: "order" of an epoch, augmentation of an "image" in an epoch, "mixup" of a step.
        counters: which one: (epoch,), (epoch, index) or (step,).
    """
    return np.random.default_rng((seed, _STREAMS[purpose], *counters))


class Order:
    """An endless row of places: every image once per epoch, in an order of its own.

    Example:
        >>> epochs, indices = Order(3, seed=0).places(2, 7)
        >>> epochs.tolist()
        [0, 1, 1, 1, 2]
        >>> sorted(indices[1:4].tolist())
        [0, 1, 2]
    """

    def __init__(self, num_images: int, *, seed: int) -> None:
        """Describe the row.

        Args:
            num_images: at least 1.
            seed: of the run.
        """
        self._num_images = num_images
        self._seed = seed
        self._epoch = -1
        self._permutation = np.empty(0, np.int64)

    def places(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Give epochs and indices, int64 [stop - start] each, of the places from `start` to before `stop`."""
        places = np.arange(start, stop)
        epochs = places // self._num_images
        indices = np.empty_like(places)
        for epoch in range(int(epochs[0]), int(epochs[-1]) + 1) if len(places) else ():
            here = epochs == epoch
            indices[here] = self._permuted(epoch)[places[here] % self._num_images]
        return epochs, indices

    def _permuted(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._permutation = generator(self._seed, "order", epoch).permutation(self._num_images)
            self._epoch = epoch
        return self._permutation
