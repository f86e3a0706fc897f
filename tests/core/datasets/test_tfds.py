"""Named sets: a small one is built here in the package's own formats, and read without TensorFlow."""

import json
import os
import struct
import sys

import numpy as np
import pytest
from array_record.python import array_record_module
from PIL import Image

from vit_core.datasets.limits import IntakeOptions
from vit_core.datasets.tfds import parse_name, read_named, take_named
from vit_core.errors import BadDataset, Cancelled

tfds = pytest.importorskip("tensorflow_datasets")


class TinyPets(tfds.core.GeneratorBasedBuilder):
    """Twenty pictures to learn from and six to test on; the last of the test has no label."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "mask": tfds.features.Image(shape=(None, None, 1)),
            "label": tfds.features.ClassLabel(names=["cat/lion", "dog", "emu"]),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(20), "test": self._generate_examples(6)}

    def _generate_examples(self, count):
        rng = np.random.default_rng(count)
        for place in range(count):
            picture = Image.fromarray(rng.integers(0, 256, (20 + place, 30, 3), np.uint8))
            label = -1 if place == 5 and count == 6 else place % 2
            yield place, {"image": picture, "mask": picture.convert("L"), "label": label}


class TinyDigits(tfds.core.GeneratorBasedBuilder):
    """A set that hands out arrays, which TensorFlow alone can pack."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"image": tfds.features.Image(shape=(8, 8, 1)), "label": tfds.features.ClassLabel(num_classes=2)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        yield 0, {"image": np.zeros((8, 8, 1), np.uint8), "label": 0}


class HugePlants(tfds.core.GeneratorBasedBuilder):
    """A set that is said to be 3 GB to download; nobody has done so."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"image": tfds.features.Image(), "label": tfds.features.ClassLabel(num_classes=2)}
        info = tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))
        info.download_size = 3_000_000_000
        return info

    def _split_generators(self, dl_manager):
        raise AssertionError

    def _generate_examples(self):
        raise AssertionError


class TinyWords(tfds.core.GeneratorBasedBuilder):
    """A set without pictures."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"word": tfds.features.Text(), "label": tfds.features.ClassLabel(num_classes=2)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        yield 0, {"word": "cat", "label": 0}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A folder in which tiny_pets and tiny_words are prepared."""
    folder = tmp_path_factory.mktemp("tfds")
    tfds.disable_progress_bar()
    for builder in (TinyPets, TinyWords):
        builder(data_dir=str(folder), file_format="array_record").download_and_prepare()
    return folder


@pytest.fixture
def read(data_dir, tmp_path):
    """Give a function that reads a named set of that folder."""

    def read_set(text, **options):
        return read_named(text, work_dir=tmp_path / "work", **{"data_dir": data_dir, **options})

    return read_set


@pytest.fixture
def tfrecord_dir(data_dir, tmp_path):
    """The same set as TFRecord files, which the package cannot read without TensorFlow."""
    folder = tmp_path / "tfrecord" / "tiny_pets" / "1.0.0"
    folder.mkdir(parents=True)
    for path in (data_dir / "tiny_pets" / "1.0.0").iterdir():
        target = folder / path.name.replace("array_record", "tfrecord")
        if "array_record" in path.name:
            reader = array_record_module.ArrayRecordReader(str(path))
            records = [struct.pack("<Q4x", len(data)) + data + bytes(4) for data in reader.read_all()]
            target.write_bytes(b"".join(records))
        else:
            target.write_bytes(path.read_bytes())
    about = json.loads((folder / "dataset_info.json").read_text())
    (folder / "dataset_info.json").write_text(json.dumps(about | {"fileFormat": "tfrecord"}))
    return tmp_path / "tfrecord"


def test_a_named_set_has_its_own_parts(read):
    dataset = read("tfds:tiny_pets")

    assert (dataset.name, dataset.split, dataset.classes) == ("tfds:tiny_pets", "folders", ("cat/lion", "dog"))
    assert (len(dataset.of("train")), len(dataset.of("test"))) == (20, 5)


def test_the_images_are_those_of_the_set(read, data_dir):
    dataset = read("tfds:tiny_pets:train[:4]")
    source = tfds.builder("tiny_pets", data_dir=str(data_dir)).as_data_source(split="train[:4]")

    stored = {np.asarray(Image.open(dataset.path(each))).tobytes(): each.label for each in dataset.of("train")}
    assert stored == {example["image"].tobytes(): int(example["label"]) for example in source}


def test_an_image_without_a_label_is_left_out(read):
    (left_out,) = read("tfds:tiny_pets").left_out

    assert left_out.reason.endswith("of 'test' has no label.")


def test_classes_without_images_are_left_out_and_said(read):
    assert read("tfds:tiny_pets").notes == ("1 class of the set has no image in these splits and is left out.",)


def test_a_part_of_a_split_is_learned_from(read):
    dataset = read("tfds:tiny_pets:train[:50%]")

    assert (len(dataset.of("train")), len(dataset.of("test"))) == (10, 5)


def test_two_splits_are_the_two_parts(read):
    dataset = read("tfds:tiny_pets:train[:80%]:train[80%:]")

    assert (len(dataset.of("train")), len(dataset.of("test"))) == (16, 4)


