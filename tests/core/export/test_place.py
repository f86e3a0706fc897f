"""A folder is there as a whole, or as it was before."""

import pytest

from vit_core.errors import Failure, StorageFull
from vit_core.export.place import whole_folder


def test_the_folder_appears_with_all_its_files(tmp_path):
    with whole_folder(tmp_path / "deep" / "model", what="the model") as part:
        (part / "a").write_text("1")
        assert not (tmp_path / "deep" / "model").exists()
    assert (tmp_path / "deep" / "model" / "a").read_text() == "1"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]


def test_an_older_folder_is_replaced_whole(tmp_path):
    for content in ("old", "new"):
        with whole_folder(tmp_path / "model", what="the model") as part:
            (part / content).write_text(content)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_empty_folder_is_taken_over(tmp_path):
    (tmp_path / "model").mkdir()
    with whole_folder(tmp_path / "model", what="the model") as part:
        (part / "a").write_text("1")
    assert (tmp_path / "model" / "a").is_file()


def test_what_fails_halfway_leaves_the_older_folder_as_it_was(tmp_path):
    with whole_folder(tmp_path / "model", what="the model") as part:
        (part / "a").write_text("old")
    with pytest.raises(Failure, match="No such file"), whole_folder(tmp_path / "model", what="the model") as part:
        (part / "a").rename(part / "b")
    assert (tmp_path / "model" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_full_disk_leaves_nothing_half(tmp_path, no_file_past):
    with (
        no_file_past(8192),
        pytest.raises(StorageFull, match=r"There is no room on the disk for the model in '.*model'"),
        whole_folder(tmp_path / "model", what="the model") as part,
    ):
        (part / "a").write_bytes(bytes(100_000))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(Failure, match=r"the model cannot be written: (Not a directory|File exists)"),
        whole_folder(tmp_path / "file" / "model", what="the model"),
    ):
        pass
