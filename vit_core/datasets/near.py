"""Which 64-bit hashes differ in few bits, without comparing all with all.

Cut into one band more than bits may differ, two such hashes agree in at least one whole band (the pigeonhole
principle), so that only hashes that share a band are compared.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from vit_core.datasets.dataset import Example

DISTANCE = 3  # bits of 64; a copy that was resized or saved again differs in fewer
# A hash of almost no or almost all bits is of an almost even picture, or of a plain slope from dark to light: it says
# too little to call two pictures near.
_LEAST_BITS, _MOST_BITS = 8, 56
_CELLS = 4_000_000  # compared at a time: 32 MB


def near_pairs(examples: Sequence[Example], others: Sequence[Example] | None = None) -> list[tuple[Example, Example]]:
    """Give each example that is near to another one, with one that it is near to.

    Args:
        examples: are looked up.
        others: among these; None looks among the examples before each in `examples` itself.

    Returns:
        Pairs of (the other, the example), in the order of the examples.
    """
    queries = [example for example in examples if _says_something(example)]
    references = queries if others is None else [example for example in others if _says_something(example)]
    found = _lookup(_hashes(queries), _hashes(references), earlier=others is None)
    return [(references[place], query) for query, place in zip(queries, found.tolist(), strict=True) if place >= 0]


def _says_something(example: Example) -> bool:
    return _LEAST_BITS <= int(example.dhash, 16).bit_count() <= _MOST_BITS


def _hashes(examples: Sequence[Example]) -> np.ndarray:
    return np.array([int(example.dhash, 16) for example in examples], np.uint64)


def _lookup(queries: np.ndarray, references: np.ndarray, *, earlier: bool) -> np.ndarray:
    """Give for each query the place of a near reference, -1 for none; `earlier`: of a smaller place than its own."""
    found = np.full(len(queries), -1, np.int64)
    for shift, bits in _bands():
        mask = np.uint64((1 << bits) - 1)
        wanted = np.flatnonzero(found < 0)
        for some, candidates in _sharing(queries[wanted] >> shift & mask, references >> shift & mask):
            places = wanted[some]
            for start in range(0, len(places), step := max(1, _CELLS // len(candidates))):
                part = places[start : start + step]
                is_near = np.bitwise_count(queries[part, None] ^ references[None, candidates]) <= DISTANCE
                if earlier:
                    is_near &= candidates[None, :] < part[:, None]
                hit = is_near.any(axis=1)
                found[part[hit]] = candidates[is_near[hit].argmax(axis=1)]
    return found


def _bands() -> list[tuple[np.uint64, int]]:
    """Give the lowest bit and the number of bits of each band."""
    edges = [round(64 * band / (DISTANCE + 1)) for band in range(DISTANCE + 2)]
    return [(np.uint64(low), high - low) for low, high in itertools.pairwise(edges)]


def _sharing(keys: np.ndarray, reference_keys: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the places of queries and references that have one key, key by key."""
    order, reference_order = np.argsort(keys, kind="stable"), np.argsort(reference_keys, kind="stable")
    values, starts = np.unique(keys[order], return_index=True)
    reference_keys = reference_keys[reference_order]
    lows = np.searchsorted(reference_keys, values, side="left")
    highs = np.searchsorted(reference_keys, values, side="right")
    ends = np.append(starts[1:], len(keys))
    for start, end, low, high in zip(starts, ends, lows, highs, strict=True):
        if high - low > 0:
            yield order[start:end], reference_order[low:high]
