"""Classes and parts follow from names; names are text of the user."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.datasets.layout import kind_of, lay_out, plain_name, why_unsafe


def placed(names, **options):
    return [(place.name, place.class_name, place.part) for place in lay_out(names, **options).places]


def test_the_folder_is_the_class():
    assert placed(["cat/1.jpg", "dog/2.jpg"]) == [("cat/1.jpg", "cat", None), ("dog/2.jpg", "dog", None)]


def test_train_and_test_folders_are_parts():
    assert placed(["train/cat/1.jpg", "Test/cat/2.jpg"]) == [
        ("train/cat/1.jpg", "cat", "train"),
        ("Test/cat/2.jpg", "cat", "test"),
    ]


def test_a_wrapping_folder_is_ignored():
    assert placed(["photos/cat/1.jpg", "photos/dog/2.jpg"]) == [("cat/1.jpg", "cat", None), ("dog/2.jpg", "dog", None)]


def test_a_wrapping_folder_around_parts_is_ignored():
    assert placed(["pets/train/cat/1.jpg", "pets/test/cat/1.jpg"]) == [
        ("train/cat/1.jpg", "cat", "train"),
        ("test/cat/1.jpg", "cat", "test"),
    ]


def test_folders_below_a_class_belong_to_it():
    assert placed(["cat/old/1.jpg", "dog/2.jpg"]) == [("cat/old/1.jpg", "cat", None), ("dog/2.jpg", "dog", None)]


def test_a_class_may_be_called_train_among_others():
    assert placed(["train/1.jpg", "bus/2.jpg"]) == [("train/1.jpg", "train", None), ("bus/2.jpg", "bus", None)]


@pytest.mark.parametrize("names", [["train/1.jpg", "bus/2.jpg"], ["train/steam/1.jpg", "bus/red/2.jpg"]])
def test_a_class_called_train_is_said_to_be_one(names):
    assert lay_out(names).notes == (
        "'train' is a class here, like 'bus'. For parts of your own there must be a folder train and a folder test, "
        "each with the same class folders in it.",
    )


def test_train_and_test_without_class_folders_are_classes_and_said_to_be():
    layout = lay_out(["train/1.jpg", "test/2.jpg"])

    assert layout.classes == ("test", "train")
    assert layout.notes[0].startswith("'test' and 'train' are classes here. For parts of your own")


@pytest.mark.parametrize(("test", "beside"), [("test", "'test' and 'train'"), ("val", "'train' and 'val'")])
def test_a_stray_folder_beside_parts_is_left_out_and_said(test, beside):
    layout = lay_out(["train/cat/1.jpg", f"{test}/cat/2.jpg", "extra/3.jpg", "extra/more/4.jpg"])

    assert [(place.name, place.class_name) for place in layout.places] == [
        ("train/cat/1.jpg", "cat"),
        (f"{test}/cat/2.jpg", "cat"),
    ]
    assert layout.classes == ("cat",)
    assert [each.name for each in layout.left_out] == ["extra/3.jpg", "extra/more/4.jpg"]
    assert "is in none of the folders" in layout.left_out[0].reason
    assert layout.notes[-1].startswith(f"The folder 'extra' is left out, with 2 images: beside {beside} nothing else")


def test_folders_called_like_parts_are_classes_beside_others_where_they_share_no_class():
    layout = lay_out(["train/steam/1.jpg", "test/tube/2.jpg", "bus/red/3.jpg"])

    assert layout.classes == ("bus", "test", "train")
    assert layout.notes[0].startswith("'test' and 'train' are classes here, like 'bus'.")


def test_an_empty_folder_beside_parts_is_no_class():
    layout = lay_out(["train/cat/1.jpg", "test/cat/2.jpg"], folders=["train/", "train/cat/", "docs/"])

    assert layout.classes == ("cat",)


def test_validation_images_are_tested_on_where_there_is_no_test_folder():
    layout = lay_out(["train/cat/1.jpg", "val/cat/2.jpg"])

    assert [place.part for place in layout.places] == ["train", "test"]
    assert layout.notes == ("The images of 'val' are used to test on.",)


def test_validation_images_are_learned_from_beside_a_test_folder():
    layout = lay_out(["train/cat/1.jpg", "val/cat/2.jpg", "test/cat/3.jpg"])

    assert [place.part for place in layout.places] == ["train", "train", "test"]
    assert layout.notes == ("The images of 'val' are used to learn from.",)


def test_an_image_in_no_class_folder_is_left_out():
    (left_out,) = lay_out(["cover.jpg", "cat/1.jpg"]).left_out

    assert left_out.reason == ("'cover.jpg' is in no class folder; put it into a folder that is named after its class.")


def test_an_image_beside_the_classes_of_a_part_is_left_out():
    (left_out,) = lay_out(["train/cover.jpg", "train/cat/1.jpg", "test/cat/2.jpg"]).left_out

    assert left_out.name == "train/cover.jpg"


def test_an_empty_class_folder_is_a_class():
    assert lay_out(["cat/1.jpg", "dog/1.jpg"], folders=["cat/", "emu/"]).classes == ("cat", "dog", "emu")


def test_the_folders_of_parts_and_the_wrapping_folder_are_no_classes():
    names = ["pets/train/cat/1.jpg", "pets/test/cat/2.jpg"]

    assert lay_out(names, folders=["pets/", "pets/train/", "pets/train/emu/", "other/"]).classes == ("cat", "emu")


@pytest.mark.parametrize("name", ["nan", "None", "0", "x" * 1000, "猫", "‮gnp", "<img onerror=x>", "CON", "a'b\"c", " "])
def test_odd_class_names_are_kept_as_text(name):
    assert lay_out([f"{name}/1.jpg", "other/1.jpg"]).places[0].class_name == name


def test_class_names_are_one_in_both_ways_of_writing_an_accent():
    layout = lay_out(["caf\u00e9/1.jpg", "cafe\u0301/2.jpg"])

    assert layout.classes == ("caf\u00e9",)


def test_half_characters_do_not_survive():
    assert plain_name("\ud800.jpg") == "?.jpg"


def test_classes_that_differ_in_case_are_kept_apart_and_said():
    layout = lay_out(["Cat/1.jpg", "cat/1.jpg"])

    assert layout.classes == ("Cat", "cat")
    assert layout.notes == ("The classes 'Cat' and 'cat' differ only in case or spaces; they are kept apart.",)


def test_equal_names_are_told_apart():
    assert [name for name, _, _ in placed(["cat/a.jpg", "cat/a.jpg", "cat/a.jpg"])] == [
        "cat/a.jpg",
        "cat/a.jpg (2)",
        "cat/a.jpg (3)",
    ]


def test_names_without_an_image_give_no_classes():
    assert lay_out([], folders=["cat/"]).classes == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cat/IMG_1.JPG", "image"),
        ("cat/1.webp", "image"),
        ("cat/1.jpg.txt", "other"),
        ("cat/jpg", "other"),
        ("cat/1.gif", "other picture"),
        ("photos.tar.gz", "archive"),
        (".DS_Store", "clutter"),
    ],
)
def test_a_name_tells_what_a_file_may_be(name, kind):
    assert kind_of(name) == kind


def test_a_nul_character_is_unsafe():
    assert why_unsafe("cat/\0.jpg") == "'cat/\\x00.jpg' has a NUL character in its name, which is not accepted."


@given(st.lists(st.text(max_size=20), max_size=6))
def test_any_names_are_laid_out_each_once(names):
    layout = lay_out(names)

    assert len({place.name for place in layout.places}) == len(layout.places)
    assert len(layout.places) + len(layout.left_out) == len(names)
