"""Every page as a picture, light, dark and on a phone, for people to look at.

They go to the folder that VIT_SCREENSHOTS names, build/screenshots by default; with VIT_README_SCREENSHOT set, the one
that the README shows is written there as well.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
LOOKS = {"light": ("light", (1440, 900)), "dark": ("dark", (1440, 900)), "phone": ("light", (390, 844))}
PAGES = {
    "explore": "/",
    "compare": "/compare",
    "classify": "/classify",
    "evaluate": "/evaluate",
    "finetune": "/finetune",
    "runs": "/runs",
    "about": "/about",
}
SLOW_MS = 90_000
# Read before the tests' own environment hides the user's settings.
FOLDER = Path(os.environ.get("VIT_SCREENSHOTS") or ROOT / "build" / "screenshots")
README = os.environ.get("VIT_README_SCREENSHOT")


@pytest.fixture(scope="module", autouse=True)
def _folder():
    FOLDER.mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_screenshot(visit, offline_app, overflow, name, look):
    scheme, size = LOOKS[look]
    page = visit(offline_app, PAGES[name], scheme=scheme, size=size)
    if name == "classify":
        answer_a_sample(page)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert overflow(page) <= 0

    show_whole(page, size)
    path = FOLDER / f"{name}-{look}.png"
    page.screenshot(path=path)

    assert path.stat().st_size > 10_000


def test_screenshot_of_the_readme(visit, offline_app):
    page = visit(offline_app, "/", scheme="light", size=(1440, 1150))
    expect(page.get_by_role("button", name=re.compile("Catalogue: "))).to_be_visible()
    page.wait_for_timeout(1000)  # charts fade in

    page.screenshot(path=FOLDER / "readme.png")

    if README:
        Path(README).write_bytes((FOLDER / "readme.png").read_bytes())
    assert (FOLDER / "readme.png").stat().st_size > 10_000


def answer_a_sample(page):
    page.locator('.st-key-samples [class*="st-key-sample-"] button').first.click()
    expect(page.locator(".vx-guesses li").first).to_be_visible(timeout=SLOW_MS)
    page.get_by_text("All layers", exact=True).click()
    expect(page.locator(".st-key-seen img")).to_have_attribute("alt", re.compile("lit where"))
    page.mouse.move(0, 0)


def show_whole(page, size):
    """Make the window as high as the page, which scrolls inside its frame."""
    main = page.get_by_test_id("stMain")
    main.evaluate("element => element.scrollTo(0, 0)")
    height = main.evaluate("element => element.scrollHeight")
    page.set_viewport_size({"width": size[0], "height": max(size[1], min(height, 4000))})
    page.wait_for_timeout(800)  # charts and pictures fade in
