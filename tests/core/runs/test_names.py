"""Names of runs."""

import string

import hypothesis
import hypothesis.strategies as st
import pytest

from vit_core.errors import BadRun
from vit_core.runs.names import check_run_name, is_run_name, suggest_run_name


@hypothesis.given(st.text(max_size=200), st.sets(st.sampled_from(["run", "run-2", "a", "a-2"])))
def test_whatever_is_wished_a_valid_free_name_comes_of_it(wish, taken):
    name = suggest_run_name(wish, taken)
    assert is_run_name(name)
    assert name not in taken


@hypothesis.given(st.text(string.printable, max_size=70))
def test_a_name_is_accepted_or_refused_with_the_rule(name):
    if is_run_name(name):
        assert check_run_name(name) == name
    else:
        with pytest.raises(BadRun, match="name"):
            check_run_name(name)
