"""Near hashes are found without comparing all with all, and all of them."""

import dataclasses

import numpy as np
import pytest

from vit_core.datasets.near import DISTANCE, MOST_NEAR, groups, near_pairs


@pytest.fixture
def examples(dataset):
    """Give a function that makes examples of one class from hashes, and gives them as a list."""

    def make(hashes):
        whole = dataset([("cat", "train", f"{place}") for place in range(len(hashes))])
        return [
            dataclasses.replace(each, dhash=f"{dhash:016x}") for each, dhash in zip(whole.examples, hashes, strict=True)
        ]

    return make


def numbers(pairs):
    return {tuple(int(each.name[4:-4]) for each in pair) for pair in pairs}


def test_the_bands_find_what_comparing_all_finds(examples):
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, 2**63, 300, np.uint64)
    hashes = [int(seed) for seed in seeds]
    for place in range(0, 300, 3):  # each third is the one before it with up to 5 bits turned
        for bit in rng.choice(64, rng.integers(0, 6), replace=False):
            hashes[place] ^= 1 << int(bit)
        hashes[place] ^= hashes[place - 1] ^ int(seeds[place])
    expected = {
        (first, second)
        for second in range(300)
        for first in range(second)
        if (hashes[first] ^ hashes[second]).bit_count() <= DISTANCE
    }

    assert len(expected) > 30
    assert numbers(near_pairs(examples(hashes))) == expected


@pytest.mark.parametrize("sharing", [2, 15, 16, 17, 40])
def test_bands_that_few_or_many_share_are_looked_through_alike(examples, sharing):
    rng = np.random.default_rng(sharing)
    hashes = []
    for _ in range(12):  # so many agree in the low 16 bits, and each second one is near to the one before it
        low = int(rng.integers(0, 2**16))
        for place in range(sharing):
            anew = place % 2 == 0 or not hashes
            hashes.append(int(rng.integers(2**20, 2**47)) << 16 | low if anew else hashes[-1] ^ 0b111 << 40)
    tested = rng.random(len(hashes)) < 0.4
    all_of_them = [
        dataclasses.replace(each, part="test" if is_tested else "train")
        for each, is_tested in zip(examples(hashes), tested, strict=True)
    ]
    near = {
        (first, second)
        for second in range(len(hashes))
        for first in range(second)
        if (hashes[first] ^ hashes[second]).bit_count() <= DISTANCE
    }

    assert len(near) >= 12 * (sharing // 2)
    assert numbers(near_pairs(all_of_them)) == near
    crossing = {(a, b) if tested[a] else (b, a) for a, b in near if tested[a] != tested[b]}
    assert numbers(near_pairs(all_of_them, across=True)) == crossing


def test_equal_bytes_are_not_near(examples):
    one, two = examples([0xFF00FF00FF00FF00] * 2)

    assert near_pairs([one, dataclasses.replace(two, sha256=one.sha256)]) == []


def test_of_many_copies_each_is_found(examples):
    pairs = numbers(near_pairs(examples([0xFF00FF00FF00FF00] * 5000)))

    assert {second for _, second in pairs} == set(range(1, 5000))
    assert len(pairs) <= 5000 * MOST_NEAR * (DISTANCE + 1)


def test_across_the_parts_every_copy_to_learn_from_is_found(examples):
    copies = examples([0xFF00FF00FF00FF00] * 500)
    copies[400:] = [dataclasses.replace(each, part="test") for each in copies[400:]]

    pairs = near_pairs(copies, across=True)

    assert {learned.name for _, learned in pairs} == {each.name for each in copies[:400]}
    assert {tested.part for tested, _ in pairs} == {"test"}


def test_near_copies_are_grouped(examples):
    hashes = [0xFF00FF00FF00FF00, 0x0F0F0F0F0F0F0F0F, 0xFF00FF00FF00FF01, 0x0F0F0F0F0F0F0F0E]

    joined = groups(near_pairs(examples(hashes)))

    assert sorted(sorted(each.name for each in group) for group in joined) == [
        ["cat/0.jpg", "cat/2.jpg"],
        ["cat/1.jpg", "cat/3.jpg"],
    ]


def test_a_class_that_is_all_alike_is_no_group(examples):
    assert groups(near_pairs(examples([0xFF00FF00FF00FF00] * (MOST_NEAR + 1)))) == []


def test_no_examples_have_no_pairs():
    assert near_pairs([]) == []
