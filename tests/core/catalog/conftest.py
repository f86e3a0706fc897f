"""Shared by the catalogue's tests: the bundled table, a csv as the collection publishes it, and a bucket to ask."""

import http.server
import threading
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pandas as pd
import pytest

from vit_core.catalog.collection import MODEL_FACTS
from vit_core.catalog.index import Catalogue, load_catalogue
from vit_core.catalog.naming import UNPUBLISHED_NAME
from vit_core.catalog.schema import PUBLISHED
from vit_core.catalog.table import true_params
from vit_core.settings import Settings


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Settings of a machine without a network: every port is closed."""
    return Settings(bucket="http://127.0.0.1:9/closed", cache_dir=tmp_path / "cache")


@pytest.fixture(scope="session")
def bundled(tmp_path_factory) -> Catalogue:
    return load_catalogue(Settings(cache_dir=tmp_path_factory.mktemp("cache")), network=False)


@pytest.fixture(scope="session")
def frame(bundled) -> pd.DataFrame:
    return bundled.frame


@pytest.fixture(scope="session")
def published_table(frame) -> pd.DataFrame:
    """A table with the form and the quirks of the real index.csv; its accuracies are random numbers for tests.

    Quirks: epochs as 300.0, no final_test, no parameters and speed for B/8, wrong parameters for R50+L/32, one row
    less than the design, rows in no order.
    """
    random = np.random.default_rng(0)
    table = frame[list(PUBLISHED)].copy()
    table[["name", "ds", "aug", "adapt_ds", "filename"]] = table[["name", "ds", "aug", "adapt_ds", "filename"]].astype(
        "str"
    )
    _name_third_b8(table)
    files = table["filename"].drop_duplicates()
    upstream = dict(zip(files, np.round(random.uniform(0.3, 0.8, len(files)), 6), strict=True))
    table["final_val"] = table["filename"].map(upstream)
    table["best_val"] = table["final_val"] + 0.0002
    table["final_test"] = np.nan
    table["adapt_final_val"] = np.round(random.uniform(0.5, 0.99, len(table)), 6)
    table["adapt_final_test"] = np.round(random.uniform(0.5, 0.99, len(table)), 5)
    for name in MODEL_FACTS:
        for side in (224, 384):
            rows = (table["name"] == name) & (table["adapt_resolution"] == side)
            table.loc[rows, "params"] = true_params(name, side)
    table.loc[table["name"] == "B/8", "params"] = np.nan
    table.loc[(table["name"] == "R50+L/32") & (table["adapt_resolution"] == 224), "params"] = 110_950_000
    table.loc[(table["name"] == "R50+L/32") & (table["adapt_resolution"] == 384), "params"] = 111_020_000
    return table.sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.fixture(scope="session")
def published_csv(published_table) -> bytes:
    return published_table.to_csv(index=False).encode()


@pytest.fixture
def small_table(published_table) -> pd.DataFrame:
    """Thirty of those rows."""
    return published_table.head(30).copy()


@pytest.fixture
def small_csv(small_table) -> bytes:
    return small_table.to_csv(index=False).encode()


class Bucket(Protocol):
    """A web server with one object, `url`/index.csv; set `status`, `body` and `etag`, read `requests`."""

    url: str
    status: int
    body: bytes
    etag: str
    requests: int


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    class State:
        url, status, body, etag, requests = "", 200, b"", '"1"', 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            State.requests += 1
            unchanged = State.status == 200 and self.headers.get("If-None-Match") == State.etag
            self.send_response(304 if unchanged else State.status)
            self.send_header("ETag", State.etag)
            self.send_header("Content-Length", "0" if unchanged else str(len(State.body)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(State.body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    State.url = f"http://127.0.0.1:{server.server_port}/bucket"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with server:
        yield State
        server.shutdown()
        thread.join()


def _name_third_b8(table: pd.DataFrame) -> None:
    """Give the unnamed B/8 file a name, as the real index has; the recipe is made up for the tests."""
    rows = table["filename"] == UNPUBLISHED_NAME
    name = "B_8-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"
    table.loc[rows, "adapt_filename"] = table.loc[rows, "adapt_filename"].str.replace(UNPUBLISHED_NAME, name)
    table.loc[rows, ["filename", "aug"]] = [name, "light1"]
    table.loc[rows, ["lr", "wd", "do", "sd"]] = [0.001, 0.1, 0.0, 0.0]
