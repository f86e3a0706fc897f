"""Each page by itself, run by Streamlit's own test harness: no browser, no server, no network."""

import inspect
import io
import textwrap
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from finetune_page import bring
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import resources
from vit_core.catalog.index import load_catalogue
from vit_core.catalog.schema import PUBLISHED
from vit_core.checkpoints.restore import save_npz
from vit_core.models.config import ModelConfig
from vit_core.models.initialise import init_params
from vit_core.runs.library import Runs
from vit_core.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _by_itself(monkeypatch, tmp_path):
    """Each test has its own settings and an empty folder as its bucket; only the predictor process is shared."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    monkeypatch.setenv("VIT_BUCKET", str(folder))
    monkeypatch.setenv("VIT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("VIT_RUNS_DIR", str(tmp_path / "runs"))
    for cached in (
        resources.settings,
        resources.store,
        resources.own_checkpoints,
        resources.downloads,
        resources.device_share,
        resources.run_keeper,
        resources.runs,
        resources.all_runs,
        resources.run_metrics,
        resources.runs_by_images,
        resources.training_data,
        resources.intakes,
        resources.live_catalogue,
    ):
        cached.clear()
    yield
    for thread in threading.enumerate():
        if thread.name == "catalogue refresh":
            thread.join(30)


@pytest.fixture(scope="session", autouse=True)
def _predictor_stopped():
    """The predictor process of the pages ends with the tests."""
    yield
    st.cache_resource.clear()


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """A checkpoint of random weights that takes no time: 16 px, two layers, two heads, three classes."""
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.npz"
    config = ModelConfig(
        patch_size=4, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=3, resolution=16
    )
    params = init_params(config, seed=0)
    params["head"]["kernel"] = np.eye(16, 3, dtype=np.float32)  # fresh heads are zeros, and name no classes
    save_npz(path, config, params)
    return path


@pytest.fixture(scope="session")
def zeroed_checkpoint(tmp_path_factory):
    """The same architecture with fresh weights, whose head is all zeros."""
    path = tmp_path_factory.mktemp("checkpoint") / "zeroed.npz"
    config = ModelConfig(
        patch_size=4, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=3, resolution=16
    )
    save_npz(path, config, init_params(config, seed=0))
    return path


@pytest.fixture
def open_page(caplog):
    """Give a function that opens a page in the frame, with query parameters, and gives Streamlit's harness.

    `open_page("about", checkpoint="x")` opens /about?checkpoint=x. An error that no page expected fails the test.
    """

    def run(name: str, **query: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=PATIENCE_S).run()
        page.switch_page(f"views/{name}.py")
        for key, value in query.items():
            page.query_params[key] = value
        return page.run()

    yield run
    assert "A page failed" not in caplog.text


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


@pytest.fixture
def run_function():
    """Give a function that runs a function's body as a page."""

    def run(function) -> AppTest:
        source = textwrap.dedent(inspect.getsource(function))
        imports = "import streamlit as st\nfrom app.components.errors import shown_errors\n"
        imports += "from vit_core.errors import BadInput\n"
        return AppTest.from_string(f"{imports}{source}\n{function.__name__}()", default_timeout=PATIENCE_S).run()

    return run


@pytest.fixture
def index_csv():
    """The bytes of an index of three real fine-tunes, as the collection publishes it."""
    columns = list(PUBLISHED)
    frame = load_catalogue(Settings(cache_dir=Path("/nonexistent")), network=False).frame
    return frame.head(3)[columns].to_csv(index=False).encode()


class NoEngine:
    """Starts nothing: a run stays a draft."""

    def start(self, folder):
        """Leave it."""

    def stop(self, folder, grace_s):
        """Leave it."""

    def poll(self, folder):
        """Say that nothing runs."""
        return "gone"


@pytest.fixture
def runs_without_engine():
    """Give a function that opens the app's runs such that a new one stays a draft."""
    return lambda: Runs(resources.settings(), engine=NoEngine())


@pytest.fixture
def zipped(draw_classes, tmp_path, jpeg):
    """Give a function that zips three drawn classes and further files, given by their names, as bytes."""
    folder = draw_classes(tmp_path / "drawn")

    def make(**more: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path in sorted(folder.glob("*/*.jpg")):
                archive.write(path, path.relative_to(folder))
            for name, data in more.items():
                archive.writestr(name, data)
        return buffer.getvalue()

    return make


@pytest.fixture
def prepared(open_page, zipped):
    """Give a function that opens the page and brings a zip with further files."""
    return lambda more=None, **query: bring(open_page("finetune", **query), zipped(**(more or {})))
