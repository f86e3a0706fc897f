"""Checkpoint files that visitors bring: named by content, bounded, never a path."""

import io

import pytest

from app.own_checkpoints import OwnCheckpoints
from vit_core.errors import BadCheckpoint, StorageFull

ZIP = b"PK\x03\x04"


@pytest.fixture
def own(tmp_path):
    return OwnCheckpoints(tmp_path / "own")


def save(own, data, name="mine.npz"):
    return own.save(io.BytesIO(data), given_name=name, size_bytes=len(data))


def test_a_saved_file_is_found_by_its_name(own):
    name = save(own, ZIP + b"weights")

    assert own.path(name).read_bytes() == ZIP + b"weights"


@pytest.mark.parametrize(
    ("data", "suffix"),
    [(ZIP, ".npz"), (b"\x10" + bytes(7) + b'{"a":1}', ".safetensors"), (b"\x81\xa10\x80", ".msgpack")],
)
def test_a_file_is_told_by_its_content_and_not_by_its_name(own, data, suffix):
    assert own.path(save(own, data, name="checkpoint_7")).suffix == suffix


def test_the_same_file_twice_has_one_name(own, tmp_path):
    assert save(own, ZIP + b"same") == save(own, ZIP + b"same", name="other.npz")
    assert len(list((tmp_path / "own").iterdir())) == 1


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x80\x04pickle", b"\x93NUMPY"])
def test_what_is_no_zip_is_refused_by_name(own, data):
    with pytest.raises(BadCheckpoint, match=r"“mine.npz” is (no file of weights|empty)"):
        save(own, data)


def test_a_file_over_the_limit_is_refused_with_the_way_out(own, monkeypatch):
    monkeypatch.setattr("app.own_checkpoints.MAX_FILE_BYTES", 10)

    with pytest.raises(BadCheckpoint, match="VIT_BUCKET"):
        save(own, ZIP + b"0123456789")


@pytest.mark.parametrize(
    "name", ["", "own-1", "../secret", "own-0123456789abcdef/../x", "/etc/passwd", "own-" + "g" * 16]
)
def test_other_names_are_no_files_of_visitors(own, name):
    assert own.path(name) is None


def test_the_oldest_file_makes_room(own, monkeypatch):
    monkeypatch.setattr("app.own_checkpoints.MAX_TOTAL_BYTES", 30)
    first, second = save(own, ZIP + b"a" * 16), save(own, ZIP + b"b" * 16)

    assert own.path(first) is None
    assert own.path(second) is not None


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    own = OwnCheckpoints(tmp_path / "file" / "own")

    with pytest.raises(StorageFull, match="could not be saved"):
        save(own, ZIP)


def test_clearing_gives_the_bytes_freed(own):
    save(own, ZIP + b"1234")

    assert own.clear() == 8
    assert own.clear() == 0
