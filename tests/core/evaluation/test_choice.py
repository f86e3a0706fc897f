"""Which images are judged, and the table of classes."""

import shutil

import pytest

from vit_core.datasets.saving import save_dataset
from vit_core.errors import BadDataset, BadInput
from vit_core.evaluation.choice import choose, open_data, read_table


def test_of_a_folder_without_parts_every_image_is_judged(few_digits, tmp_path):
    dataset, parted = open_data(str(few_digits), work_dir=tmp_path)
    choice = choose(dataset, parted=parted)
    assert len(choice.examples) == 40
    assert choice.part == "All of 'few': 40 images."


def test_of_a_folder_with_parts_only_the_test_part_is_judged_and_that_is_said(few_digits, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(few_digits, tmp_path / "both" / part)
    shutil.rmtree(tmp_path / "both" / "test" / "digit 9")
    dataset, parted = open_data(str(tmp_path / "both"), work_dir=tmp_path)
    choice = choose(dataset, parted=parted)
    assert {example.part for example in choice.examples} == {"test"}
    assert "digit 9" not in choice.classes
    assert choice.part == "The test part of 'both': 36 images; the 40 to learn from were not judged."


def test_of_a_test_folder_alone_every_image_is_judged(few_digits, tmp_path):
    shutil.copytree(few_digits, tmp_path / "alone" / "test")
    dataset, parted = open_data(str(tmp_path / "alone"), work_dir=tmp_path)
    choice = choose(dataset, parted=parted)
    assert len(choice.examples) == 40
    assert choice.notes == ()


def test_of_a_saved_data_set_the_drawn_test_part_is_judged(few_digits, tmp_path):
    dataset, _ = open_data(str(few_digits), work_dir=tmp_path)
    save_dataset(dataset, tmp_path / "kept" / "dataset.json")
    again, parted = open_data(str(tmp_path / "kept"), work_dir=tmp_path)
    assert choose(again, parted=parted).examples == dataset.of("test")


def test_a_limit_takes_images_evenly_from_all_classes(few_digits, tmp_path):
    dataset, parted = open_data(str(few_digits), work_dir=tmp_path)
    choice = choose(dataset, parted=parted, limit=10)
    assert [example.label for example in choice.examples] == list(range(10))
    assert "of which 10 were taken evenly" in choice.part


def test_a_limit_above_the_number_of_images_takes_all(few_digits, tmp_path):
    dataset, parted = open_data(str(few_digits), work_dir=tmp_path)
    assert choose(dataset, parted=parted, limit=1000).examples == dataset.examples


def test_a_limit_of_none_is_refused(few_digits, tmp_path):
    dataset, parted = open_data(str(few_digits), work_dir=tmp_path)
    with pytest.raises(BadInput, match="The limit is 0"):
        choose(dataset, parted=parted, limit=0)


def test_an_empty_test_part_is_refused(few_digits, tmp_path):
    dataset, _ = open_data(str(few_digits), work_dir=tmp_path)
    only = dataset.without(frozenset(example.name for example in dataset.of("test")))
    with pytest.raises(BadDataset, match="has no usable image in its test part"):
        choose(only, parted=True)


def test_a_table_gives_the_checkpoints_class_by_the_datas(tmp_path):
    (tmp_path / "map.csv").write_text("dataset_class,checkpoint_class\nhund, dog\nkran,134\n")
    assert read_table(tmp_path / "map.csv") == {"hund": "dog", "kran": "134"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "has no column 'dataset_class'"),
        (b"dataset_class,checkpoint_class\nhund,dog\nhund,cat\n", "'hund' twice, again in line 3"),
        (b"dataset_class,checkpoint_class\nhund,\n", "an empty field in line 2"),
        (b"dataset_class,checkpoint_class\n\xff,dog\n", "is not UTF-8"),
        (b'dataset_class,checkpoint_class\n"a"b,dog\n', "is not a CSV table"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path, content, message):
    (tmp_path / "map.csv").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_table(tmp_path / "map.csv")


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_table(tmp_path / "map.csv")
