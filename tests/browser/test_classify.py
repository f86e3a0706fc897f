"""Classify in a real browser: pictures in, names out, without a network and without JAX in the web process."""

import base64
import csv
import io
import json
import re
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from vit_core.settings import bundled_data_dir

DEMO = bundled_data_dir() / "demo"
SLOW_MS = 90_000
DROP = """
async ([files, selector]) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  }
  const zone = document.querySelector(selector);
  for (const type of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}
"""
PASTE = """
async ([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
}
"""
ZONE = '[class*="st-key-pictures-drop"] [data-testid="stFileUploaderDropzone"]'
FIELD = '[class*="st-key-pictures-drop"] input[type=file]'
GUESSES = ".vx-guesses li"


@pytest.fixture
def classify(visit, offline_app):
    """Give a function that opens the page on a machine without a network."""
    return lambda query="", **look: visit(offline_app, f"/classify{query}", **look)


def files(*named):
    return [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in named]


def encoded(data):
    return base64.b64encode(data).decode()


def best_guess(page):
    expect(page.locator(GUESSES).first).to_be_visible(timeout=SLOW_MS)
    return page.locator(".vx-guesses .vx-name").first.inner_text()


def sample_buttons(page):
    return page.locator('.st-key-samples [class*="st-key-sample-"] button')


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_one_click_on_a_sample_gives_a_named_answer_without_a_network(classify):
    page = classify()

    sample_buttons(page).first.click()

    assert best_guess(page)
    expect(page.locator(".vx-guesses .vx-share").first).to_have_text(re.compile(r"\d %"))


def test_all_samples_at_once_are_named_as_often_rightly_as_the_index_says(classify, still):
    page = classify()
    name = page.locator(".st-key-checkpoint-card code").inner_text()
    rate = next(
        float(row["adapt_final_test"])
        for row in table((DEMO / "index.csv").read_text())
        if row["adapt_filename"] == name
    )
    truth = {row["file"]: row["label"] for row in table((DEMO / "samples" / "samples.csv").read_text())}

    take_all = page.get_by_role("button", name="Take all")
    count = int(take_all.inner_text().split()[-1])
    take_all.click()
    expect(page.get_by_role("heading", name=f"{count} pictures", exact=True)).to_be_visible(timeout=SLOW_MS)
    still(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = table(Path(download.value.path()).read_text())

    assert len(rows) == count
    right = sum(row["class_1"] == truth[row["file"]] for row in rows)
    spread = 3 * (rate * (1 - rate) / len(rows)) ** 0.5  # three standard deviations of so few pictures
    assert right / len(rows) >= rate - spread - 1 / len(rows)


def test_a_click_on_the_thumbnail_of_a_sample_takes_it(classify):
    page = classify()
    box = page.locator(".st-key-samples img").last.bounding_box()

    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert best_guess(page)


def test_a_picture_dropped_on_the_page_is_answered(classify, jpeg):
    page = classify()

    page.evaluate(DROP, [[["dropped.jpg", encoded(jpeg(1))]], ZONE])

    assert best_guess(page)
    expect(page.get_by_role("heading", name="dropped.jpg")).to_be_visible()


def test_a_pasted_picture_is_answered(classify, jpeg):
    page = classify()

    page.evaluate(PASTE, ["pasted.png", encoded(jpeg(2))])

    assert best_guess(page)
    expect(page.get_by_role("heading", name="pasted.png")).to_be_visible()


def test_a_broken_file_among_good_ones_is_named_and_the_others_are_answered(classify, jpeg):
    page = classify()

    page.locator(FIELD).set_input_files(
        files(
            ("one.jpg", jpeg(3)),
            ("page.jpg", b"<html>not found</html>"),
            ("two.jpg", jpeg(4)[:-40]),
            ("three.jpg", jpeg(5)),
        )
    )

    best_guess(page)
    left_out = page.locator(".st-key-left-out")
    expect(left_out).to_contain_text("2 files left out", timeout=SLOW_MS)
    expect(left_out).to_contain_text("page.jpg")
    expect(left_out).to_contain_text("two.jpg")
    expect(page.get_by_role("heading", name="2 pictures")).to_be_visible(timeout=SLOW_MS)
    left_out.get_by_role("button", name="Dismiss").click()
    expect(left_out).to_have_count(0)


def test_a_file_over_the_limit_is_named_before_it_is_sent(classify):
    page = classify()
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "PUT" else None)

    page.evaluate(
        """(selector) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(20_000_001)], "huge.jpg", { type: "image/jpeg" }));
          const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
          document.querySelector(selector).dispatchEvent(new DragEvent("drop", options));
        }""",
        ZONE,
    )

    expect(page.locator(".st-key-left-out")).to_contain_text("“huge.jpg” has 20.0 MB; the limit is 20.0 MB a picture")
    assert sent == []


