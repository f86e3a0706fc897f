"""The first screen: what comes with it, what comes after, and what is computed once for everybody."""

import functools
import gc
import tomllib
import weakref
from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from app.derived import once

MAIN = Path(__file__).parents[2] / "app" / "main.py"


def test_the_chart_comes_with_the_second_run_of_a_visit():
    page = AppTest.from_file(str(MAIN), default_timeout=60).run()

    assert not page.get("plotly_chart")
    assert page.dataframe
    assert page.run().get("plotly_chart")


def test_the_same_question_about_a_table_is_computed_once():
    table, asked = pd.DataFrame({"a": [1]}), []

    for _ in range(2):
        once("sum", table, lambda: asked.append("first"), "a")
    once("sum", table, lambda: asked.append("second"), "b")

    assert asked == ["first", "second"]


def test_a_table_of_a_visit_is_not_kept_by_what_was_computed_from_it():
    table = pd.DataFrame({"a": [1]})
    once("rows", table, lambda: 1)
    gone = weakref.ref(table)

    del table
    gc.collect()

    assert gone() is None


def test_no_run_of_a_page_collects_all_garbage():
    settings = tomllib.loads((MAIN.parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))

    assert settings["runner"]["postScriptGC"] is False


def test_a_table_that_is_its_own_answer_is_not_kept_by_it():
    table = pd.DataFrame({"a": [1]})
    watch = weakref.ref(table)
    answer = functools.partial(next, iter([table]))
    assert once("itself", table, answer) is table

    del table, answer
    gc.collect()

    assert watch() is None
