"""dataset.json is written whole or not at all, and read with a sentence for every fault."""

import json

import pytest

from vit_core.datasets.saving import load_dataset, save_dataset
from vit_core.errors import BadDataset, StoreError


@pytest.fixture
def small(dataset):
    return dataset([("cat", "train", "a"), ("dög\n", "test", "b")])


def test_what_is_saved_is_read(small, tmp_path):
    save_dataset(small, tmp_path / "new" / "dataset.json")

    assert load_dataset(tmp_path / "new" / "dataset.json") == small


def test_saving_replaces_the_old_file_and_leaves_no_other(small, tmp_path):
    path = tmp_path / "sets" / "dataset.json"
    save_dataset(small, path)
    save_dataset(small.without(frozenset({"cat/0.jpg"})), path)

    assert len(load_dataset(path).examples) == 1
    assert [each.name for each in path.parent.iterdir()] == ["dataset.json"]


def test_a_folder_that_cannot_be_written_is_named(small, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"file' cannot be written"):
        save_dataset(small, tmp_path / "file" / "dataset.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadDataset, match=r"There is no data set '.*nothing.json'"):
        load_dataset(tmp_path / "nothing.json")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(BadDataset, match="cannot be read: Is a directory"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"version": 1}', b"[" * 100_000, b"\xff\xfe\x00"])
def test_garbage_is_no_data_set(tmp_path, data):
    (tmp_path / "dataset.json").write_bytes(data)

    with pytest.raises(BadDataset, match=r"dataset.json' is not"):
        load_dataset(tmp_path / "dataset.json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", ["../x.jpg", "b"]),
        ("file", ["/etc/passwd", "b"]),
        ("label", [5, 0]),
        ("part", ["val", "test"]),
        ("dhash", ["zz", "x"]),
        ("width", [0, 5]),
        ("size_bytes", ["a", "b"]),
        ("name", [None, "b"]),
    ],
)
def test_impossible_values_are_refused(small, tmp_path, field, value):
    path = tmp_path / "dataset.json"
    save_dataset(small, path)
    plain = json.loads(path.read_text())
    plain["examples"][field] = value
    path.write_text(json.dumps(plain))

    with pytest.raises(BadDataset, match=r"with impossible values|is not a data set"):
        load_dataset(path)
