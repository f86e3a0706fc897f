"""Every name belongs to its output; where no list fits, outputs are numbered and it is said why."""

import hashlib
import json
import subprocess
import sys

import pytest

from vit_core.errors import BadInput
from vit_core.inference.labels import SETS, choose_labels, definitions_for, labels_for, own_labels, read_labels
from vit_core.settings import bundled_data_dir

UPSTREAM = "B_16-{}-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
FINE_TUNED = UPSTREAM.format("i21k") + "--{}-steps_2k-lr_0.01-res_224"
WIDTHS = {
    "imagenet2012": 1000,
    "i21k": 21_843,
    "cifar10": 10,
    "cifar100": 100,
    "oxford_flowers102": 102,
    "oxford_iiit_pet": 37,
    "resisc45": 45,
    "kitti": 4,
}


@pytest.mark.parametrize("dataset", WIDTHS)
def test_each_bundled_list_has_a_name_of_its_own_for_every_output(dataset):
    names = (bundled_data_dir() / "labels" / f"{dataset}.txt").read_text(encoding="utf-8").splitlines()
    assert len(names) == len(set(names)) == WIDTHS[dataset]
    assert all(name == name.strip() and name.isprintable() and name for name in names)


@pytest.mark.parametrize(
    ("dataset", "index", "name"),
    [
        # Positions known from elsewhere: ILSVRC 2012 classes as every framework numbers them.
        ("imagenet2012", 0, "tench"),
        ("imagenet2012", 207, "golden retriever"),
        ("imagenet2012", 281, "tabby"),
        ("imagenet2012", 999, "toilet tissue"),
        # Two synsets of one name are told apart.
        ("imagenet2012", 134, "crane (large long-necked wading bird of marshes and plains in …)"),
        ("imagenet2012", 517, "crane (lifts and moves heavy objects)"),
        ("imagenet2012", 638, "maillot"),
        ("imagenet2012", 639, "maillot, tank suit"),
        # The lowest WordNet numbers, n00004475 and n00005787.
        ("i21k", 0, "organism"),
        ("i21k", 1, "benthos"),
        ("cifar10", 0, "airplane"),
        ("cifar10", 9, "truck"),
        ("oxford_flowers102", 0, "pink primrose"),
        ("oxford_flowers102", 101, "blackberry lily"),
        ("cifar100", 0, "apple"),
        ("cifar100", 99, "worm"),
        ("oxford_iiit_pet", 0, "Abyssinian"),
        ("oxford_iiit_pet", 36, "yorkshire terrier"),
        ("resisc45", 44, "wetland"),
        ("kitti", 0, "nearest vehicle up to 8 m away"),
        ("kitti", 3, "no vehicle"),
    ],
)
def test_known_classes_stand_at_their_places(dataset, index, name):
    assert labels_for("x", WIDTHS[dataset], adapt_ds=dataset).names[index] == name


def test_the_bundled_lists_are_those_that_the_script_made():
    folder = bundled_data_dir() / "labels"
    together = hashlib.sha256(b"".join((folder / f"{name}.txt").read_bytes() for name in sorted(WIDTHS)))
    # Changing this means that build.py was run again, and the README of the folder says with what.
    assert together.hexdigest() == "2e74119df42b766727613707f170065223447950e8af86a469c4003c04b4994a"


@pytest.mark.parametrize("dataset", sorted(set(WIDTHS) - {"i21k"}))
def test_a_fine_tuned_file_has_the_classes_of_its_fine_tuning_set(dataset):
    labels = labels_for(FINE_TUNED.format(dataset), WIDTHS[dataset])
    assert labels.dataset == dataset
    assert labels.source == f"The {WIDTHS[dataset]:,} classes of {SETS[dataset].title}."


@pytest.mark.parametrize(("ds", "dataset"), [("i21k", "i21k"), ("i21k_30", "i21k"), ("i1k", "imagenet2012")])
def test_a_pre_trained_file_has_the_classes_of_its_pre_training_set(ds, dataset):
    name = UPSTREAM.format(ds).replace("300ep", "30ep") if ds == "i21k_30" else UPSTREAM.format(ds)
    assert labels_for(name, WIDTHS[dataset]).dataset == dataset
    assert labels_for("x", WIDTHS[dataset], ds=ds).dataset == dataset


