"""Earlier pictures: listed from small files, used again, deleted on demand; kept for a week where no run uses them."""

import dataclasses
import io
import json
import os
import shutil
import time
import zipfile

import pytest

from app import resources
from app.training_intake import intake_of_zip
from vit_core.datasets.saving import load_dataset, save_dataset
from vit_core.training.config import TrainConfig

TINY = "N_8-glyphs-16ep-lr_0.003-aug_light1-wd_0.1-do_0.0-sd_0.0"
DAY_S = 24 * 3600.0


@pytest.fixture
def data():
    return resources.training_data()


@pytest.fixture
def bring(data, drawn_dataset):
    """Give a function that puts a copy of drawn pictures there, as an upload does, and gives its id."""

    def make(name="shapes.zip"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for each in drawn_dataset.examples:
                archive.write(drawn_dataset.path(each), each.name)
        intake = intake_of_zip(data, buffer, name=name, size_bytes=len(buffer.getvalue()))
        ends_at = time.monotonic() + 60
        while not intake.state().ended:
            assert time.monotonic() < ends_at
            time.sleep(0.02)
        return intake.outcome()

    return make


@pytest.fixture
def run_on(data, runs_without_engine):
    """Give a function that makes a run on a data set; it has not started, and needs its pictures still."""

    def make(data_id, name="shapes-1"):
        config = TrainConfig(
            checkpoint=TINY, resolution=32, total_steps=77, batch=8, learning_rate=0.01, warmup_steps=3
        )
        dataset = load_dataset(data.folder(data_id) / "dataset.json")
        runs_without_engine().submit(config, dataset, name=name)

    return make


@pytest.fixture
def opened(open_page):
    """Give a function that opens the page with the list unfolded."""

    def make():
        page = open_page("finetune")
        page.session_state["earlier pictures"] = True
        return page.run()

    return make


def button(page, key):
    return next(each for each in page.button if each.key == key)


def keys(page):
    return [each.key for each in page.button]


def grow_old(folder, days):
    os.utime(folder, (time.time() - days * DAY_S,) * 2)


def test_without_earlier_pictures_there_is_no_list(open_page):
    assert not [each for each in open_page("finetune").expander if "earlier" in each.label]


def test_earlier_pictures_are_listed_with_what_is_known_and_used_with_a_click(bring, opened, texts):
    data_id = bring()
    page = opened()
    assert r"shapes\.zip" in texts(page)
    assert "36 pictures of 3 classes · " in texts(page)
    assert "used by no run, kept for 7 more days" in texts(page)
    assert "deleted 7 days after they were last opened" in texts(page)
    assert "Everyone who uses this server" in texts(page)

    page = button(page, f"use {data_id}").click().run()

    assert page.query_params["data"] == data_id
    assert "**shapes\\.zip** · 36 pictures of 3 classes" in texts(page)


def test_earlier_pictures_are_deleted_after_a_question(bring, opened, data):
    gone, kept = bring(), bring()
    page = opened()

    page = button(page, f"delete now {gone}").click().run()

    assert not data.folder(gone).exists()
    assert f"use {gone}" not in keys(page)
    assert f"use {kept}" in keys(page)


def test_pictures_that_a_run_needs_say_so_instead_of_offering_to_delete_them(bring, opened, run_on, texts):
    data_id = bring()
    run_on(data_id)

    page = opened()

    assert f"delete now {data_id}" not in keys(page)
    assert "still needs these pictures" in texts(page)
    assert "used by 1 run" in texts(page)


def test_a_run_that_began_since_the_page_was_drawn_keeps_its_pictures(bring, opened, run_on, data):
    data_id = bring()
    page = opened()
    run_on(data_id)

    page = button(page, f"delete now {data_id}").click().run()

    assert data.folder(data_id).is_dir()
    assert "still needs these pictures" in page.error[0].value


@pytest.fixture
def a_thousand(data):
    """A thousand data sets whose long files nobody could read; the one that came in last is called "set 999"."""
    for number in range(1000):
        folder = data.folder(f"{number:020x}")
        folder.mkdir(parents=True)
        (folder / "dataset.json").write_text("no data set")
        os.utime(folder / "dataset.json", (time.time() - 2000 + number,) * 2)
        head = {"name": f"set {number}", "pictures": 40_000, "classes": 100, "root": str(folder)}
        (folder / "head.json").write_text(json.dumps(head))


@pytest.mark.usefixtures("a_thousand")
def test_of_a_thousand_the_newest_are_listed_from_their_small_files_and_more_at_a_click(opened, texts):
    page = opened()
    first = texts(page)

    page = button(page, "earlier more").click().run()

    assert first.count("40,000 pictures of 100 classes") == 20
    assert "**set 999**" in first
    assert "**set 979**" not in first
    assert texts(page).count("40,000 pictures of 100 classes") == 40


def test_pictures_that_came_in_before_there_was_a_list_are_in_it(bring, opened, data, texts):
    head = data.folder(bring()) / "head.json"
    head.unlink()

    assert "36 pictures of 3 classes" in texts(opened())
    assert head.is_file()


def test_one_that_cannot_be_read_can_still_be_deleted(bring, opened, data, texts):
    data_id = bring()
    for name in ("head.json", "dataset.json"):
        (data.folder(data_id) / name).write_text("{")

    page = opened()
    said = texts(page)
    button(page, f"delete now {data_id}").click().run()

    assert "Cannot be read" in said
    assert not data.folder(data_id).exists()


@pytest.mark.parametrize("damaged", ["", "[]", "null", '{"name": null}', "\x00"])
def test_a_damaged_small_file_is_made_anew(bring, opened, data, texts, damaged):
    head = data.folder(bring()) / "head.json"
    before = head.read_text()
    head.write_text(damaged)

    assert "36 pictures of 3 classes" in texts(opened())
    assert head.read_text() == before


def test_a_hostile_name_stays_text(bring, opened, texts):
    bring(name="[a](https://evil.example) **b** <script>.zip")

    said = texts(opened())

    assert "](https" not in said
    assert r"\[a\]\(" in said


def test_pictures_that_no_run_uses_go_a_week_after_they_were_last_opened(bring, data, run_on):
    opened_of_late, forgotten, used = bring(), bring(), bring()
    run_on(used)
    for data_id in (opened_of_late, forgotten, used):
        grow_old(data.folder(data_id), 8)

    data.load(opened_of_late)
    resources.runs().reconcile()

    assert {data_id for data_id, _ in data.all_ids()} == {opened_of_late, used}


@pytest.fixture
def unpacked(data, drawn_dataset):
    """Pictures as a command unpacks them, older than a week, and the id under which a run on them is repeated."""
    root = data.parent / "shapes-0123456789abcdef"
    shutil.copytree(drawn_dataset.root, root)
    dataset = dataclasses.replace(drawn_dataset, root=root)
    save_dataset(dataset, root / "dataset.json")
    data_id = data.adopt(dataset)
    grow_old(root, 8)
    return root, data_id


def test_pictures_that_a_command_unpacked_are_kept_while_the_page_lists_them(unpacked, data):
    root, data_id = unpacked

    resources.runs().reconcile()
    kept = root.is_dir()
    grow_old(data.folder(data_id), 8)
    resources.runs().reconcile()

    assert kept
    assert not root.exists()
    assert not data.folder(data_id).exists()


def test_a_list_of_pictures_elsewhere_is_kept_while_a_run_uses_them(unpacked, data, run_on):
    root, data_id = unpacked
    run_on(data_id)
    grow_old(data.folder(data_id), 8)

    resources.runs().reconcile()

    assert root.is_dir()
    assert data.folder(data_id).is_dir()


def test_pictures_that_a_command_unpacked_say_how_long_they_are_kept_and_outlive_their_list(unpacked, opened, texts):
    root, data_id = unpacked
    page = opened()
    said = texts(page)

    button(page, f"delete now {data_id}").click().run()

    assert "used by no run, kept for 7 more days" in said
    assert "a folder of the server" not in said
    assert "A command unpacked these pictures" in said
    assert root.is_dir()


def test_days_that_are_left_are_counted(bring, opened, data, texts):
    grow_old(data.folder(bring()), 6.5)

    assert "kept for 1 more day\n" in f"{texts(opened())}\n"


def test_the_same_pictures_of_a_run_are_one_data_set_however_often_it_is_copied(data, drawn_dataset):
    assert data.adopt(drawn_dataset) == data.adopt(drawn_dataset)
    assert len(data.all_ids()) == 1
