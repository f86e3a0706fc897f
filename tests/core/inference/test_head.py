"""What becomes of a head, in words."""

import pytest

from vit_core.inference.head import new_task, policy_of, used_as_is, why_no_classes


def test_a_trained_head_has_nothing_to_explain():
    assert why_no_classes("kept", "x") == ""


@pytest.mark.parametrize(("head", "words"), [("zeroed", "has a head of zeros"), ("missing", "has no head")])
def test_a_head_of_no_use_is_named_with_what_still_works_and_what_to_do(head, words):
    sentence = why_no_classes(head, "imagenet21k/ViT-B_16")
    assert sentence.startswith(f"The checkpoint 'imagenet21k/ViT-B_16' {words}")
    assert "features and attention" in sentence
    assert "fine-tune it" in sentence


def test_a_very_long_name_is_cut():
    assert len(why_no_classes("zeroed", "x" * 5000)) < 500


def test_a_head_that_is_kept_says_how_many_classes_it_answers_with():
    assert "keeps its head" in used_as_is(21_843)
    assert "21,843 classes" in used_as_is(21_843)
    assert "1 class that" in used_as_is(1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (1000, 5, "its head for 1,000 classes is replaced by a new one for your 5 classes"),
        (1000, None, "its head for 1,000 classes is replaced by a new one for your classes"),
        (None, None, "its head is replaced by a new one for your classes"),
        (0, 5, "it has no head, so it gets a new one for your 5 classes"),
    ],
)
def test_a_head_that_is_replaced_says_by_what_and_that_the_rest_is_kept(old, new, words):
    assert words in new_task(old, new)
    assert "All other layers start from what they have learned" in new_task(old, new)


@pytest.mark.parametrize(
    ("row", "classes"),
    [
        ({"ds": "i21k"}, "the 21,843 classes"),
        ({"ds": "i21k", "adapt_ds": float("nan")}, "the 21,843 classes"),
        ({"ds": "i21k", "adapt_ds": "oxford_iiit_pet"}, "the 37 classes"),
        ({"ds": "i21k", "adapt_ds": "mine"}, "the classes"),
        ({}, "the classes"),
    ],
)
def test_a_row_of_the_catalogue_tells_both_ways(row, classes):
    (_, kept), (_, replaced) = policy_of(row)
    assert f"answers with {classes} that" in kept
    assert "is replaced by a new one for your classes" in replaced
