"""Folders and tables on this machine: images stay where they are, and nothing outside the root is read."""

import os
from pathlib import Path

import pytest

from vit_core.datasets.folder import read_folder, read_split_file
from vit_core.errors import BadDataset


@pytest.fixture
def folder(tmp_path, pictures):
    """Give a function that writes {name: bytes} below a folder and gives it."""

    def write(files=None, *, where="photos"):
        root = tmp_path / where
        root.mkdir(exist_ok=True)
        for name, data in (pictures() if files is None else files).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return root

    return write


@pytest.fixture
def table(folder):
    """Give a function that writes the pictures and a table of lines beside them, and gives its path."""

    def write(*lines, encoding="utf-8"):
        path = folder() / "labels.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


def reasons(dataset):
    return {each.name: each.reason for each in dataset.left_out}


def names(dataset, part=None):
    return [each.name for each in dataset.examples if part in (None, each.part)]


def test_a_folder_of_class_folders_is_a_data_set_where_it_lies(folder, pictures):
    root = folder()

    dataset = read_folder(root)

    assert (dataset.root, dataset.name, dataset.classes) == (root.resolve(), "photos", ("cat", "dog"))
    assert {each.file: dataset.path(each).read_bytes() for each in dataset.examples} == pictures()
    assert not (root / "dataset.json").exists()


def test_train_and_test_folders_decide_the_parts(folder, pictures):
    dataset = read_folder(folder(pictures(prefix="train/") | pictures(prefix="test/", per_class=1, first=90)))

    assert dataset.split == "folders"
    assert names(dataset, "test") == ["test/cat/0.jpg", "test/dog/0.jpg"]


def test_a_wrapping_folder_is_part_of_the_path_and_not_of_the_name(folder, pictures):
    example = read_folder(folder(pictures(prefix="all/"))).examples[0]

    assert (example.file, example.name) == ("all/cat/0.jpg", "cat/0.jpg")


def test_a_folder_below_the_allowed_one_is_read(folder, tmp_path):
    assert len(read_folder(folder(), allowed_root=tmp_path).examples) == 12


@pytest.mark.parametrize("path", ["..", "/etc", "/nothing/here"])
def test_a_folder_that_is_not_below_the_allowed_one_is_refused(folder, path):
    root = folder()

    with pytest.raises(BadDataset, match=r"is not below .* the folder that training images may be taken from"):
        read_folder(root / path, allowed_root=root)


def test_a_link_out_of_the_allowed_folder_is_refused(folder, tmp_path):
    folder(where="outside")
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "outside")

    with pytest.raises(BadDataset, match="is not below"):
        read_folder(tmp_path / "allowed" / "link", allowed_root=tmp_path / "allowed")


def test_a_link_to_a_file_outside_is_refused_by_name(folder, tmp_path, picture):
    root = folder()
    (tmp_path / "secret.jpg").write_bytes(picture(50))
    (root / "cat" / "link.jpg").symlink_to(tmp_path / "secret.jpg")

    assert reasons(read_folder(root)) == {
        "cat/link.jpg": (
            "'cat/link.jpg' is a link out of the folder, which is not followed; put the images themselves there."
        )
    }


def test_a_link_to_a_file_inside_is_read(folder):
    root = folder()
    (root / "dog" / "link.jpg").symlink_to(root / "cat" / "0.jpg")

    assert "dog/link.jpg" in names(read_folder(root))


def test_a_circle_of_folders_is_not_followed(folder):
    root = folder()
    (root / "cat" / "again").symlink_to(root)

    assert list(reasons(read_folder(root))) == ["cat/again"]


def test_a_link_to_nothing_is_left_out(folder):
    root = folder()
    (root / "cat" / "gone.jpg").symlink_to(root / "cat" / "nothing.jpg")

    assert reasons(read_folder(root)) == {"cat/gone.jpg": "'cat/gone.jpg' is a link to nothing."}


def test_a_pipe_is_left_out(folder):
    root = folder()
    os.mkfifo(root / "cat" / "pipe.jpg")

    assert reasons(read_folder(root)) == {"cat/pipe.jpg": "'cat/pipe.jpg' is no ordinary file."}


