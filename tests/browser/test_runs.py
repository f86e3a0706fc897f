"""Runs in a real browser, with runs that really learn: begun on the command line, followed, stopped, used, deleted."""

import json
import os
import re
import subprocess
import sys
import time
import zipfile

import pytest
from playwright.sync_api import expect

CHECKPOINT = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"
pytestmark = pytest.mark.timeout(600)  # several runs in a row learn in one test
PHONE = (390, 844)
PATIENCE_S = 180  # two busy cores: each start of a run imports JAX and compiles
DONE = PATIENCE_S * 1000


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def app(start_app, runs_dir):
    """The app, with runs of its own."""
    return start_app(VIT_RUNS_DIR=str(runs_dir))


@pytest.fixture(scope="module")
def command(runs_dir, app):
    """Give a function that runs the command line on the same runs as the app and gives what it says."""
    environment = {**os.environ, "VIT_RUNS_DIR": str(runs_dir), "VIT_CACHE_DIR": str(app.cache)}

    def run(*arguments):
        words = [sys.executable, "-m", "vit_core", *map(str, arguments)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    for record in json.loads(run("runs", "list", "--format", "json")):
        if record["state"] in ("queued", "running", "stopping"):
            run("runs", "stop", record["name"])
    ends_at = time.monotonic() + PATIENCE_S
    while any(each["state"] in ("running", "stopping") for each in json.loads(run("runs", "list", "--format", "json"))):
        assert time.monotonic() < ends_at
        time.sleep(0.5)


@pytest.fixture(scope="module")
def pictures(draw_classes, tmp_path_factory):
    """Drawn pictures in three folders, the classes."""
    return draw_classes(tmp_path_factory.mktemp("pictures"), per_class=30)


@pytest.fixture(scope="module")
def finished(command, pictures):
    """The name of a run that is done."""
    command("finetune", "--checkpoint", CHECKPOINT, "--data", pictures, "--name", "shapes", "--total-steps", 60)
    return "shapes"


@pytest.fixture
def start_long(command, pictures):
    """Give a function that starts a run of about a minute by its name: many steps, each with costly augmentation."""

    def start(name, steps=1500):
        command(
            *("finetune", "--checkpoint", CHECKPOINT, "--data", pictures, "--name", name, "--detach"),
            *("--total-steps", steps, "--batch", 64, "--aug", "strong2"),
        )
        return name

    return start


def points_drawn(page):
    """Count the points of the curve of learning."""
    return page.evaluate(
        """() => {
            const chart = document.querySelector('.st-key-chart-accuracy .js-plotly-plot');
            const line = chart && chart.data.find(each => each.name.startsWith('while learning'));
            return line ? line.x.length : 0;
        }"""
    )


def wait_until(page, condition):
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at
        page.wait_for_timeout(300)


def badge(place, word):
    """Find the badge of a state; its icon is a word of a font, which stands before."""
    return place.locator(".stMarkdownBadge").filter(has_text=re.compile(rf"{word}$"))


def test_a_run_is_followed_stopped_resumed_and_done(visit, app, start_long, still):
    name = start_long("long")
    page = visit(app, "/runs")
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(badge(page, "running").first).to_be_visible(timeout=DONE)

    wait_until(page, lambda: points_drawn(page) > 0)
    before = points_drawn(page)
    wait_until(page, lambda: points_drawn(page) > before)

    page.reload()
    still(page)
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(badge(page, "running").first).to_be_visible()

    page.get_by_role("button", name="Stop").click()
    expect(badge(page, "stopped").first).to_be_visible(timeout=DONE)
    goes_on = page.get_by_text(re.compile(r"goes on from step [\d,]+ of 1,500")).first
    expect(goes_on).to_be_visible()
    reached = int(re.search(r"from step ([\d,]+) of", goes_on.inner_text())[1].replace(",", ""))
    assert 0 < reached < 1500

    page.get_by_role("button", name="Resume").click()
    expect(badge(page, "running").first).to_be_visible(timeout=DONE)
    expect(badge(page, "done").first).to_be_visible(timeout=DONE)
    expect(page.get_by_text("95 % interval")).to_be_visible()


def test_a_click_in_the_list_opens_the_run(visit, app, finished):
    page = visit(app, "/runs")

    page.locator(f".st-key-open-run-{finished}").get_by_role("button").click()

    expect(page.get_by_role("heading", name=finished, level=1)).to_be_visible()
    expect(page.get_by_text("95 % interval")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/runs\?run={finished}"))


def test_the_list_follows_what_happens(visit, app, command, start_long):
    page = visit(app, "/runs")
    name = start_long("listed")
    page.reload()

    row = page.locator(f".st-key-run-row-{name}")
    expect(badge(row, "running").first).to_be_visible(timeout=DONE)
    command("runs", "stop", name)
    expect(badge(row, "stopped").first).to_be_visible(timeout=DONE)


def test_a_run_is_deleted_after_a_question(visit, app, command, start_long):
    name = start_long("unwanted", steps=100)
    page = visit(app, f"/runs?run={name}")
    expect(badge(page, "done").first).to_be_visible(timeout=DONE)

    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete it").click()

    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    expect(page.get_by_role("button", name=name)).to_have_count(0)
    assert name not in command("runs", "list", "--format", "json")


def test_a_cell_of_the_matrix_opens_its_pictures(visit, app, finished):
    page = visit(app, f"/runs?run={finished}")
    expect(page.locator(".st-key-confused img").first).to_be_visible()
    number = page.locator(f".st-key-confusion-{finished} .scatterlayer text").last
    box, count = number.bounding_box(), int(number.text_content())

    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    expect(page.get_by_text(re.compile(rf"^{count} test pictures? of frame "))).to_be_visible()
    expect(page.locator(".st-key-confused img")).to_have_count(count)
    faint = "texts => texts.filter(each => getComputedStyle(each).fillOpacity !== '1').length"
    assert page.locator(f".st-key-confusion-{finished} .scatterlayer text").evaluate_all(faint) == 0


def test_two_boxes_do_the_same_from_the_keyboard(visit, app, finished):
    page = visit(app, f"/runs?run={finished}")

    for label in ("True class", "Answered with"):
        field = page.get_by_role("combobox", name=label)
        field.click()
        field.fill("disc")
        page.keyboard.press("Enter")

    expect(page.get_by_text(re.compile(r"test pictures? of disc answered rightly"))).to_be_visible()


def test_the_result_is_tried_on_a_picture(visit, app, finished):
    page = visit(app, f"/runs?run={finished}")

    page.get_by_role("link", name="Try it on pictures").click()
    expect(page.get_by_text("It knows only bar, disc, frame.")).to_be_visible()
    page.locator('.st-key-samples [class*="st-key-sample-"] button').first.click()

    expect(page.locator(".vx-guesses li")).to_have_count(3, timeout=DONE)
    expect(page.locator(".vx-guesses .vx-name").first).to_have_text(re.compile("bar|disc|frame"))


def test_the_zip_holds_weights_for_both_worlds_labels_card_code_and_report(visit, app, finished, tmp_path):
    page = visit(app, f"/runs?run={finished}")

    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download zip")).click()
    download.value.save_as(tmp_path / "result.zip")

    with zipfile.ZipFile(tmp_path / "result.zip") as archive:
        assert archive.testzip() is None
        names = {name.removeprefix(f"{finished}/") for name in archive.namelist()}
        assert json.loads(archive.read(f"{finished}/labels.json")) == ["bar", "disc", "frame"]
    wanted = {"model.npz", "model.safetensors", "config.json", "labels.json", "report.json", "README.md", "load.py"}
    assert names == wanted


@pytest.mark.parametrize("label", ["Try it on pictures", "Repeat with changes", "Fine-tune it further"])
def test_the_way_back_leads_to_the_page_of_the_run(visit, app, finished, label, still):
    page = visit(app, f"/runs?run={finished}")
    page.get_by_role("link", name=label).click()
    expect(page.get_by_role("heading", name=finished, level=1)).to_have_count(0)
    still(page)

    page.go_back()

    expect(page.get_by_role("heading", name=finished, level=1)).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/runs\?(.*&)?run={finished}"))


def test_explore_leads_to_the_run(visit, app, finished):
    page = visit(app, "/?tab=runs")

    page.locator(f".st-key-your-run-{finished}").get_by_role("link", name="Open the run").click()

    expect(page.get_by_role("heading", name=finished, level=1)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_have_no_serious_accessibility_fault(visit, app, finished, faults, scheme):
    assert faults(visit(app, "/runs", scheme=scheme)) == []

    page = visit(app, f"/runs?run={finished}", scheme=scheme)
    expect(page.locator(".st-key-mistakes img, .st-key-confused img").first).to_be_visible()

    assert faults(page) == []


@pytest.mark.parametrize("path", ["/runs", "/runs?run=shapes", "/?tab=runs"])
def test_nothing_is_wider_than_a_phone(visit, app, finished, overflow, path):
    assert overflow(visit(app, path, size=PHONE)) <= 0