def test_a_path_tells_as_much_as_a_name(tmp_path):
    assert labels_for(tmp_path / (FINE_TUNED.format("resisc45") + ".npz"), 45).dataset == "resisc45"


def test_what_the_caller_knows_wins_over_the_name():
    assert labels_for(FINE_TUNED.format("kitti"), 37, adapt_ds="oxford_iiit_pet").dataset == "oxford_iiit_pet"


@pytest.mark.parametrize(("width", "dataset"), [(1000, "imagenet2012"), (21_843, "i21k")])
def test_a_file_of_any_name_is_known_by_a_width_that_is_unique_and_this_is_said(width, dataset):
    labels = labels_for("my-model", width)
    assert labels.dataset == dataset
    assert labels.source == (
        f"The {width:,} classes of {SETS[dataset].title}, by the number of classes: nothing else tells what they are."
    )


@pytest.mark.parametrize("width", [4, 37, 45, 100, 21_841])
def test_a_width_that_tells_nothing_gives_numbers(width):
    labels = labels_for("my-model.npz", width)
    assert labels.names == tuple(f"class {index}" for index in range(width))
    assert labels.source == "The name of the checkpoint does not tell its classes, so they are numbered."
    assert labels.dataset == ""


def test_a_list_of_the_wrong_length_is_not_used():
    labels = labels_for(FINE_TUNED.format("cifar100"), 10)
    assert labels.names[9] == "class 9"
    assert labels.source == "CIFAR-100 has 100 classes and this classifier 10 outputs. So the classes are numbered."
    assert labels.dataset == ""


def test_a_head_of_21843_classes_never_gets_the_names_of_1000():
    assert labels_for(FINE_TUNED.format("imagenet2012"), 21_843).names[281] == "class 281"
    assert labels_for("x", 21_843, ds="i1k").names[281] == "class 281"


@pytest.mark.parametrize(
    ("code", "dataset"),
    [("imagenet21k", "i21k"), ("imagenet", "imagenet2012"), ("flowers102", "oxford_flowers102")],
)
def test_a_set_is_known_by_its_other_codes(code, dataset):
    assert labels_for("x", WIDTHS[dataset], adapt_ds=code).dataset == dataset


def test_a_data_set_without_a_list_gives_numbers():
    assert labels_for(FINE_TUNED.format("food101"), 2).source == (
        "There is no list of class names for 'food101', so the classes are numbered."
    )


@pytest.mark.parametrize("name", ["../labels/kitti", "kitti.txt", "/etc/passwd", "kitti\0", ""])
def test_a_data_set_is_never_a_path(name):
    assert labels_for("x", 4, adapt_ds=name or "/").names[0] == "class 0"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", "cat\ndog\n"),
        ("names.txt", "\ufeffcat\r\n  dog  \r\n\r\n"),
        ("names.json", '["cat", "dog"]'),
    ],
)
def test_the_users_own_names_are_read(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    labels = read_labels(tmp_path / name, 2)
    assert labels.names == ("cat", "dog")
    assert labels.source == f"The 2 names of the file '{name}'."
    assert labels.dataset == ""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("names.txt", b"cat\n", "There are 1 class names from the file 'names.txt' and 2 outputs"),
        ("names.txt", b"", "There are 0 class names"),
        ("names.txt", b"cat\n\ndog\n", "Line 2 of the class names 'names.txt' is empty"),
        ("names.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("names.json", b'{"0": "cat"}', "not a JSON list of texts"),
        ("names.json", b"[1, 2]", "not a JSON list of texts"),
        ("names.json", b"[" * 100_000, "not JSON"),
    ],
)
def test_names_that_cannot_be_used_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_labels(tmp_path / name, 2)


