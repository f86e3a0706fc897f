"""Each page by itself, run by Streamlit's own test harness: no browser, no server, no network."""

import io
import threading
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _by_itself(monkeypatch, tmp_path):
    """Each test has empty caches and an empty folder as its bucket; its predictor is stopped in the end."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    monkeypatch.setenv("VIT_BUCKET", str(folder))
    monkeypatch.setenv("VIT_CACHE_DIR", str(tmp_path / "cache"))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    for thread in threading.enumerate():
        if thread.name == "catalogue refresh":
            thread.join(30)
    st.cache_resource.clear()


@pytest.fixture
def open_page():
    """Give a function that runs one page, with query parameters, and gives the test harness.

    `open_page("about", checkpoint="x")` runs app/views/about.py by itself; "main" runs the frame with its first page.
    """

    def run(name: str, **query: str) -> AppTest:
        script = ROOT / "app" / ("main.py" if name == "main" else f"views/{name}.py")
        page = AppTest.from_file(str(script), default_timeout=PATIENCE_S)
        for key, value in query.items():
            page.query_params[key] = value
        return page.run()

    return run


@pytest.fixture
def texts():
    """Give a function that joins all that a page says: titles, texts, messages, HTML."""

    def join(page: AppTest) -> str:
        kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success", "code")
        parts = [element.value for kind in kinds for element in page.get(kind)]
        return "\n".join(map(str, parts))

    return join


@pytest.fixture
def jpeg():
    """Give a function that makes the bytes of a small JPEG, different ones for each seed."""

    def make(seed: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG")
        return buffer.getvalue()

    return make
