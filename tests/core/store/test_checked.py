"""A file that was found good counts as good until it changes."""

import os
import shutil
import time

import pytest

from vit_core.store.checked import Checked


@pytest.fixture
def checked(tmp_path):
    return Checked(tmp_path / "checked")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"good")
    time.sleep(0.05)  # past a tick of the file system's clock
    return path


def note(checked, path):
    checked.note(path, checked.identity(path))


def test_a_file_found_good_is_known(checked, file):
    assert not checked.known_good(file)

    note(checked, file)

    assert checked.known_good(file)


def test_a_write_of_the_same_length_with_the_old_time_is_seen(checked, file):
    note(checked, file)
    before = file.stat()
    with file.open("r+b") as opened:
        opened.write(b"evil")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert not checked.known_good(file)


def test_another_file_in_its_place_is_seen(checked, file, tmp_path):
    note(checked, file)
    shutil.copy2(file, tmp_path / "other")
    (tmp_path / "other").replace(file)

    assert not checked.known_good(file)


def test_a_file_that_changed_while_it_was_read_is_not_known(checked, file):
    before = checked.identity(file)
    file.write_bytes(b"other")

    checked.note(file, before)

    assert not checked.known_good(file)


def test_a_touch_takes_the_note_along(checked, file):
    note(checked, file)
    before = checked.identity(file)
    os.utime(file)
    checked.follow(file, before)

    assert checked.known_good(file)


def test_a_touch_of_another_file_takes_nothing_along(checked, file, tmp_path):
    note(checked, file)
    before = checked.identity(file)
    (tmp_path / "other").write_bytes(b"evil")
    (tmp_path / "other").replace(file)
    checked.follow(file, before)

    assert not checked.known_good(file)


def test_a_damaged_note_is_none(checked, file, tmp_path):
    note(checked, file)
    (written,) = (tmp_path / "checked").iterdir()
    written.write_bytes(b"\xff[")

    assert not checked.known_good(file)


def test_a_folder_that_cannot_be_made_costs_nothing(file):
    checked = Checked(file / "below")
    note(checked, file)

    assert not checked.known_good(file)