@pytest.mark.slow
def test_of_205_pictures_200_are_taken_and_the_others_named(classify, jpeg):
    page = classify()

    page.locator(FIELD).set_input_files(files(*((f"{seed}.jpg", jpeg(seed, (24, 24))) for seed in range(205))))

    expect(page.locator(".st-key-left-out")).to_contain_text("5 files left out", timeout=SLOW_MS)
    expect(page.locator(".st-key-left-out")).to_contain_text("200 pictures are the limit")
    expect(page.get_by_role("heading", name="200 pictures", exact=True)).to_be_visible(timeout=SLOW_MS)


def test_hostile_names_run_nothing_and_link_nowhere(classify, jpeg):
    page = classify()
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    names = ["<img src=x onerror=alert(1)>.jpg", "[a](https://evil.example).jpg", "\u202egpj.exe", "x" * 300, "😀.jpg"]

    page.locator(FIELD).set_input_files(files(*((name, jpeg(seed)) for seed, name in enumerate(names, 10))))

    best_guess(page)
    expect(page.get_by_role("heading", name="5 pictures")).to_be_visible(timeout=SLOW_MS)
    assert alerts == []
    assert page.locator('a[href*="evil"], img[src="x"]').count() == 0
    expect(page.get_by_role("heading", name="<img src=x onerror=alert(1)>.jpg")).to_be_visible()


def test_the_keyboard_alone_leads_to_an_answer_and_through_the_layers(classify):
    page = classify()
    tab_to(page, sample_buttons(page).first.inner_text())

    page.keyboard.press("Enter")
    assert best_guess(page)
    tab_to(page, "Picture")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider", name="Layer")
    expect(slider).to_be_visible()
    before = int(slider.input_value())
    slider.focus()
    page.keyboard.press("ArrowLeft")

    expect(slider).to_have_value(str(before - 1))


def test_moving_through_the_layers_changes_the_picture_and_asks_the_model_nothing(classify, still):
    page = classify()
    sample_buttons(page).first.click()
    best_guess(page)
    seen = page.locator(".st-key-seen img")
    plain = seen.get_attribute("src")

    page.get_by_role("radio", name="All layers").or_(page.get_by_role("button", name="All layers")).first.click()

    expect(seen).not_to_have_attribute("src", plain)
    expect(seen).to_have_attribute("alt", re.compile("lit where its attention went"))
    expect(page.locator('[data-testid="stSkeleton"]')).to_have_count(0)


def test_a_link_brings_the_checkpoint_and_a_reload_keeps_it(classify, still):
    rows = table((DEMO / "index.csv").read_text())
    name = rows[-1]["adapt_filename"]
    page = classify(f"?checkpoint={name}")

    expect(page.locator(".st-key-checkpoint-card")).to_contain_text(name)
    page.reload()
    still(page)

    expect(page.locator(".st-key-checkpoint-card")).to_contain_text(name)
    assert name in page.url