def test_a_name_that_is_not_utf8_is_left_out(folder, picture):
    root = folder()
    (root / "cat" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(picture(70))

    assert reasons(read_folder(root)) == {"cat/caf?.jpg": "'cat/caf?.jpg' has a name that is not UTF-8; rename it."}


def test_a_name_that_is_half_utf8_is_left_out_too(folder, picture):
    root = folder()
    name = os.fsdecode("😀".encode() + b"\xff.jpg")
    (root / "cat" / name).write_bytes(picture(70))

    assert list(reasons(read_folder(root))) == ["cat/😀?.jpg"]


def test_a_broken_image_is_named_and_left_out(folder, pictures):
    dataset = read_folder(folder(pictures() | {"cat/bad.jpg": b"nothing"}))

    assert list(reasons(dataset)) == ["cat/bad.jpg"]
    assert len(dataset.examples) == 12


def test_an_empty_folder_is_an_empty_class(folder):
    root = folder()
    (root / "emu").mkdir()

    assert read_folder(root).classes == ("cat", "dog", "emu")


def test_an_accent_in_two_letters_is_found_on_the_disk(folder, pictures):
    dataset = read_folder(folder(pictures(["cafe\u0301", "bar"])))

    assert dataset.classes == ("bar", "caf\u00e9")
    assert all(dataset.path(each).is_file() for each in dataset.examples)


@pytest.mark.parametrize("path", ["nothing", "photos/cat/0.jpg"])
def test_what_is_no_folder_is_named(folder, tmp_path, path):
    folder()

    with pytest.raises(BadDataset, match="There is no folder"):
        read_folder(tmp_path / path)


def test_a_path_that_cannot_be_followed_is_named():
    with pytest.raises(BadDataset, match="is not a path that can be followed"):
        read_folder(Path("~nobody-of-that-name/photos"))


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(BadDataset, match="holds no images in class folders"):
        read_folder(tmp_path)


def test_the_progress_counts_each_image(folder):
    told = []

    read_folder(folder(), progress=lambda done, total: told.append((done, total)))

    assert told == [(done, 12) for done in range(1, 13)]


def test_a_table_gives_files_and_labels(table):
    dataset = read_split_file(table("file,label", "cat/0.jpg,animal", "dog/0.jpg,animal", "dog/1.jpg,other"))

    assert dataset.classes == ("animal", "other")
    assert [(each.file, each.label) for each in dataset.examples] == [
        ("cat/0.jpg", 0),
        ("dog/0.jpg", 0),
        ("dog/1.jpg", 1),
    ]
    assert dataset.split == "seed"


def test_a_table_with_splits_decides_the_parts(table):
    dataset = read_split_file(table("split,label,file", "train,a,cat/0.jpg", "val,a,cat/1.jpg", "TEST,b,dog/0.jpg"))

    assert dataset.split == "folders"
    assert names(dataset, "test") == ["cat/1.jpg", "dog/0.jpg"]


def test_a_table_of_a_spreadsheet_is_read(table):
    dataset = read_split_file(table('"File", "Label"', '"cat/0.jpg", "a, b"', encoding="utf-8-sig"))

    assert dataset.classes == ("a, b",)


@pytest.mark.parametrize(
    ("written", "there"),
    [
        ("cat\\0.jpg", "cat/0.jpg"),
        (".\\cat\\0.jpg", "cat/0.jpg"),
        ("./cat//0.jpg", "cat/0.jpg"),
        ("cafe\u0301/e\u0301.jpg", "caf\u00e9/\u00e9.jpg"),
        ("caf\u00e9\\\u00e9.jpg", "cafe\u0301/e\u0301.jpg"),
        ("caf\u00e9/\u00e9.jpg", "caf\u00e9/e\u0301.jpg"),
        ("a\\b.jpg", "a\\b.jpg"),
    ],
)
def test_a_name_of_another_system_is_the_file_that_is_there(table, picture, written, there):
    path = table("file,label", f"{written},a", "dog/0.jpg,b")
    (path.parent / there).parent.mkdir(exist_ok=True)
    (path.parent / there).write_bytes(picture(80))

    dataset = read_split_file(path)

    assert [each.file for each in dataset.examples] == [there, "dog/0.jpg"]
    assert dataset.path(dataset.examples[0]).read_bytes() == picture(80)


def test_of_two_files_that_differ_in_the_spelling_of_an_accent_the_written_one_is_taken(table, picture):
    path = table("file,label", "e\u0301.jpg,a", "\u00e9.jpg,b", "cat/0.jpg,a")
    (path.parent / "\u00e9.jpg").write_bytes(picture(81))
    (path.parent / "e\u0301.jpg").write_bytes(picture(82))

    dataset = read_split_file(path)

    assert {(each.file, each.label) for each in dataset.examples} >= {("e\u0301.jpg", 0), ("\u00e9.jpg", 1)}
    assert len(set(names(dataset))) == 3


def test_one_file_written_in_two_ways_is_listed_twice(table):
    dataset = read_split_file(table("file,label", "cat/0.jpg,a", "cat\\0.jpg,b", "./cat/0.jpg,c", "dog/0.jpg,b"))

    assert [each.file for each in dataset.examples] == ["cat/0.jpg", "dog/0.jpg"]
    assert [reason.endswith("is listed twice; the first line counts.") for reason in reasons(dataset).values()] == [
        True,
        True,
    ]


def test_a_link_out_of_the_folder_is_refused_in_the_spelling_of_the_disk(table, tmp_path, picture):
    (tmp_path / "secret.jpg").write_bytes(picture(90))
    path = table("file,label", "cat\\link.jpg,a", "dog/0.jpg,b", "far\\secret.jpg,a")
    (path.parent / "cat" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (path.parent / "far").symlink_to(tmp_path)

    dataset = read_split_file(path)

    assert [each.file for each in dataset.examples] == ["dog/0.jpg"]
    assert "is a link out of the folder" in reasons(dataset)["cat/link.jpg"]
    assert "is not below the folder of the table" in reasons(dataset)["far/secret.jpg"]


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        ("cat/nothing.jpg,a", "cat/nothing.jpg", "(line 3 of the table) is not there."),
        ("../x.jpg,a", "../x.jpg", "(line 3 of the table) is not below the folder of the table."),
        ("/etc/passwd,a", "/etc/passwd", "(line 3 of the table) is not below the folder of the table."),
        ("cat/0.jpg,b", "cat/0.jpg", "(line 3 of the table) is listed twice; the first line counts."),
        ("cat/1.jpg,", "cat/1.jpg", "(line 3 of the table) has no label."),
        ("labels.csv,a", "labels.csv", "'labels.csv' is not an image"),
    ],
)
def test_a_line_that_cannot_be_used_is_left_out(table, line, name, reason):
    dataset = read_split_file(table("file,label", "cat/0.jpg,a", line))

    assert list(reasons(dataset)) == [name]
    assert reason in reasons(dataset)[name]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["name,label", "a,b"], "has no column 'file'; it needs file and label, and may have split"),
        (["file", "a"], "has no column 'label'"),
        ([], "has no column 'file'"),
        (["file,label,split", "cat/0.jpg,a,maybe"], "Line 2 of the table has the split 'maybe'; it must be train or"),
        (["file,label,split", "cat/0.jpg,a,train", "cat/1.jpg,a,"], "Line 3 of the table lacks a split, unlike"),
        (["file,label", '"cat/0.jpg,a'], "is not a CSV table"),
        (["file,label"], "holds no images"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(table, lines, message):
    with pytest.raises(BadDataset, match=message):
        read_split_file(table(*lines))


def test_a_table_in_another_encoding_is_named(table):
    with pytest.raises(BadDataset, match="is not UTF-8 text"):
        read_split_file(table("file,label", "cat/0.jpg,café", encoding="latin-1"))


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadDataset, match=r"nothing.csv' cannot be read: No such file"):
        read_split_file(tmp_path / "nothing.csv")


def test_a_table_outside_the_allowed_folder_is_refused(table, tmp_path):
    with pytest.raises(BadDataset, match="is not below"):
        read_split_file(table("file,label"), allowed_root=tmp_path / "photos" / "cat")
