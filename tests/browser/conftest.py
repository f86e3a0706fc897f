"""A real server and a real browser: each test drives the app as a person would.

Every page that a test opens is watched: a request to another host, an error in the console of the browser or
a traceback in the log of the server fails the test.
"""

import dataclasses
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from bucket_server import NOWHERE
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from vit_core.catalog.index import load_catalogue
from vit_core.catalog.schema import PUBLISHED
from vit_core.settings import Settings

ROOT = Path(__file__).parents[2]
DESKTOP, PHONE = (1440, 900), (390, 844)
PATIENCE_MS = 90_000  # two busy cores: a first answer starts a process, imports JAX and compiles
# Streamlit asks for its health endpoints below the page's own path first; the 404 is expected by its front end. It also
# asks whether the file behind a download button is there, when a newer one may just have taken its place.
HARMLESS = re.compile(r"404 \(Not Found\)|Download Button source error - 404")
# Streamlit's own fault when a tab is closed before its connection stands: it closes what is closed.
CLOSED_TWICE = re.compile(
    r"Exception in ASGI application\n(?:(?!Exception in ASGI application).)*?"
    r"WebSocketDisconnected: Cannot call \"send\" once a close message has been sent\.",
    re.DOTALL,
)

expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items):
    """Mark everything in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclasses.dataclass
class App:
    """A running server of the app."""

    url: str
    process: subprocess.Popen
    log: Path
    cache: Path

    def log_text(self) -> str:
        """Give what the server has written so far."""
        return self.log.read_text()


@pytest.fixture(scope="module")
def start_app(tmp_path_factory):
    """Give a function that starts the app with further environment variables; all are stopped in the end."""
    started = []

    def start(**environment: str) -> App:
        app = _start(tmp_path_factory.mktemp("app"), environment)
        started.append(app)
        return app

    yield start
    logs = [app.log_text() for app in started]  # before the end, which interrupts whatever a thread is asking
    for app in started:
        app.process.send_signal(signal.SIGTERM)
    for app in started:
        app.process.wait(timeout=60)
    for log in logs:
        assert "Traceback" not in CLOSED_TWICE.sub("", log), log


@pytest.fixture(scope="module")
def offline_app(start_app):
    """The app on a machine without a network: nothing listens where its bucket should be."""
    return start_app()


@pytest.fixture(scope="session")
def chromium():
    """A Chromium: Debian's, Chrome, or the one that Playwright installed. None of them is a failure, not a skip."""
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        installed = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
        if not Path(installed).exists():
            pytest.fail("The browser tests need Chromium; 'make browser' installs one, on Debian: apt install chromium")
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=installed, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Give a function that opens a path of an app in a fresh browser profile and waits until the page stands.

    `visit(app, "/classify?checkpoint=…", scheme="dark", size=PHONE)` gives Playwright's page.
    """
    contexts, troubles = [], []

    def open_page(app: App, path: str = "/", *, scheme: str = "light", size: tuple[int, int] = DESKTOP) -> Page:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _note_outside(troubles, app, request.url))
        page.on("console", lambda message: _note_error(troubles, message))
        page.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
        page.goto(app.url + path)
        _wait_until_still(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def still():
    """Give a function that waits until a page's script has run."""
    return _wait_until_still


@pytest.fixture
def faults():
    """Give a function that lists a page's serious accessibility faults (WCAG 2 A and AA, by axe)."""

    def list_faults(page: Page) -> list[str]:
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
        found = Axe().run(page, options=options).response["violations"]
        return [
            f"{fault['id']}: {node['target']} {node['failureSummary']}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    return list_faults


@pytest.fixture
def overflow():
    """Give a function that says by how many pixels a page is wider than its window."""

    def pixels(page: Page) -> int:
        return page.evaluate(
            """() => Math.max(...[document.documentElement, document.querySelector('[data-testid=stMain]')]
               .map(element => element.scrollWidth - element.clientWidth))"""
        )

    return pixels


@pytest.fixture
def jpeg():
    """Give a function that makes the bytes of a small JPEG, different ones for each seed."""

    def make(seed: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG")
        return buffer.getvalue()

    return make


def _start(folder: Path, environment: dict[str, str]) -> App:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cache = folder / "cache"
    merged = {
        **os.environ,
        "VIT_CACHE_DIR": str(cache),
        "VIT_RUNS_DIR": str(folder / "runs"),
        "STORAGE_EMULATOR_HOST": NOWHERE,
        "NO_GCE_CHECK": "true",
        **environment,
    }
    command = [sys.executable, "-m", "app.launch", "run", "app/server.py", "--server.port", str(port)]
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=merged, stdout=output, stderr=subprocess.STDOUT)
    app = App(f"http://127.0.0.1:{port}", process, log, cache)
    ends_at = time.monotonic() + 60
    while not _is_healthy(app.url):
        assert process.poll() is None, app.log_text()
        assert time.monotonic() < ends_at, "the server did not come up within 60 s"
        time.sleep(0.1)
    return app


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _wait_until_still(page: Page) -> None:
    """Wait until the script has run and no placeholder is left."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE_MS)
    expect(page.locator('[data-testid="stSkeleton"]')).to_have_count(0, timeout=PATIENCE_MS)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE_MS)


def _note_outside(troubles: list[str], app: App, url: str) -> None:
    if not url.startswith((app.url, "data:", "blob:", "about:", app.url.replace("http", "ws"))):
        troubles.append(f"a request left this machine: {url}")


def _note_error(troubles: list[str], message) -> None:
    if message.type == "error" and not HARMLESS.search(message.text):
        troubles.append(f"console: {message.text}")


@pytest.fixture
def index_csv():
    """The bytes of an index of three real fine-tunes, as the collection publishes it."""
    frame = load_catalogue(Settings(cache_dir=Path("/nonexistent")), network=False).frame
    return frame.head(3)[list(PUBLISHED)].to_csv(index=False).encode()