def test_the_answers_of_a_batch_are_taken_along_as_csv(classify, jpeg, still):
    page = classify()
    page.locator(FIELD).set_input_files(files(("one.jpg", jpeg(20)), ("two.jpg", jpeg(21))))
    expect(page.get_by_role("heading", name="2 pictures")).to_be_visible(timeout=SLOW_MS)
    still(page)

    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = table(Path(download.value.path()).read_text())

    assert [row["file"] for row in rows] == ["one.jpg", "two.jpg"]
    assert all(0 < float(row["probability_1"]) <= 1 for row in rows)


def test_a_click_in_the_gallery_shows_that_picture_large(classify, jpeg):
    page = classify()
    page.locator(FIELD).set_input_files(files(("one.jpg", jpeg(22)), ("two.jpg", jpeg(23))))
    cards = page.locator('[class*="st-key-card"]')
    expect(cards).to_have_count(2, timeout=SLOW_MS)

    cards.last.get_by_role("button").click()

    expect(page.get_by_role("heading", name="two.jpg")).to_be_visible()


def test_the_web_process_holds_no_jax(classify, offline_app):
    page = classify()
    sample_buttons(page).first.click()
    best_guess(page)
    web = psutil.Process(offline_app.process.pid)

    def libraries(process):
        return {Path(mapping.path).parts[-2] for mapping in process.memory_maps() if "jaxlib" in mapping.path}

    assert libraries(web) == set()
    assert any(libraries(child) for child in web.children(recursive=True))


def test_two_visitors_at_once_are_both_answered_and_see_only_their_own_pictures(classify, jpeg):
    first, second = classify(), classify()
    first.locator(FIELD).set_input_files(files(*((f"first {seed}.jpg", jpeg(seed)) for seed in range(40, 60))))

    second.locator(FIELD).set_input_files(files(("second.jpg", jpeg(60))))

    expect(second.get_by_role("heading", name="second.jpg")).to_be_visible()
    assert best_guess(second)
    expect(first.get_by_role("heading", name="20 pictures", exact=True)).to_be_visible(timeout=SLOW_MS)
    assert second.locator('[class*="st-key-card"]').count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answered_page_has_no_serious_accessibility_fault(classify, faults, jpeg, still, scheme):
    page = classify(scheme=scheme)
    page.locator(FIELD).set_input_files(files(("one.jpg", jpeg(24)), ("bad.jpg", b"no"), ("two.jpg", jpeg(25))))
    best_guess(page)
    expect(page.get_by_role("heading", name="2 pictures")).to_be_visible(timeout=SLOW_MS)
    still(page)

    assert faults(page) == []


def test_nothing_is_wider_than_a_phone(classify, overflow, jpeg):
    page = classify(size=(390, 844))
    assert overflow(page) <= 0

    page.locator(FIELD).set_input_files(files(("one.jpg", jpeg(26)), ("x" * 300 + ".jpg", jpeg(27))))
    expect(page.get_by_role("heading", name="2 pictures")).to_be_visible(timeout=SLOW_MS)

    assert overflow(page) <= 0


def test_the_pictures_of_a_closed_tab_are_deleted(start_app, visit, tmp_path, jpeg):
    app = start_app(TMPDIR=str(tmp_path), STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1")
    page = visit(app, "/classify")
    page.locator(FIELD).set_input_files(files(("one.jpg", jpeg(28))))
    expect(page.get_by_role("heading", name="one.jpg")).to_be_visible()
    assert list(tmp_path.glob("vit-explorer-pictures-*/*"))

    page.close()
    ends_at = time.monotonic() + 60
    while list(tmp_path.glob("vit-explorer-pictures-*")):
        assert time.monotonic() < ends_at, "the pictures were still there after a minute"
        visit(app, "/about").close()  # the server looks for forgotten sessions when it is used
        time.sleep(1)


def tab_to(page, name):
    """Press Tab until the control of that name has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.innerText")
        if focused and focused.strip() == name:
            return
    pytest.fail(f"the Tab key never reached {json.dumps(name)}")
