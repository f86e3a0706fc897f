"""What is said of a data set before a run may start."""

import dataclasses

import pytest

from vit_core.datasets.dataset import LeftOut
from vit_core.datasets.health import examine


def rows(train, test, name="cat"):
    return [(name, "train" if place < train else "test", f"{name} {place}") for place in range(train + test)]


def found(dataset, kind):
    return next((finding for finding in examine(dataset).findings if finding.kind == kind), None)


def kinds(dataset):
    return {finding.kind for finding in examine(dataset).findings}


def with_hashes(dataset, hashes):
    examples = tuple(
        dataclasses.replace(each, dhash=dhash) for each, dhash in zip(dataset.examples, hashes, strict=True)
    )
    return dataclasses.replace(dataset, examples=examples)


def test_a_good_set_has_nothing_to_say(dataset):
    health = examine(dataset(rows(20, 5) + rows(20, 5, "dog")))

    assert health.findings == ()
    assert not health.blocks


def test_images_are_counted_by_class_and_part(dataset):
    counts = examine(dataset(rows(20, 5) + rows(8, 2, "dog"))).counts

    assert [(count.name, count.train, count.test) for count in counts] == [("cat", 20, 5), ("dog", 8, 2)]


def test_one_class_blocks(dataset):
    finding = found(dataset(rows(20, 5)), "one-class")

    assert finding.severity == "block"
    assert finding.text == "There is only one class, 'cat'; add a second one to tell it from."


def test_an_empty_class_blocks(dataset):
    finding = found(dataset(rows(20, 5) + rows(20, 5, "dog"), classes=["cat", "dog", "emu"]), "empty-class")

    assert (finding.severity, finding.names) == ("block", ("emu",))
    assert finding.text == "1 class has no images: 'emu'. Add some, or leave it out."


def test_a_class_without_training_images_blocks(dataset):
    finding = found(dataset(rows(20, 5) + rows(0, 5, "dog")), "no-train")

    assert (finding.severity, finding.text) == ("block", "1 class has no image to learn from: 'dog'.")


def test_no_test_images_at_all_block(dataset):
    health = examine(dataset(rows(1, 0) + rows(1, 0, "dog")))

    assert health.blocks
    assert health.findings[0].text == (
        "There is no image to test on: a class needs two different images at least. Add images."
    )


def test_a_class_without_test_images_is_a_warning(dataset):
    finding = found(dataset(rows(20, 5) + rows(20, 0, "dog")), "no-test")

    assert (finding.severity, finding.names) == ("warning", ("dog",))


def test_fewer_than_five_images_are_a_warning(dataset):
    finding = found(dataset(rows(3, 1) + rows(4, 1, "dog")), "few-images")

    assert (finding.severity, finding.names) == ("warning", ("cat",))
    assert finding.text == "1 class has fewer than 5 images: 'cat'. More would help."


def test_uneven_classes_are_a_warning(dataset):
    finding = found(dataset(rows(80, 20) + rows(8, 2, "dog")), "imbalance")

    assert finding.severity == "warning"
    assert finding.text.startswith("'cat' has 100 images and 'dog' 10.")


def test_tiny_images_are_a_warning(dataset):
    finding = found(dataset(rows(20, 5) + rows(20, 5, "dog"), width=16), "tiny")

    assert finding.severity == "warning"
    assert len(finding.names) == 50
    assert finding.text == (
        "50 images are smaller than 32 pixels on a side: 'cat/0.jpg', 'cat/1.jpg', 'cat/2.jpg', 'cat/3.jpg', "
        "'cat/4.jpg' and 45 more."
    )


def test_long_images_are_mentioned(dataset):
    assert found(dataset(rows(20, 5) + rows(20, 5, "dog"), width=2000), "odd-size").severity == "info"


def test_what_was_left_out_is_mentioned_with_the_first_reason(dataset):
    left_out = [LeftOut("a.jpg", "'a.jpg' is empty."), LeftOut("b.jpg", "'b.jpg' is empty.")]
    finding = found(dataset(rows(20, 5) + rows(20, 5, "dog"), left_out=left_out), "left-out")

    assert (finding.names, finding.text) == (("a.jpg", "b.jpg"), "2 files were left out. 'a.jpg' is empty.")


