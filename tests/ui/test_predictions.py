"""Guesses in words and bars."""

import pytest

from app.components.predictions import CLEAR_LEAD, SURE_ENOUGH, doubt_about, duration, guesses_html, percent
from vit_core.inference.service import Prediction


def guesses(*shares, label="cat"):
    return [Prediction(index, f"{label} {index}", share) for index, share in enumerate(shares)]


def test_a_clear_winner_leaves_no_doubt():
    assert doubt_about(guesses(0.8, 0.1)) is None


def test_a_weak_winner_is_not_sure():
    assert "only 30.0 %" in doubt_about(guesses(0.30, 0.01))


def test_two_close_guesses_are_torn():
    assert "4.0 points apart" in doubt_about(guesses(0.48, 0.44))


@pytest.mark.parametrize("shares", [(SURE_ENOUGH, SURE_ENOUGH - CLEAR_LEAD - 0.001), (1.0,)])
def test_at_the_limits_of_the_rule_it_is_sure(shares):
    assert doubt_about(guesses(*shares)) is None


def test_no_guesses_leave_no_doubt():
    assert doubt_about([]) is None


def test_labels_and_definitions_are_shown_letter_by_letter():
    shown = guesses_html([Prediction(0, "<img src=x onerror=alert(1)>", 0.5)], {0: "<script>alert(2)</script>"})

    assert "<img" not in shown
    assert "<script" not in shown
    assert "&lt;img src=x" in shown


def test_imagenet_classes_are_shown_with_their_definitions(run_function):
    def page():
        from app.answers import Facts
        from app.components.predictions import show_predictions
        from vit_core.inference.service import Prediction

        facts = Facts("CPU", 224, 1000, "imagenet2012", "made up", (), {})
        show_predictions([Prediction(281, "tabby", 0.9), Prediction(0, "tench", 0.1)], facts, top_k=2)

    shown = "".join(element.proto.body for element in run_function(page).get("html"))
    assert "a cat with a grey or tawny coat mottled with black" in shown


def test_a_bar_is_as_long_as_its_share():
    assert "width:25.00%" in guesses_html(guesses(0.25), {})


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0.0 %"), (0.0004, "< 0.1 %"), (0.5, "50.0 %"), (0.99949, "99.9 %"), (0.9999, "> 99.9 %"), (1.0, "100 %")],
)
def test_shares_are_rounded_without_lies_at_the_ends(share, words):
    assert percent(share) == words


def test_times_have_a_unit_that_fits():
    assert (duration(0.0004), duration(0.999), duration(2.34)) == ("0 ms", "999 ms", "2.3 s")
