"""From the logits of one batch to what is kept of each image: a few numbers, however many classes there are.

An image keeps 33 bytes; its logits, 87 kB for the classes of ImageNet-21k, are let go.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64

from vit_core.training.report import log_softmax

MOST_PLACES = 5  # of "top-5"


class Judged(NamedTuple):
    """What is kept of n images.

    Attributes:
        labels: the true outputs.
        predicted: the most probable outputs; of equals the lower one.
        in_top: whether the true output is among the `places` most probable ones.
        probability: of the predicted output.
        true_probability: of the true output.
        loss: cross-entropy in nats.
    """

    labels: Int64[np.ndarray, " n"]
    predicted: Int64[np.ndarray, " n"]
    in_top: Bool[np.ndarray, " n"]
    probability: Float64[np.ndarray, " n"]
    true_probability: Float64[np.ndarray, " n"]
    loss: Float64[np.ndarray, " n"]


def places_of(num_classes: int) -> int:
    """Give the k of the second accuracy, which is top-k: 5, or one less than the classes where they are five or fewer.

    Among all classes the true one always is.

    Example:
        >>> places_of(1000), places_of(10), places_of(3), places_of(2)
        (5, 5, 2, 1)
    """
    return max(min(MOST_PLACES, num_classes - 1), 1)


def judge(logits: Float[np.ndarray, "n K"], labels: Int[np.ndarray, " n"], *, places: int) -> Judged:
    """Judge a batch.

    Args:
        logits: as the model gives them; finite.
        labels: the true outputs, 0 to K - 1.
        places: see `places_of`.
    """
    rows = np.arange(len(labels))
    labels = np.asarray(labels, np.int64)
    log_probs = log_softmax(np.asarray(logits, np.float64))
    predicted = logits.argmax(axis=1).astype(np.int64)
    true = logits[rows, labels][:, None]
    # As a stable sort would order them: before the true output come the larger ones, and equal ones of lower number.
    before = (logits > true).sum(axis=1) + ((logits == true) & (np.arange(logits.shape[1]) < labels[:, None])).sum(
        axis=1
    )
    return Judged(
        labels,
        predicted,
        before < places,
        np.exp(log_probs[rows, predicted]),
        np.exp(log_probs[rows, labels]),
        -log_probs[rows, labels],
    )


def joined(parts: Sequence[Judged]) -> Judged:
    """Put batches together; at least one."""
    return Judged(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