@pytest.mark.parametrize("name", ["labels.txt", "labels.json"])
def test_a_file_of_1000_names_for_a_head_of_21843_gives_numbers_and_says_why(tmp_path, name):
    names = [f"name {index}" for index in range(1000)]
    (tmp_path / name).write_text(json.dumps(names) if name.endswith("json") else "\n".join(names))
    labels = choose_labels(tmp_path / name, "x", 21_843)
    assert labels.names[:2] == ("class 0", "class 1")
    assert len(labels.names) == 21_843
    assert labels.source == (
        f"The file '{name}' has 1,000 class names and this classifier 21,843 outputs; one name per output is needed, "
        "in the order of the outputs. So the classes are numbered."
    )


def test_a_file_of_names_that_fits_is_chosen(tmp_path):
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    assert choose_labels(tmp_path / "labels.txt", FINE_TUNED.format("kitti"), 2).names == ("cat", "dog")


def test_a_missing_file_of_names_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"none\.txt' cannot be read: No such file"):
        read_labels(tmp_path / "none.txt", 2)


def test_a_very_large_file_of_names_is_refused_unread(tmp_path):
    with (tmp_path / "names.txt").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(BadInput, match="over the limit of 20 MB"):
        read_labels(tmp_path / "names.txt", 2)


def test_very_long_names_are_cut(tmp_path):
    (tmp_path / "names.txt").write_text("x" * 1000)
    assert len(read_labels(tmp_path / "names.txt", 1).names[0]) == 200


def test_names_in_a_list_must_fit_too():
    assert own_labels(["cat", "dog"], 2).names == ("cat", "dog")
    with pytest.raises(BadInput, match="1 class names from the caller and 2 outputs"):
        own_labels(["cat"], 2)


def test_the_imagenet_classes_have_definitions():
    assert definitions_for("imagenet2012")[281] == "a cat with a grey or tawny coat mottled with black"
    assert len(definitions_for("i21k")) == 21_843


def test_the_definition_stands_at_the_place_of_its_class():
    assert labels_for("x", 21_843).names[2167].startswith("dog")
    assert definitions_for("i21k")[2167].startswith("a member of the genus Canis")


def test_no_list_is_read_before_it_is_asked_for():
    opened = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import vit_core.inference.labels
print([path for path in opened if "data/labels" in path or path.endswith(".gz")])
"""
    done = subprocess.run([sys.executable, "-c", opened], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_list_is_read_once():
    assert labels_for("x", 21_843).names is labels_for("y", 21_843).names
    assert definitions_for("i21k") is definitions_for("i21k")


def test_other_data_sets_have_no_definitions():
    assert definitions_for("kitti") == ()
    assert definitions_for("../labels/i21k") == ()


def test_names_beside_the_weights_come_before_those_of_the_checkpoints_name(tmp_path):
    (tmp_path / "labels.json").write_text('["cat", "dog", "pig", "cow"]')
    labels = labels_for(FINE_TUNED.format("kitti"), 4, file=tmp_path / "model.npz")
    assert labels.names == ("cat", "dog", "pig", "cow")
    assert labels.source == "The 4 names of the file 'labels.json'."
    assert labels.dataset == ""


def test_without_names_beside_the_weights_the_checkpoints_name_decides(tmp_path):
    assert labels_for(FINE_TUNED.format("kitti"), 4, file=tmp_path / "model.npz").dataset == "kitti"


@pytest.mark.parametrize(
    ("text", "reason"),
    [('["cat"]', "There are 1 class names"), ("{", "are not JSON"), ('{"a": 1}', "not a JSON list"), ("[]", "are 0")],
)
def test_names_beside_the_weights_that_do_not_fit_are_not_used_and_it_is_said(tmp_path, text, reason):
    (tmp_path / "labels.json").write_text(text)
    labels = labels_for("model", 2, file=tmp_path / "model.npz")
    assert labels.names == ("class 0", "class 1")
    assert "Not used: " in labels.source
    assert reason in labels.source


def test_the_callers_data_set_comes_before_names_beside_the_weights(tmp_path):
    (tmp_path / "labels.json").write_text('["cat", "dog", "pig", "cow"]')
    assert labels_for("x", 4, adapt_ds="kitti", file=tmp_path / "model.npz").dataset == "kitti"


def test_a_name_with_unusual_white_space_stays_one_name(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("cat\u2028of mine\r\ndog\u0085two\r\n\r\n".encode())
    assert read_labels(path, 2).names == ("cat of mine", "dog two")
