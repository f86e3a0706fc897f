"""The first screen: what comes with it, what comes after, and what is computed once for everybody."""

import functools
import gc
import re
import tomllib
import weakref
from pathlib import Path

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.testclient import TestClient
from streamlit import file_util
from streamlit.testing.v1 import AppTest

from app.derived import once
from app.first_page import asking_for, first_page_route, scripts_of

MAIN = Path(__file__).parents[2] / "app" / "main.py"
STREAMLIT = Path(file_util.get_static_dir())


def test_the_chart_comes_with_the_second_run_of_a_visit():
    page = AppTest.from_file(str(MAIN), default_timeout=60).run()

    assert not page.get("plotly_chart")
    assert page.dataframe
    assert page.run().get("plotly_chart")


def test_the_first_page_asks_for_scripts_that_streamlit_has():
    page = asking_for((STREAMLIT / "index.html").read_text(), scripts_of(STREAMLIT / "static" / "js"))

    asked = re.findall(r'import\("\./([^"]+)"\)', page)
    assert any(name.startswith("static/js/DataFrame.") for name in asked)
    assert all((STREAMLIT / name).is_file() for name in asked)


def test_without_scripts_that_are_known_the_page_stays_as_it_is(tmp_path):
    assert scripts_of(tmp_path) == ()
    assert asking_for("<head></head>", ()) == "<head></head>"


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


@pytest.mark.parametrize("below", ["", "vit", "/vit/"])
def test_the_first_page_is_answered_where_its_scripts_are_found(below):
    base = f"/{below.strip('/')}/" if below else "/"
    streamlit = Mount(base, app=PlainTextResponse("streamlit"))
    client = TestClient(Starlette(routes=[first_page_route(below=below), streamlit]))

    page = client.get(base.rstrip("/") or "/")

    assert page.url.path == base  # what the addresses of scripts are relative to
    assert "import(" in page.text
    assert client.get(f"{base}static/x.js").text == "streamlit"


def test_a_table_that_is_its_own_answer_is_not_kept_by_it():
    table = pd.DataFrame({"a": [1]})
    watch = weakref.ref(table)
    answer = functools.partial(next, iter([table]))
    assert once("itself", table, answer) is table

    del table, answer
    gc.collect()

    assert watch() is None
