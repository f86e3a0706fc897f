"""Whether probabilities mean what they say: of the answers given with 80 %, are 80 % right?

Expected calibration error: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks",
ICML 2017, equations 2, 3 and 5, with their 15 bins.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

BINS = 15


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose probability lies in one range.

    Attributes:
        low: end of the range that does not belong to it; 0 to 1.
        high: end that does.
        count: answers.
        confidence: mean of their probabilities; None where there are none.
        accuracy: share of them that are right; None where there are none.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def reliability(probability: Float[np.ndarray, " n"], right: Bool[np.ndarray, " n"]) -> tuple[Bin, ...]:
    """Sort answers into 15 ranges of equal width by the probability they were given with.

    Example:
        >>> reliability(np.array([0.95, 0.99]), np.array([True, False]))[-1].accuracy
        0.5
    """
    # Ranges are open below and closed above; what rounding leaves outside goes to the nearest.
    places = np.clip(np.ceil(probability * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    confidence = np.bincount(places, weights=probability, minlength=BINS)
    hits = np.bincount(places, weights=right, minlength=BINS)
    return tuple(
        Bin(
            place / BINS,
            (place + 1) / BINS,
            int(count),
            float(confidence[place] / count) if count else None,
            float(hits[place] / count) if count else None,
        )
        for place, count in enumerate(counts)
    )


def expected_error(bins: Sequence[Bin]) -> float:
    """Give the mean distance of confidence and accuracy, each range counted by its answers; 0 to 1."""
    total = sum(each.count for each in bins)
    distances = (
        each.count * abs(each.accuracy - each.confidence)
        for each in bins
        if each.accuracy is not None and each.confidence is not None
    )
    return sum(distances) / total if total else 0.0
