"""What is kept of each image follows from its logits."""

import numpy as np
import pytest

from vit_core.evaluation.calibration import BINS, expected_error, reliability
from vit_core.evaluation.judging import joined, judge, places_of


def test_probabilities_and_losses_are_those_of_the_softmax(random_logits):
    logits, labels = random_logits(20, 7)
    judged = judge(logits, labels, places=5)
    exponentials = np.exp(logits.astype(np.float64))
    probs = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(judged.probability, probs.max(axis=1), rtol=1e-12)
    np.testing.assert_allclose(judged.true_probability, probs[np.arange(20), labels], rtol=1e-12)
    np.testing.assert_allclose(judged.loss, -np.log(probs[np.arange(20), labels]), rtol=1e-12)


def test_an_image_counts_for_top_k_when_its_class_is_among_the_k_first(random_logits):
    logits, labels = random_logits(50, 9)
    order = np.argsort(-logits, axis=1, kind="stable")[:, :3]
    expected = [label in row for label, row in zip(labels, order, strict=True)]
    assert judge(logits, labels, places=3).in_top.tolist() == expected


def test_of_equal_logits_the_lower_output_comes_first():
    logits = np.zeros((3, 4), np.float32)
    judged = judge(logits, np.array([0, 1, 2]), places=2)
    assert judged.predicted.tolist() == [0, 0, 0]
    assert judged.in_top.tolist() == [True, True, False]


@pytest.mark.parametrize(("classes", "places"), [(1, 1), (2, 1), (4, 3), (5, 4), (6, 5), (1000, 5)])
def test_top_k_is_top_5_unless_that_would_always_be_right(classes, places):
    assert places_of(classes) == places


def test_batches_are_put_together_in_their_order(random_logits):
    logits, labels = random_logits(10, 5)
    parts = joined([judge(logits[:4], labels[:4], places=2), judge(logits[4:], labels[4:], places=2)])
    whole = judge(logits, labels, places=2)
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_calibration_error_is_the_mean_distance_of_confidence_and_accuracy():
    # Two answers of 0.6 of which one is right: 0.1 apart. Two of 0.9, both right: 0.1. One of 0.3, right: 0.7.
    probability = np.array([0.6, 0.6, 0.9, 0.9, 0.3])
    right = np.array([True, False, True, True, True])
    assert expected_error(reliability(probability, right)) == pytest.approx((2 * 0.1 + 2 * 0.1 + 0.7) / 5)


def test_a_range_holds_its_upper_end_and_not_its_lower():
    counts = [each.count for each in reliability(np.array([1 / BINS, 1 / BINS + 1e-9, 1.0]), np.ones(3, bool))]
    assert counts == [1, 1, *[0] * (BINS - 3), 1]


def test_an_empty_range_has_no_accuracy():
    empty = reliability(np.array([1.0]), np.array([True]))[0]
    assert (empty.count, empty.confidence, empty.accuracy) == (0, None, None)
