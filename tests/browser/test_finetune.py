"""Fine-tune in a real browser: pictures in, looked over, measured, started; without a network."""

import io
import re
import time
import zipfile

import psutil
import pytest
from playwright.sync_api import expect

SLOW_MS = 120_000
TINY = "N_8-glyphs-16ep-lr_0.003-aug_light1-wd_0.1-do_0.0-sd_0.0"
ZIP_FIELD = '[class*="st-key-training-zip"] input[type=file]'
FOLDER_FIELD = '[class*="st-key-training-folder"] input[type=file]'
CLASSES = ".vx-classes > li"


@pytest.fixture
def finetune(visit, offline_app):
    """Give a function that opens the page on a machine without a network."""
    return lambda query="", **look: visit(offline_app, f"/finetune{query}", **look)


@pytest.fixture
def zipped(draw_classes, tmp_path):
    """Give a function that zips three drawn classes and further files, given by their names, as a file to choose."""
    folder = draw_classes(tmp_path / "drawn")

    def make(more=(), name="shapes.zip"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path in sorted(folder.glob("*/*.jpg")):
                archive.write(path, path.relative_to(folder))
            for file_name, data in more:
                archive.writestr(file_name, data)
        return {"name": name, "mimeType": "application/zip", "buffer": buffer.getvalue()}

    return make


def bring(page, file):
    page.locator(ZIP_FIELD).set_input_files(file)
    expect(page.locator(CLASSES).first).to_be_visible(timeout=SLOW_MS)


def set_number(page, still, label, value):
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    still(page)


def test_from_the_practice_set_to_the_page_of_a_run(finetune, still):
    page = finetune(f"?checkpoint={TINY}")

    page.get_by_role("button", name="Try the practice set").click()
    expect(page.locator(CLASSES)).to_have_count(4, timeout=SLOW_MS)
    expect(page.get_by_text("Ready to learn from")).to_be_visible()
    still(page)
    set_number(page, still, "Steps", 6)
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.locator(".st-key-cost dl")).to_contain_text("about", timeout=SLOW_MS)
    page.get_by_role("button", name="Start", exact=True).dblclick()

    expect(page).to_have_url(re.compile(r"/runs\?(.*&)?run=practice"), timeout=SLOW_MS)
    page.goto(page.url.partition("?")[0])
    still(page)
    expect(page.get_by_text("practice-set-2")).to_have_count(0)


def test_a_quick_look_gives_a_first_accuracy_with_its_interval(finetune, zipped, still):
    page = finetune(f"?checkpoint={TINY}")
    bring(page, zipped())
    still(page)

    page.get_by_role("button", name="Take a quick look").click()

    expect(page.locator(".st-key-quick-look-panel")).to_contain_text("95 % confidence", timeout=SLOW_MS)


def test_a_measurement_is_cancelled_with_a_click_and_its_process_ends(finetune, zipped, still, offline_app):
    page = finetune(f"?checkpoint={TINY}")
    bring(page, zipped())
    still(page)

    page.get_by_role("button", name="Measure", exact=True).click()
    page.locator(".st-key-estimate-trial").get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("button", name="Measure", exact=True)).to_be_enabled(timeout=SLOW_MS)
    web = psutil.Process(offline_app.process.pid)
    ends_at = time.monotonic() + 60
    while [child for child in web.children() if "--dry-run" in _command(child)]:
        assert time.monotonic() < ends_at
        time.sleep(0.1)


def _command(process):
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_a_broken_picture_in_a_zip_is_named_and_the_others_are_taken(finetune, zipped, jpeg):
    page = finetune()

    bring(page, zipped([("disc/broken.jpg", jpeg(1)[:300]), ("bar/page.jpg", b"<html>"), ("notes.txt", b"x")]))

    expect(page.get_by_text("36 pictures of 3 classes")).to_be_visible()
    expect(page.get_by_text("2 files left out")).to_be_visible()
    expect(page.get_by_text("disc/broken.jpg")).to_be_visible()
    expect(page.get_by_text("bar/page.jpg")).to_be_visible()


def test_a_reload_keeps_the_pictures_and_what_was_dropped(finetune, zipped, jpeg, still):
    page = finetune()
    bring(page, zipped([("bar/one.jpg", jpeg(1)), ("bar/two.jpg", jpeg(1))]))
    page.get_by_role("button", name="Drop all duplicates (1)").click()
    expect(page.get_by_text("37 pictures of 3 classes")).to_be_visible()
    still(page)

    page.reload()
    still(page)

    expect(page.get_by_text("37 pictures of 3 classes")).to_be_visible()
    expect(page.get_by_text("You dropped 1 picture")).to_be_visible()


