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
_FEW = 16  # pictures that share a band, up to which all such groups are looked through at once
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
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] + np.uint64(1)))
        sizes = np.diff(starts, append=len(keys))
        few = order[np.repeat((sizes > 1) & (sizes <= _FEW), sizes)]
        places.update(_compare_few(hashes, few, keys[few], tested))
        for start, size in zip(starts[sizes > _FEW].tolist(), sizes[sizes > _FEW].tolist(), strict=True):
            sharing = order[start : start + size]
            first = sharing if tested is None else sharing[tested[sharing]]
            second = sharing if tested is None else sharing[~tested[sharing]]
            for begin in range(0, len(second), _BLOCK):
                places.update(_compare(hashes, first, second[begin : begin + _BLOCK], ordered=tested is None))
    return places


def _compare_few(
    hashes: np.ndarray, places: np.ndarray, keys: np.ndarray, tested: np.ndarray | None
) -> Iterator[tuple[int, int]]:
    """Give near pairs among places that lie side by side where their keys are equal, a few of each key; all at once.

    Ten thousand pictures share thousands of keys by chance, two or three each: one by one they would take the time.
    """
    firsts, seconds = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    for apart in range(1, _FEW):
        left = np.flatnonzero(keys[apart:] == keys[:-apart])
        if not len(left):
            break
        first, second = places[left], places[left + apart]
        is_near = np.bitwise_count(hashes[first] ^ hashes[second]) <= DISTANCE
        firsts.append(first[is_near])
        seconds.append(second[is_near])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    if tested is not None:
        crossing = tested[first] != tested[second]
        one, other = first[crossing], second[crossing]
        first, second = np.where(tested[one], one, other), np.where(tested[one], other, one)
    order = np.lexsort((first, second))
    first, second = first[order], second[order]
    starts = np.flatnonzero(np.diff(second, prepend=-1))
    rank = np.arange(len(second)) - np.repeat(starts, np.diff(starts, append=len(second)))
    enough = rank < MOST_NEAR
    yield from zip(first[enough].tolist(), second[enough].tolist(), strict=True)


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
