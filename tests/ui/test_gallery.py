"""Many answers: sorted, and taken along as a table that no spreadsheet runs."""

import csv
import io

from app.answers import Facts, PictureAnswer
from app.components.gallery import answers_csv, sort_answers
from app.pictures import Picture
from vit_core.inference.service import Prediction

FACTS = Facts("CPU", 224, 10, "digits", "The 10 classes of digits.", (), {})


def answer(name="cat.jpg", shares=(0.6, 0.4), *, label="cat", error=None):
    predictions = tuple(Prediction(index, f"{label} {index}", share) for index, share in enumerate(shares))
    return PictureAnswer(Picture(name, name, 1), () if error else predictions, error, b"", FACTS)


def rows(answers):
    text = answers_csv(answers, checkpoint="B_16-x", preprocessing="resize")
    return list(csv.DictReader(io.StringIO(text)))


def test_answers_are_sorted_by_confidence():
    low, high = answer("low", (0.3,)), answer("high", (0.9,))

    assert sort_answers([low, high], "most") == [high, low]
    assert sort_answers([high, low], "least") == [low, high]
    assert sort_answers([low, high], "added") == [low, high]


def test_equal_confidence_keeps_the_order_of_arrival():
    first, second = answer("first", (0.5,)), answer("second", (0.5,))

    assert sort_answers([first, second], "most") == [first, second]


def test_a_row_has_the_guesses_and_how_they_were_made():
    row = rows([answer()])[0]

    assert (row["file"], row["class_1"], row["probability_1"]) == ("cat.jpg", "cat 0", "0.600000")
    assert (row["class_2"], row["class_3"]) == ("cat 1", "")
    assert (row["checkpoint"], row["resolution"], row["preprocessing"]) == ("B_16-x", "224", "resize")


def test_a_broken_file_has_its_reason_in_its_row():
    row = rows([answer(error="'x' is truncated.")])[0]

    assert (row["class_1"], row["error"]) == ("", "'x' is truncated.")


def test_no_cell_is_a_formula():
    row = rows([answer("=HYPERLINK(1)", label="@evil"), answer("+1")])

    assert row[0]["file"] == "'=HYPERLINK(1)"
    assert row[0]["class_1"] == "'@evil 0"
    assert row[1]["file"] == "'+1"


def test_names_with_commas_quotes_and_lines_stay_one_cell():
    name = 'a,"b"\nc.jpg'

    assert rows([answer(name)])[0]["file"] == name
