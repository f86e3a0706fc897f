"""The pictures of one visitor: limits, duplicates, and that nothing is left behind."""

import gc
import shutil

import pytest

from app.pictures import MAX_PICTURES, PictureBox


@pytest.fixture
def box(tmp_path):
    return PictureBox(max_picture_bytes=1000, parent=tmp_path)


def test_an_accepted_picture_gives_its_bytes_back(box):
    picture = box.add("cat.jpg", b"meow")

    assert box.pictures == (picture,)
    assert box.read(picture) == b"meow"
    assert box.notes == []


def test_the_same_bytes_twice_are_kept_once_and_said(box):
    first = box.add("a.jpg", b"same")
    second = box.add("b.jpg", b"same")

    assert second == first
    assert len(box.pictures) == 1
    assert box.notes == ["“b.jpg” is the same picture as “a.jpg”, which is here already."]


def test_an_empty_file_is_refused_by_name(box):
    assert box.add("void.jpg", b"") is None
    assert box.notes == ["“void.jpg” is empty; choose a picture file."]


def test_a_picture_over_the_limit_is_refused_with_both_sizes(tmp_path):
    box = PictureBox(max_picture_bytes=2_000_000, parent=tmp_path)

    assert box.add("big.jpg", b"x" * 3_500_000) is None
    assert "3.5 MB" in box.notes[0]
    assert "2.0 MB" in box.notes[0]


def test_the_201st_picture_is_refused_and_the_others_stay(box):
    for number in range(MAX_PICTURES + 1):
        box.add(f"{number}.jpg", str(number).encode())

    assert len(box.pictures) == MAX_PICTURES
    assert box.notes == ["“200.jpg” was left out: 200 pictures are the limit. Clear some and add it again."]


def test_pictures_over_the_limit_in_all_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("app.pictures.MAX_TOTAL_BYTES", 10)
    box = PictureBox(max_picture_bytes=1000, parent=tmp_path)
    box.add("a.jpg", b"123456")

    assert box.add("b.jpg", b"654321") is None
    assert "in all" in box.notes[0]


def test_a_folder_that_is_gone_costs_the_picture_and_not_the_page(box, tmp_path):
    shutil.rmtree(next(tmp_path.glob("vit-explorer-pictures-*")))

    assert box.add("cat.jpg", b"meow") is None
    assert "could not be kept on this machine (No such file or directory)" in box.notes[0]


def test_a_hostile_name_decides_neither_the_path_nor_the_length_of_a_note(box, tmp_path):
    box.add("../../../etc/passwd\n" + "x" * 5000, b"")
    picture = box.add("../escape.jpg", b"data")

    assert len(box.notes[0]) < 120
    assert [path.name for path in tmp_path.glob("vit-explorer-pictures-*/*")] == [picture.digest]


def test_removing_a_picture_deletes_its_file(box, tmp_path):
    picture = box.add("cat.jpg", b"meow")

    box.remove(picture.digest)

    assert box.pictures == ()
    assert list(tmp_path.glob("vit-explorer-pictures-*/*")) == []


def test_clearing_forgets_pictures_and_notes(box, tmp_path):
    box.add("cat.jpg", b"meow")
    box.add("void.jpg", b"")

    box.clear()

    assert (box.pictures, box.notes, box.total_bytes) == ((), [], 0)
    assert list(tmp_path.glob("vit-explorer-pictures-*/*")) == []


def test_the_folder_goes_with_the_visit(tmp_path):
    box = PictureBox(max_picture_bytes=1000, parent=tmp_path)
    box.add("cat.jpg", b"meow")

    del box
    gc.collect()

    assert list(tmp_path.glob("vit-explorer-pictures-*")) == []
