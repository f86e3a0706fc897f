"""An upload and its page in a real browser: reloaded in its midst, watched from two tabs, found again later."""

import re

import pytest
from playwright.sync_api import expect

SLOW_MS = 120_000
ZIP_FIELD = '[class*="st-key-training-zip"] input[type=file]'
CLASSES = ".vx-classes > li"
OVER_25_MB = 25_000_000  # no upload may be refused for a limit that Streamlit has beside the page's own


@pytest.fixture
def finetune(visit, offline_app):
    """Give a function that opens the page on a machine without a network."""
    return lambda query="", **look: visit(offline_app, f"/finetune{query}", **look)


@pytest.fixture
def upload(slow_zip, tmp_path):
    """Give a function that sends so many photos and waits until the page follows their intake."""

    def send(page, count, **details):
        path = tmp_path / "photos.zip"
        path.write_bytes(slow_zip(count, **details))
        page.locator(ZIP_FIELD).set_input_files(path)
        expect(page.locator(".st-key-intake")).to_contain_text("Checking the pictures of photos.zip", timeout=SLOW_MS)
        expect(page).to_have_url(re.compile(r"data=[0-9a-f]{20}"))

    return send


def data_dir(app):
    return app.cache.parent / "runs" / ".data"


def test_a_reload_in_the_midst_of_an_upload_loses_nothing(finetune, upload):
    page = finetune()
    upload(page, 600)

    page.reload()

    expect(page.locator(".st-key-intake")).to_contain_text(re.compile(r"photos\.zip: \d+ of 600"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Taking in 'photos.zip' was cancelled")).to_be_visible(timeout=SLOW_MS)


def test_an_upload_is_seen_and_cancelled_from_another_tab(finetune, upload, offline_app):
    page = finetune()
    upload(page, 500, more=OVER_25_MB)
    data_id = re.search(r"data=(\w+)", page.url)[1]
    other = finetune(f"?data={data_id}")
    expect(other.locator(".st-key-intake")).to_contain_text("of 500")

    other.get_by_role("button", name="Cancel").click()

    for each in (other, page):
        expect(each.get_by_text("Taking in 'photos.zip' was cancelled")).to_be_visible(timeout=SLOW_MS)
        expect(each.get_by_role("button", name="Try the practice set")).to_be_visible()
        expect(each).not_to_have_url(re.compile("data="))
    assert not [path for path in data_dir(offline_app).iterdir() if data_id in path.name or "taking" in path.name]


def test_pictures_whose_link_is_lost_are_used_and_deleted_from_the_list(finetune, still, offline_app, faults, overflow):
    page = finetune()
    page.get_by_role("button", name="Try the practice set").click()
    expect(page.locator(CLASSES)).to_have_count(4, timeout=SLOW_MS)
    still(page)
    data_id = re.search(r"data=(\w+)", page.url)[1]

    later = finetune(scheme="dark", size=(390, 844))
    later.get_by_text("Your earlier pictures").click()
    row = later.locator(f".st-key-earlier-{data_id}")
    expect(row).to_contain_text("192 pictures of 4 classes")
    assert faults(later) == []
    assert overflow(later) <= 0
    row.get_by_role("button", name="Use").click()
    expect(later.locator(CLASSES)).to_have_count(4)
    still(later)
    later.get_by_role("button", name="Use other pictures").click()
    expect(later.get_by_role("button", name="Try the practice set")).to_be_visible()
    still(later)
    later.get_by_text("Your earlier pictures").click()
    expect(row).to_contain_text("192 pictures of 4 classes")
    still(later)  # a button that opens while its page is drawn is closed by it
    row.get_by_role("button", name="Delete").click()
    later.get_by_role("button", name="Delete now").click()

    expect(row).to_have_count(0)
    assert not (data_dir(offline_app) / data_id).exists()