def test_a_set_is_written_once(read):
    first = read("tfds:tiny_pets")
    told = []

    assert read("tfds:tiny_pets", progress=lambda done, total: told.append(done)) == first
    assert told == []


def test_a_set_that_is_used_again_is_young_again(read):
    folder = read("tfds:tiny_pets").root
    os.utime(folder, (1e9, 1e9))

    read("tfds:tiny_pets")

    assert folder.stat().st_mtime > 1.1e9


def test_a_set_taken_into_a_folder_of_its_own_has_it_as_its_root(data_dir, tmp_path):
    dataset = take_named("tfds:tiny_pets", tmp_path / "own", data_dir=data_dir)

    assert dataset.root == tmp_path / "own"
    assert dataset.path(dataset.examples[0]).is_file()


@pytest.mark.parametrize("told_before", [0, 1, 9])
def test_it_ends_at_the_next_image_when_it_is_told_to(data_dir, tmp_path, told_before):
    told = []

    def cancel(done, total):
        told.append((done, total))
        if len(told) > told_before:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        take_named("tfds:tiny_pets", tmp_path / "own", data_dir=data_dir, progress=cancel)

    assert told == [(0, 0)] * (told_before + 1)
    assert list(tmp_path.iterdir()) == []


def test_a_set_over_the_limit_is_refused_before_it_is_fetched(data_dir, tmp_path):
    with pytest.raises(BadDataset, match=r"'huge_plants' has 3,000 MB, and the limit here is 2,000 MB; take a smaller"):
        take_named("tfds:huge_plants", tmp_path / "own", data_dir=data_dir)


def test_pictures_over_the_limit_are_refused_and_a_part_of_them_is_taken(data_dir, tmp_path):
    options = IntakeOptions(size_bytes=20_000)

    with pytest.raises(BadDataset, match=r"which is the limit here; name a part of it, such as train\[:10%\]"):
        take_named("tfds:tiny_pets", tmp_path / "own", data_dir=data_dir, options=options)

    part = take_named("tfds:tiny_pets:train[:2]:train[2:3]", tmp_path / "own", data_dir=data_dir, options=options)
    assert len(part.examples) == 3


def test_a_command_takes_a_set_of_any_size(read):
    assert len(read("tfds:tiny_pets", options=IntakeOptions(size_bytes=1)).examples) == 25


def test_tfrecord_files_are_read_without_tensorflow(read, tfrecord_dir):
    def stored(dataset):
        return sorted((each.sha256, each.label, each.part) for each in dataset.examples)

    text = "tfds:tiny_pets:train[25%:75%]"

    assert stored(read(text, data_dir=tfrecord_dir)) == stored(read(text))
    assert "tensorflow" not in sys.modules


def test_a_tfrecord_file_that_is_cut_short_is_named(read, tfrecord_dir):
    path = next(tfrecord_dir.rglob("*train.tfrecord*"))
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(BadDataset, match="is cut short; prepare the set again"):
        read("tfds:tiny_pets", data_dir=tfrecord_dir)


def test_the_limit_of_classes_holds(read):
    with pytest.raises(BadDataset, match="has 2 classes; the limit is 1"):
        read("tfds:tiny_pets", options=IntakeOptions(max_classes=1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tfds:tiny_pets:valid", "There is no split 'valid'; the set has train, test, and parts of them are written"),
        ("tfds:tiny_pets:train[:x%]", r"There is no split 'train\[:x%\]'"),
        ("tfds:tiny_pets:train:train", "cannot be both learned from and tested on"),
        ("tfds:tiny_pets:9.9.9", "gives no set 'tiny_pets:9.9.9'"),
        ("tfds:cifar1O", "gives no set 'cifar1O': Dataset cifar1_o not found. Did you mean 'cifar10'"),
        ("tfds:tiny_words", "The set 'tiny_words' has not one image and one label for each example"),
        ("tfds:", "names no data set; write tfds:NAME"),
        ("tfds:someone:set/../x", "names no data set"),
        ("tfds:tiny_pets:a:b:c", "names no data set"),
    ],
)
def test_what_cannot_be_read_is_named(read, text, message):
    with pytest.raises(BadDataset, match=message):
        read(text)


def test_a_set_that_only_tensorflow_can_prepare_is_named(read):
    with pytest.raises(
        BadDataset, match="'tiny_digits' is not prepared yet, and preparing it needs the package tensor"
    ):
        read("tfds:tiny_digits")


def test_without_the_package_the_way_to_install_it_is_said(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)

    with pytest.raises(BadDataset, match="install it with: pip install tensorflow-datasets importlib-resources"):
        read("tfds:tiny_pets")


def test_nothing_is_printed(read, tmp_path, capsys):
    read("tfds:tiny_pets")

    assert capsys.readouterr().out == ""


def test_a_version_and_a_configuration_are_part_of_the_name():
    wanted = parse_name("tfds:imagenet2012_subset/1pct:5.0.0:train[:50%]")

    assert (wanted.name, wanted.version, wanted.train, wanted.test) == (
        "imagenet2012_subset/1pct",
        "5.0.0",
        "train[:50%]",
        None,
    )
