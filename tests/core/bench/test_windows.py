"""Windows of time: in turn, long enough, and told by their quartiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.bench.windows import duration, interleave, rate, spread


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=9))
def test_a_median_lies_within_its_quartiles_and_these_within_the_figures(figures):
    low, median, high = spread(figures)

    slack = 1e-9 * max(figures)
    assert min(figures) - slack <= low <= median + slack
    assert median <= high + slack <= max(figures) + 2 * slack


def test_contestants_take_turns_and_the_first_turn_is_not_counted():
    turns = []

    def contestant(name):
        def window():
            turns.append(name)
            return float(len(turns))

        return window

    figures = interleave({"a": contestant("a"), "b": contestant("b")}, windows=3)

    assert turns == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert figures == {"a": [3.0, 6.0, 7.0], "b": [4.0, 5.0, 8.0]}


def test_a_rate_counts_what_was_done_and_a_duration_one_piece_of_it():
    done = []

    per_second = rate(lambda: done.append(1), amount=4, at_least_s=0.01)()
    times = len(done)
    seconds = duration(lambda: done.append(1))()

    assert times > 1
    assert 0 < per_second <= 4 * times / 0.01
    assert seconds > 0
    assert len(done) == times + 1


def test_an_error_in_a_window_is_no_figure():
    def broken():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        interleave({"broken": broken}, windows=1)
