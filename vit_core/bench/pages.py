"""`bench pages`: the real app in a real browser: first useful screen, a filter, what is sent, what the server holds.

A useful screen shows how many files there are, which is drawn with the table of them. The browser has the front end's
files from an earlier visit, as a returning visitor has; the session is a new one each time.
"""

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vit_core.bench.conditions import Conditions
from vit_core.bench.options import Options
from vit_core.bench.report import Report, Row
from vit_core.bench.served import Served, running_app
from vit_core.errors import Failure

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

_ALL = r"^[\d,]+ pre-trained files$"
_FEWER = r"^\d+ of [\d,]+ pre-trained files$"
# Asked at every frame: Playwright itself looks every half second in the end, as long as what is measured takes.
# The rows are drawn on a canvas, whose cells stand beside it for screen readers.
_SCREEN = """(words) => document.querySelector('[data-testid="glide-cell-1-0"]') && (%s)(words)"""
_SAID = """(words) => [...document.querySelectorAll('[data-testid="stMarkdownContainer"] strong')]
  .some((element) => new RegExp(words).test(element.textContent))"""
_FACET = re.compile(r"^S\/16 \(\d+\)$")  # Playwright does not escape the stroke itself
_PATIENCE_MS = 90_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class _Visit(NamedTuple):
    """What one visit took: seconds, and the bytes that the session was sent before the screen was useful."""

    screen: float
    filter: float
    sent: int


def measure(options: Options) -> Report:
    """Measure the Explore page.

    Raises:
        Failure: there is no browser to drive.
    """
    with _browser() as browser, running_app() as app, _said_by_the_browser():
        conditions = Conditions()
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        _visit(context, app)  # fills the caches of browser and server
        visits = [_visit(context, app) for _ in range(options.windows)]
        memory = app.memory_bytes()
    rows = (
        Row(task="first useful screen", unit="s", better="less", figures=tuple(each.screen for each in visits)),
        Row(task="filter to visible", unit="s", better="less", figures=tuple(each.filter for each in visits)),
        Row(task="payload of the session", unit="kB", better="less", figures=tuple(each.sent / 1e3 for each in visits)),
        Row(task="web process after Explore", unit="MB", better="less", figures=(memory / 1e6,)),
    )
    return Report(
        bench="pages",
        subject="Explore, 1280 px wide",
        options=options.to_plain(),
        measured=conditions.to_plain(),
        rows=rows,
    )


@contextlib.contextmanager
def _browser() -> "Iterator[Browser]":
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise Failure(
            "bench pages drives a browser, for which Playwright is missing; install the development packages: "
            "pip install -r requirements-dev.txt, then make browser."
        ) from error
    with sync_playwright() as playwright:
        installed = next(filter(None, map(shutil.which, _BROWSERS)), playwright.chromium.executable_path)
        if not Path(installed).exists():
            raise Failure("bench pages found no Chromium; make browser installs one, on Debian: apt install chromium.")
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        try:
            browser = playwright.chromium.launch(executable_path=installed, args=arguments)
        except Error as error:
            raise Failure(f"The browser {installed} does not start: {str(error).splitlines()[0]}") from error
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def _said_by_the_browser() -> Iterator[None]:
    from playwright.sync_api import Error

    try:
        yield
    except Error as error:
        raise Failure(f"The page did not show what is measured: {str(error).splitlines()[0]}") from error


def _visit(context: "BrowserContext", app: Served) -> _Visit:
    page = context.new_page()
    sent = 0

    def count(payload: bytes | str) -> None:
        nonlocal sent
        sent += len(payload)

    page.on("websocket", lambda socket: socket.on("framereceived", count))
    began = time.perf_counter()
    page.goto(app.url)
    page.wait_for_function(_SCREEN % _SAID, arg=_ALL, timeout=_PATIENCE_MS)
    screen, sent_by_then = time.perf_counter() - began, sent
    button = page.get_by_role("button", name=_FACET).first
    began = time.perf_counter()
    button.click(timeout=_PATIENCE_MS)
    page.wait_for_function(_SAID, arg=_FEWER, timeout=_PATIENCE_MS)
    filtered = time.perf_counter() - began
    page.close()
    return _Visit(screen, filtered, sent_by_then)
