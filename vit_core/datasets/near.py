"""Which pictures of one class are nearly the same: their difference hashes differ in few bits.

Not all are compared with all. Cut into one band more than bits may differ, two near hashes agree in at least one whole
band (the pigeonhole principle), so that only hashes that share a band are compared.

Pictures of two classes are not called near: the hash sees no colour, which may be what tells the classes apart.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from vit_core.datasets.dataset import Example, Part

DISTANCE = 3  # bits of 64. Of 350 drawn patterns 2 pairs are that near by chance, of photos fewer.
MOST_NEAR = 8  # that are looked for per picture and band, so that a film of one scene stays quick to look through
# A hash of few bits is of an even picture or a plain slope from dark to light, one of nearly all bits of a slope the
# other way: all such are near to one another, and say nothing.
_LEAST_BITS, _MOST_BITS = 8, 56
_BLOCK = 1024  # hashes compared with as many at a time: 8 MB

Pair = tuple[Example, Example]


def near_pairs(examples: Sequence[Example], *, across: bool = False) -> list[Pair]:
    """Give the pairs of different pictures of one class that are nearly the same.

    Equal bytes count once in each part. Of more than `MOST_NEAR` near copies of one picture not all pairs are given,
    but each copy is in one.

    Args:
        examples: of any classes.
        across: only pairs of a picture to test on and one to learn from, in this order; else the earlier one is first.
    """
    by_class: dict[int, dict[tuple[str, Part], Example]] = defaultdict(dict)
    for example in examples:
        if _LEAST_BITS <= int(example.dhash, 16).bit_count() <= _MOST_BITS:
            by_class[example.label].setdefault((example.sha256, example.part), example)
    pairs = []
    for label in sorted(by_class):
        different = list(by_class[label].values())
        hashes = np.array([int(example.dhash, 16) for example in different], np.uint64)
        tested = np.array([example.part == "test" for example in different]) if across else None
        pairs += [(different[first], different[second]) for first, second in sorted(_near_places(hashes, tested))]
    return [pair for pair in pairs if pair[0].sha256 != pair[1].sha256]


def groups(pairs: Sequence[Pair], *, most: int = MOST_NEAR) -> list[list[Example]]:
    """Join pairs into groups of near copies; groups of more than `most` are not given.

    Nearness is no equality: in a class of simple drawings, each near to the next, everything would become one group.
    """
    parent: dict[str, str] = {}
    members: dict[str, Example] = {}

    def root(checksum: str) -> str:
        while parent[checksum] != checksum:
            parent[checksum] = parent[parent[checksum]]
            checksum = parent[checksum]
        return checksum

    for pair in pairs:
        for example in pair:
            members[example.sha256] = example
            parent.setdefault(example.sha256, example.sha256)
        parent[root(pair[1].sha256)] = root(pair[0].sha256)
    joined: dict[str, list[Example]] = defaultdict(list)
    for checksum, example in members.items():
        joined[root(checksum)].append(example)
    return [group for group in joined.values() if len(group) <= most]


def _near_places(hashes: np.ndarray, tested: np.ndarray | None) -> set[tuple[int, int]]:
    """Give the places of hashes that are near: the smaller one first, or the tested one and one that is not."""
    places: set[tuple[int, int]] = set()
    for shift, bits in _bands():
        keys = hashes >> shift & np.uint64((1 << bits) - 1)
        for sharing in _sharing(keys):
            first = sharing if tested is None else sharing[tested[sharing]]
            second = sharing if tested is None else sharing[~tested[sharing]]
            for start in range(0, len(second), _BLOCK):
                places.update(_compare(hashes, first, second[start : start + _BLOCK], ordered=tested is None))
    return places


def _compare(hashes: np.ndarray, first: np.ndarray, second: np.ndarray, *, ordered: bool) -> Iterator[tuple[int, int]]:
    """Give near pairs of two lists of places, block by block, until each of the second has enough."""
    enough = np.zeros(len(second), np.int64)
    for start in range(0, len(first), _BLOCK):
        candidates = first[start : start + _BLOCK]
        open_places = np.flatnonzero(enough < MOST_NEAR)
        if not len(open_places):
            return
        rows = second[open_places]
        is_near = np.bitwise_count(hashes[rows, None] ^ hashes[None, candidates]) <= DISTANCE
        if ordered:
            is_near &= candidates[None, :] < rows[:, None]
        if is_near.any():
            is_near &= np.cumsum(is_near, axis=1, dtype=np.int32) <= MOST_NEAR
            row, column = np.nonzero(is_near)
            np.add.at(enough, open_places[row], 1)
            yield from zip(candidates[column].tolist(), rows[row].tolist(), strict=True)


def _bands() -> list[tuple[np.uint64, int]]:
    """Give the lowest bit and the number of bits of each band."""
    edges = [round(64 * band / (DISTANCE + 1)) for band in range(DISTANCE + 2)]
    return [(np.uint64(low), high - low) for low, high in itertools.pairwise(edges)]


def _sharing(keys: np.ndarray) -> Iterator[np.ndarray]:
    """Give the places of each key that is there more than once, rising."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] + np.uint64(1)))
    for start, end in itertools.pairwise([*starts.tolist(), len(keys)]):
        if end - start > 1:
            yield order[start:end]