def test_a_picture_is_dropped_where_it_is_seen(finetune, zipped, still):
    page = finetune()
    bring(page, zipped())
    page.get_by_text("Look at every picture").click()
    pictures = page.locator(".st-key-training-pictures img")
    expect(pictures).to_have_count(12)

    page.get_by_role("button", name="Drop 000.jpg").click()

    expect(pictures).to_have_count(11)
    expect(page.get_by_text("35 pictures of 3 classes")).to_be_visible()


def test_near_duplicates_are_seen_side_by_side(finetune, zipped, still, near_copies):
    page = finetune()
    bring(page, zipped([("disc/photo.jpg", near_copies[0]), ("disc/photo small.jpg", near_copies[1])]))

    page.get_by_text("side by side").first.click()

    pair = page.locator('[class*="st-key-finding-near"] img')
    expect(pair).to_have_count(2)
    expect(pair.first).to_have_attribute("alt", re.compile("photo"))


@pytest.fixture
def near_copies():
    """One drawn picture as two JPEGs of different bytes."""
    import numpy as np
    from PIL import Image

    ramp = np.linspace(0, 255, 96, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (96, 1)), np.tile(ramp[:, None], (1, 96)), np.full((96, 96), 90, np.uint8)], -1)
    pixels[20:60, 30:50] = 250
    copies = []
    for quality, side in ((95, 96), (60, 80)):
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((side, side)).save(buffer, "JPEG", quality=quality)
        copies.append(buffer.getvalue())
    return copies


def test_a_folder_of_the_browser_is_taken_with_its_classes(finetune, draw_classes, tmp_path):
    folder = draw_classes(tmp_path / "shapes")
    page = finetune()
    page.get_by_text("Other ways").click()

    page.locator(FOLDER_FIELD).set_input_files(str(folder))

    expect(page.get_by_text("36 pictures of 3 classes")).to_be_visible(timeout=SLOW_MS)


def test_a_deleted_data_set_is_gone_from_the_disk_and_from_its_link(finetune, zipped, still, offline_app):
    page = finetune()
    bring(page, zipped())
    still(page)
    data_id = re.search(r"data=(\w+)", page.url)[1]
    folder = offline_app.cache.parent / "runs" / ".data" / data_id
    assert folder.is_dir()

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete now").click()
    expect(page.get_by_role("button", name="Try the practice set")).to_be_visible()
    assert not folder.exists()

    gone = finetune(f"?data={data_id}")
    expect(gone.get_by_text("not on this machine any more")).to_be_visible()


def test_hostile_names_run_nothing_and_link_nowhere(finetune, zipped, jpeg, still):
    page = finetune()
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    label = "<img src=x onerror=alert(1)> [a](https://evil.example) \u202egpj"
    more = [(f"{label.replace('/', '∕')}/<b>{seed}</b>.jpg", jpeg(seed)) for seed in range(6)]

    bring(page, zipped(more, name="<script>alert(2)</script>.zip"))
    page.get_by_text("Look at every picture").click()
    still(page)

    assert alerts == []
    assert page.locator('a[href*="evil"], img[src="x"]').count() == 0
    expect(page.locator(CLASSES).first).to_contain_text("<img src=x onerror=alert(1)>")


def test_an_impossible_setting_is_said_beside_its_field(finetune, zipped, still):
    page = finetune(f"?checkpoint={TINY}")
    bring(page, zipped())

    set_number(page, still, "Resolution (px)", 33)

    expect(page.get_by_role("alert").filter(has_text="Resolution (px) is 33")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()


def test_the_web_process_holds_no_jax_after_a_set_was_taken_in(finetune, zipped, offline_app):
    bring(finetune(f"?checkpoint={TINY}"), zipped())

    mapped = {mapping.path for mapping in psutil.Process(offline_app.process.pid).memory_maps()}

    assert not [path for path in mapped if "jaxlib" in path]


@pytest.mark.parametrize(("scheme", "size"), [("light", (1440, 900)), ("dark", (390, 844))], ids=["desktop", "phone"])
def test_no_serious_accessibility_fault_and_no_sideways_scroll(
    finetune, zipped, jpeg, still, faults, overflow, scheme, size
):
    page = finetune(scheme=scheme, size=size)
    page.get_by_text("Other ways").click()
    still(page)
    assert faults(page) == []
    assert overflow(page) <= 0

    more = [("x" * 200 + ".jpg", b"<html>"), ("bar/one.jpg", jpeg(1)), ("bar/two.jpg", jpeg(1))]
    bring(page, zipped(more, name="y" * 200 + ".zip"))
    for fold in ("Look at every picture", "side by side", "Advanced settings"):
        page.get_by_text(fold).first.click()
        still(page)
    set_number(page, still, "Steps", 0)

    assert faults(page) == []
    assert overflow(page) <= 0
