"""Whatever the command line names is opened, and images can be dropped afterwards."""

import dataclasses
import os
import shutil

import pytest

from vit_core.datasets.health import examine
from vit_core.datasets.limits import IntakeOptions
from vit_core.datasets.source import drop, open_source
from vit_core.errors import BadDataset
from vit_core.settings import bundled_data_dir


@pytest.fixture
def work_dir(tmp_path):
    return tmp_path / "work"


def test_a_zip_is_unpacked_once(zipped, pictures, work_dir):
    path = zipped(pictures())
    first = open_source(str(path), work_dir=work_dir)
    told = []

    second = open_source(str(path), work_dir=work_dir, progress=lambda done, total: told.append(done))

    assert first == second
    assert told == []
    assert [each.name for each in work_dir.iterdir()] == [first.root.name]


def test_a_zip_that_is_used_again_is_young_again(zipped, pictures, work_dir):
    path = zipped(pictures())
    root = open_source(str(path), work_dir=work_dir).root
    os.utime(root, (1e9, 1e9))

    open_source(str(path), work_dir=work_dir)

    assert root.stat().st_mtime > 1.1e9


def test_a_zip_that_was_unpacked_before_is_split_by_the_options_of_now(zipped, pictures, work_dir):
    path = zipped(pictures(per_class=20))
    open_source(str(path), work_dir=work_dir)

    dataset = open_source(str(path), work_dir=work_dir, options=IntakeOptions(seed=5, test_share=0.5))

    assert (dataset.seed, dataset.test_share) == (5, 0.5)
    assert 10 < len(dataset.of("test")) < 30


def test_a_zip_with_parts_keeps_them(zipped, pictures, work_dir):
    path = zipped(pictures(prefix="train/") | pictures(prefix="test/", per_class=1, first=90))

    assert open_source(str(path), work_dir=work_dir) == open_source(str(path), work_dir=work_dir)
    assert open_source(str(path), work_dir=work_dir, options=IntakeOptions(seed=5)).split == "folders"


def test_a_changed_zip_is_unpacked_anew(zipped, pictures, work_dir):
    path = zipped(pictures())
    open_source(str(path), work_dir=work_dir)
    shutil.copy(zipped(pictures(per_class=7)), path)

    assert len(open_source(str(path), work_dir=work_dir).examples) == 14


def test_a_folder_a_table_and_a_saved_set_are_opened(zipped, pictures, work_dir, tmp_path):
    root = open_source(str(zipped(pictures())), work_dir=work_dir).root
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "photos" / "cat" / "1.jpg").write_bytes(next(iter(pictures().values())))
    (tmp_path / "photos" / "list.csv").write_text("file,label\ncat/1.jpg,lion\n")

    opened = [
        open_source(str(path), work_dir=work_dir).classes
        for path in (root, root / "dataset.json", tmp_path / "photos", tmp_path / "photos" / "list.csv")
    ]

    assert opened == [("cat", "dog"), ("cat", "dog"), ("cat",), ("lion",)]


@pytest.mark.parametrize("text", ["nothing", "", "\0", "~nobody-of-that-name/x", "x" * 5000, "tfds:", "tfds:a:b:c:d"])
def test_what_names_no_data_is_refused(work_dir, text, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BadDataset):
        open_source(text, work_dir=work_dir)


def test_the_sentence_says_what_may_be_given(work_dir):
    with pytest.raises(BadDataset, match=r"There is no '.*photos'; give a folder of class folders, a \.zip of one, a"):
        open_source("photos", work_dir=work_dir)


def test_a_file_of_another_kind_is_no_zip(work_dir, tmp_path):
    (tmp_path / "photos.txt").write_text("hello")

    with pytest.raises(BadDataset, match=r"'photos\.txt' is not a zip"):
        open_source(str(tmp_path / "photos.txt"), work_dir=work_dir)


def test_dropped_images_are_gone_and_the_others_keep_their_part(take, pictures):
    dataset = take(pictures())

    smaller = drop(dataset, frozenset({"cat/1.jpg", "dog/2.jpg", "not there"}))

    assert smaller.examples == tuple(each for each in dataset.examples if each.name not in ("cat/1.jpg", "dog/2.jpg"))
    assert dataset.path(dataset.examples[0]).is_file()


def test_a_class_whose_images_are_all_dropped_is_gone(take, pictures):
    dataset = take(pictures(["ant", "bee", "cat"]))

    smaller = drop(dataset, frozenset(each.name for each in dataset.examples if each.label == 1))

    assert smaller.classes == ("ant", "cat")
    assert {(each.name[:3], each.label) for each in smaller.examples} == {("ant", 0), ("cat", 1)}


def test_dropping_nothing_leaves_empty_classes_out(dataset):
    whole = dataset([("cat", "train", "a"), ("dog", "train", "b")], classes=["ant", "cat", "dog"])

    assert drop(whole, frozenset()) == dataclasses.replace(
        whole,
        classes=("cat", "dog"),
        examples=tuple(dataclasses.replace(each, label=each.label - 1) for each in whole.examples),
    )


def test_dropping_everything_is_refused(take, pictures):
    dataset = take(pictures())

    with pytest.raises(BadDataset, match=r"No image of 'photos.zip' would be left; keep some"):
        drop(dataset, frozenset(each.name for each in dataset.examples))


def test_the_practice_zip_is_small_and_healthy(work_dir):
    path = bundled_data_dir() / "demo" / "practice.zip"

    dataset = open_source(str(path), work_dir=work_dir)

    assert path.stat().st_size < 200_000
    assert dataset.classes == ("boat", "fish", "house", "tree")
    assert {(each.width, each.height) for each in dataset.examples} == {(64, 64)}
    assert examine(dataset).findings == ()