def test_a_copy_is_a_warning_that_names_what_to_drop(dataset):
    finding = found(dataset([*rows(20, 5), ("cat", "train", "cat 3"), *rows(20, 5, "dog")]), "duplicate")

    assert finding.severity == "warning"
    assert (finding.names, finding.pairs) == (("cat/25.jpg",), (("cat/3.jpg", "cat/25.jpg"),))


def test_a_copy_across_the_parts_blocks_and_names_the_training_image(dataset):
    finding = found(dataset([*rows(20, 5), ("cat", "train", "cat 22"), *rows(20, 5, "dog")]), "leak")

    assert finding.severity == "block"
    assert finding.pairs == (("cat/22.jpg", "cat/25.jpg"),)
    assert "1 in all: 'cat/25.jpg' and 'cat/22.jpg'" in finding.text


def test_dropping_what_is_named_heals_a_leak(dataset):
    ill = dataset([*rows(20, 5), *(("cat", "train", "cat 22"),) * 3, *rows(20, 5, "dog")])

    assert "leak" not in kinds(ill.without(frozenset(found(ill, "leak").names)))


def test_a_picture_in_two_classes_is_a_warning(dataset):
    finding = found(dataset([*rows(20, 5), *rows(20, 5, "dog"), ("dog", "train", "cat 3")]), "two-classes")

    assert (finding.severity, finding.pairs) == ("warning", (("cat/3.jpg", "dog/50.jpg"),))


def test_a_near_copy_is_mentioned(dataset):
    whole = dataset(rows(20, 5) + rows(20, 5, "dog"))
    near = f"{int(whole.examples[3].dhash, 16) ^ 0b1001:016x}"
    finding = found(with_hashes(whole, [near, *(each.dhash for each in whole.examples[1:])]), "near-duplicate")

    assert (finding.severity, finding.pairs) == ("info", (("cat/0.jpg", "cat/3.jpg"),))


def test_a_near_copy_across_the_parts_blocks(dataset):
    whole = dataset(rows(20, 5) + rows(20, 5, "dog"))
    hashes = [each.dhash for each in whole.examples]
    finding = found(with_hashes(whole, [hashes[22], *hashes[1:]]), "near-leak")

    assert finding.severity == "block"
    assert finding.pairs == (("cat/22.jpg", "cat/0.jpg"),)


def test_where_all_pictures_of_a_class_are_alike_near_copies_block_nothing(dataset):
    whole = dataset(rows(200, 50) + rows(200, 50, "dog"))
    hashes = ["00ff00ff00ff00ff"] * 250 + [each.dhash for each in whole.examples[250:]]

    health = examine(with_hashes(whole, hashes))

    assert not health.blocks
    assert "near-leak" in {finding.kind for finding in health.findings}


@pytest.mark.parametrize("dhash", ["0000000000000000", "ffffffffffffffff", "0000000000000100"])
def test_even_pictures_are_no_near_copies(dataset, dhash):
    assert kinds(dataset(rows(20, 5) + rows(20, 5, "dog"), dhash=dhash)) == set()


def test_pictures_of_two_classes_are_no_near_copies(dataset):
    whole = dataset(rows(20, 5) + rows(20, 5, "dog"))
    hashes = [each.dhash for each in whole.examples]

    assert kinds(with_hashes(whole, hashes[:25] * 2)) == set()


def test_the_gravest_come_first(dataset):
    severities = [finding.severity for finding in examine(dataset(rows(1, 0), width=16)).findings]

    assert severities == sorted(severities, key=["block", "warning", "info"].index)
    assert set(severities) == {"block", "warning", "info"}


def test_long_names_are_cut_in_sentences(dataset):
    health = examine(dataset([("x" * 1000, "train", "a"), ("y" * 1000, "test", "b")]))

    assert all(len(finding.text) < 500 for finding in health.findings)
