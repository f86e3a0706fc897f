"""The drawn parts: by class, by the seed, and nearly the same when the set changes."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.datasets.dataset import DataSet, Example
from vit_core.datasets.split import with_split
from vit_core.errors import BadDataset


def rows(count, name="cat"):
    return [(name, "train", f"{name} {place}") for place in range(count)]


def parts(dataset):
    return {each.sha256: each.part for each in dataset.examples}


def split(dataset, *, seed=0, test_share=0.2):
    return with_split(dataset, seed=seed, test_share=test_share)


@pytest.mark.parametrize(("count", "tested"), [(1000, 200), (48, 10), (11, 2), (10, 2), (5, 1), (2, 1)])
def test_the_share_is_kept_in_each_class_to_the_image(dataset, count, tested):
    drawn = split(dataset(rows(count) + rows(count, "dog")))

    assert [sum(each.label == label for each in drawn.of("test")) for label in (0, 1)] == [tested, tested]


def test_the_same_seed_draws_the_same(dataset):
    assert split(dataset(rows(50)), seed=3) == split(dataset(rows(50)), seed=3)


def test_another_seed_draws_others(dataset):
    assert parts(split(dataset(rows(50)), seed=3)) != parts(split(dataset(rows(50)), seed=4))


def test_the_data_set_says_how_it_was_split(dataset):
    drawn = split(dataset(rows(50), split="folders"), seed=7, test_share=0.3)

    assert (drawn.split, drawn.seed, drawn.test_share) == ("seed", 7, 0.3)


@pytest.mark.parametrize("added", [1, 5, 200])
def test_adding_images_moves_no_more_than_as_many_and_none_of_other_classes(dataset, added):
    before = parts(split(dataset(rows(100) + rows(50, "dog"))))
    after = parts(split(dataset(rows(100 + added) + rows(50, "dog"))))

    moved = {checksum for checksum, part in before.items() if after[checksum] != part}
    dogs = {each.sha256 for each in dataset(rows(1) + rows(50, "dog")).examples if each.label == 1}
    assert len(moved) <= min(added, 10)  # those at the border: of 100 images a few, whatever comes
    assert not moved & dogs


def test_a_larger_share_tests_on_the_same_images_and_more(dataset):
    small, large = (split(dataset(rows(200)), test_share=share).of("test") for share in (0.1, 0.4))

    assert {each.sha256 for each in small} < {each.sha256 for each in large}


def test_equal_bytes_are_on_one_side(dataset):
    drawn = split(dataset(rows(30) + rows(30) + rows(30)))

    assert len({(each.sha256, each.part) for each in drawn.examples}) == 30


def test_equal_bytes_in_two_classes_are_on_one_side(dataset):
    same = [("dog", "train", word) for _, _, word in rows(30)]

    drawn = split(dataset(rows(30) + same))

    assert len({(each.sha256, each.part) for each in drawn.examples}) == 30


def test_near_copies_are_on_one_side(dataset):
    whole = dataset(rows(200))
    near = tuple(
        dataclasses.replace(each, dhash=whole.examples[place - place % 2].dhash)
        for place, each in enumerate(whole.examples)
    )

    drawn = split(dataclasses.replace(whole, examples=near))

    assert all(
        first.part == second.part for first, second in zip(drawn.examples[::2], drawn.examples[1::2], strict=True)
    )
    assert len(drawn.of("test")) > 10


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_class_of_two_or_more_has_one_on_each_side(dataset, count, share):
    assert {each.part for each in split(dataset(rows(count)), test_share=share).examples} == {"train", "test"}


def test_a_class_of_one_is_learned_from(dataset):
    assert parts(split(dataset(rows(1)), test_share=0.99)) == dict.fromkeys(parts(dataset(rows(1))), "train")


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_an_impossible_share_is_refused(dataset, share):
    with pytest.raises(BadDataset, match=r"it must be between 0 and 1, such as 0.2"):
        split(dataset(rows(5)), test_share=share)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), max_size=30),
    st.integers(0, 5),
    st.floats(0.01, 0.99),
)
def test_every_class_is_learned_from_and_no_bytes_are_on_both_sides(contents, seed, share):
    examples = tuple(
        # A picture of its own class and number only: in two classes at once both cannot always be filled.
        Example(f"{place}.jpg", f"{place}", label, "train", f"{label}{number:063d}", 1, 9, 9, f"{0:016x}")
        for place, (label, number) in enumerate(contents)
    )
    drawn = split(DataSet("x", Path(), ("a", "b", "c"), examples), seed=seed, test_share=share)

    for label in {each.label for each in drawn.examples}:
        sides = {(each.sha256, each.part) for each in drawn.examples if each.label == label}
        different = {checksum for checksum, _ in sides}
        assert len(sides) == len(different)
        assert {part for _, part in sides} == ({"train", "test"} if len(different) > 1 else {"train"})
