"""The report: what follows from the logits, and that it survives the disk."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.datasets.dataset import DataSet, Example
from vit_core.errors import BadRun, Failure
from vit_core.training.report import Effort, make_report, read_report, wilson_interval, write_report

EFFORT = Effort(steps=10, best_step=8, seconds=1.5, device="CPU", images_per_second=None)


@pytest.fixture
def dataset(tmp_path):
    """Three classes; of the test part two images of the first, two of the second and none of the third."""
    labels = [0, 0, 1, 1]
    examples = tuple(
        Example(f"{n}.jpg", f"class/{n}.jpg", label, "test", f"{n:064x}", 1, 8, 8, "0" * 16)
        for n, label in enumerate(labels)
    )
    return DataSet("set", tmp_path, ("a", "b", "c"), examples)


@pytest.fixture
def report(dataset):
    """Answers 0, 1, 1, 1, so the second image of class "a" is wrong."""
    logits = np.array([[5, 0, 0], [0, 5, 0], [0, 5, 0], [0, 9, 0]], np.float32)
    return make_report(dataset, logits, effort=EFFORT)


def test_accuracy_and_confusions_are_counted(report):
    assert (report.accuracy, report.num_test, report.majority) == (0.75, 4, 0.5)
    assert report.confusion == ((1, 1, 0), (0, 2, 0), (0, 0, 0))


def test_a_class_has_no_precision_where_it_was_never_answered_and_no_recall_without_images(report):
    by_name = {each.name: each for each in report.classes}
    assert (by_name["a"].precision, by_name["a"].recall) == (1.0, 0.5)
    assert by_name["b"].precision == pytest.approx(2 / 3)
    assert by_name["b"].f1 == pytest.approx(0.8)
    assert (by_name["c"].precision, by_name["c"].recall, by_name["c"].f1) == (None, None, None)


def test_a_class_that_is_always_confused_has_an_f1_of_zero(dataset):
    logits = np.eye(3, dtype=np.float32)[[1, 1, 0, 0]]
    report = make_report(dataset, logits, effort=EFFORT)
    assert [each.f1 for each in report.classes] == [0.0, 0.0, None]


def test_every_test_image_has_its_answer_and_the_probability_of_the_truth(report):
    wrong = report.answered[1]
    assert (wrong.name, wrong.label, wrong.predicted) == ("class/1.jpg", 0, 1)
    assert wrong.probability == pytest.approx(np.exp(5) / (np.exp(5) + 2), abs=1e-6)
    assert wrong.true_probability == pytest.approx(1 / (np.exp(5) + 2), abs=1e-6)


def test_the_loss_is_the_mean_cross_entropy(report):
    probs = [each.true_probability for each in report.answered]
    assert report.loss == pytest.approx(-np.log(probs).mean(), abs=1e-3)  # they are kept with six digits


def test_logits_too_large_for_an_exponential_are_no_trouble(dataset):
    logits = np.array([[1e4, 0, 0]] * 4, np.float32)
    report = make_report(dataset, logits, effort=EFFORT)
    assert report.answered[0].probability == 1.0
    assert report.loss == pytest.approx(5e3)


def test_no_test_images_make_a_report_that_claims_nothing(dataset):
    empty = dataclasses.replace(dataset, examples=())
    report = make_report(empty, np.zeros((0, 3), np.float32), effort=EFFORT)
    assert (report.accuracy, report.interval, report.num_test, report.answered) == (0.0, (0.0, 1.0), 0, ())


def test_a_report_is_read_as_it_was_written(report, tmp_path):
    write_report(report, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"version": 1}', '{"version": 2}', "\ufeff", "[" * 100_000]
)
def test_a_file_that_is_no_report_is_refused_by_name(text, tmp_path):
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadRun, match=r"report\.json"):
        read_report(tmp_path / "report.json")


def test_columns_of_different_lengths_are_refused(report, tmp_path):
    write_report(report, tmp_path / "report.json")
    plain = json.loads((tmp_path / "report.json").read_text())
    plain["answered"]["name"].pop()
    (tmp_path / "report.json").write_text(json.dumps(plain))
    with pytest.raises(BadRun, match="not a report of this version"):
        read_report(tmp_path / "report.json")


def test_a_missing_report_is_named(tmp_path):
    with pytest.raises(BadRun, match="cannot be read: No such file"):
        read_report(tmp_path / "report.json")


def test_a_report_that_cannot_be_written_leaves_the_old_one(report, tmp_path):
    with pytest.raises(Failure, match="the report cannot be written"):
        write_report(report, tmp_path / "missing" / "report.json")
    assert list(tmp_path.iterdir()) == []


def test_the_interval_is_the_one_of_the_books():
    # Agresti and Coull, The American Statistician 52 (1998), table 1: 0 of 10 and 10 of 10, at 95 %.
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


@given(st.integers(1, 10_000), st.data())
def test_the_interval_holds_the_share_and_stays_within_0_and_1(n, data):
    correct = data.draw(st.integers(0, n))
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
