"""The report as files: whole, plain, and without a way for a user's text to do anything."""

import base64
import csv
import io
import json
import re
import shutil

import pytest
from PIL import Image

from vit_core.errors import BadInput, Failure
from vit_core.evaluation import evaluate, write_report

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def evaluation(whole_evaluation):
    return whole_evaluation


@pytest.fixture
def page(evaluation, tmp_path):
    write_report(evaluation, tmp_path / "out")
    return (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_folder_holds_three_files(evaluation, tmp_path):
    write_report(evaluation, tmp_path / "deep" / "out")
    names = sorted(path.name for path in (tmp_path / "deep" / "out").iterdir())
    assert names == ["predictions.csv", "report.html", "report.json"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_the_json_has_every_figure(evaluation, tmp_path):
    write_report(evaluation, tmp_path / "out")
    plain = json.loads((tmp_path / "out" / "report.json").read_text())
    assert plain["top1"] == evaluation.top1
    assert plain["num_images"] == 400
    assert plain["expected_calibration_error"] == evaluation.calibration_error
    assert sum(images for _, _, images in plain["confusion"]) == 400
    assert sum(each["count"] for each in plain["reliability"]) == 400
    assert [each["name"] for each in plain["classes"]] == [f"digit {number}" for number in range(10)]
    assert str(evaluation.root) not in json.dumps(plain)  # a report is passed on; folders of this machine are not


def test_the_table_has_a_line_for_each_image(evaluation, tmp_path):
    write_report(evaluation, tmp_path / "out")
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 400
    assert sum(row["label"] == row["predicted"] for row in rows) == evaluation.num_correct
    assert list(rows[0]) == ["file", "label", "predicted", "probability", "true_probability"]


def test_the_page_needs_no_network_and_runs_nothing(page):
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:image/jpeg;base64,)', page)
    assert "url(" not in page
    assert "default-src 'none'" in page


def test_the_page_shows_the_mistakes_as_small_pictures(page, evaluation):
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(pictures) == min(24, evaluation.num_images - evaluation.num_correct)
    for text in pictures:
        with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
            assert max(picture.size) <= 160
            assert not picture.getexif()


def test_the_page_tells_the_figures_and_how_they_were_measured(page, evaluation):
    assert f"{100 * evaluation.top1:.2f} %" in page
    assert "Classes are matched by their exact names." in page
    assert "squeezed to a square" in page
    assert "All of &#x27;digits&#x27;: 400 images." in page
    assert page.count("<rect") == sum(each.count > 0 for each in evaluation.bins)


def test_names_of_the_user_are_shown_and_not_obeyed(digits_checkpoint, few_digits, settings, tmp_path):
    folder = tmp_path / "set"
    for number in range(10):
        shutil.copytree(few_digits / f"digit {number}", folder / f"={number}{EVIL}")
    labels = [f"={number}{EVIL}" for number in range(9, -1, -1)]  # all wrong, so that the mistakes are many
    evaluation = evaluate(digits_checkpoint, folder, labels=labels, settings=settings)
    write_report(evaluation, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert row["label"].startswith("'=")


def test_an_older_report_is_replaced(evaluation, tmp_path):
    write_report(evaluation, tmp_path / "out")
    (tmp_path / "out" / "report.json").write_text("old")
    write_report(evaluation, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["version"] == 1
    assert [path.name for path in tmp_path.glob("*out*")] == ["out"]


def test_a_folder_that_holds_something_else_is_left_alone(evaluation, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(BadInput, match=r"holds 'thesis\.tex' already"):
        write_report(evaluation, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.tex").read_text() == "years of work"


def test_a_place_that_cannot_be_written_to_gets_a_sentence_and_nothing_is_left(evaluation, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises((BadInput, Failure)):
        write_report(evaluation, tmp_path / "file" / "out")
    assert [path.name for path in tmp_path.glob("*file*")] == ["file"]


def test_a_mistake_whose_image_is_gone_is_listed_without_a_picture(digits_checkpoint, few_digits, settings, tmp_path):
    labels = [f"digit {number}" for number in range(9, -1, -1)]
    evaluation = evaluate(digits_checkpoint, few_digits, labels=labels, settings=settings)
    shutil.rmtree(few_digits)
    write_report(evaluation, tmp_path / "out")
    assert "no picture" in (tmp_path / "out" / "report.html").read_text()


def test_many_classes_are_listed_by_their_most_frequent_confusions(evaluation, monkeypatch, tmp_path):
    monkeypatch.setattr("vit_core.evaluation.page._MOST_IN_MATRIX", 5)
    write_report(evaluation, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'class="matrix"' not in page
    assert "most frequent mistakes" in page
