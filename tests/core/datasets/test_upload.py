"""Zips and loose files end in a folder of ours with names of ours, or in no folder at all."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
import types

import pytest
from PIL import Image

from vit_core.datasets import staging
from vit_core.datasets.limits import IntakeOptions
from vit_core.datasets.saving import load_dataset
from vit_core.datasets.upload import take_files, take_zip
from vit_core.errors import BadDataset, StorageFull, StoreError
from vit_core.image_file import ImageLimits


def names(dataset, part=None):
    return [each.name for each in dataset.examples if part in (None, each.part)]


def reasons(dataset):
    return {each.name: each.reason for each in dataset.left_out}


def below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_zip_of_class_folders_becomes_a_data_set(take, pictures):
    dataset = take(pictures())

    assert dataset.classes == ("cat", "dog")
    assert names(dataset) == sorted(pictures())
    assert dataset.split == "seed"


def test_the_bytes_are_kept_under_names_of_ours(take, pictures):
    dataset = take(pictures())

    assert {each.name: dataset.path(each).read_bytes() for each in dataset.examples} == pictures()
    assert below(dataset.root) == ["dataset.json", "files", *(f"files/{n:06d}.jpg" for n in range(1, 13))]


def test_the_saved_data_set_is_the_one_given(take, pictures):
    dataset = take(pictures())

    assert load_dataset(dataset.root / "dataset.json") == dataset


def test_a_zip_in_memory_is_taken(zipped, pictures, tmp_path):
    dataset = take_zip(io.BytesIO(zipped(pictures()).read_bytes()), tmp_path / "set", name="photos.zip")

    assert len(dataset.examples) == 12


def test_train_and_test_folders_decide_the_parts(take, pictures):
    files = pictures(prefix="train/", per_class=2) | pictures(prefix="test/", per_class=1, first=50)

    dataset = take(files)

    assert dataset.split == "folders"
    assert names(dataset, "test") == ["test/cat/0.jpg", "test/dog/0.jpg"]


def test_a_train_folder_alone_is_split_by_the_seed(take, pictures):
    dataset = take(pictures(prefix="train/"))

    assert dataset.split == "seed"
    assert {each.part for each in dataset.examples} == {"train", "test"}
    assert dataset.notes == ("There are images to learn from alone; both parts were drawn from them.",)


def test_jpeg_png_and_webp_are_taken_by_their_content(take, picture):
    files = {
        f"cat/{kind}.jpg": picture(number, file_format=kind) for number, kind in enumerate(("JPEG", "PNG", "WEBP"))
    }

    assert sorted(each.file.rpartition(".")[2] for each in take(files).examples) == ["jpg", "png", "webp"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_of_one_name_are_both_kept(take, picture):
    dataset = take([("cat/a.jpg", picture(1)), ("cat/a.jpg", picture(2)), ("dog/a.jpg", picture(3))])

    assert names(dataset) == ["cat/a.jpg", "cat/a.jpg (2)", "dog/a.jpg"]
    assert dataset.path(dataset.examples[1]).read_bytes() == picture(2)


def test_names_that_differ_in_case_overwrite_nothing(take, picture):
    files = {"Cat/a.jpg": picture(1), "Cat/A.JPG": picture(2), "cat/a.jpg": picture(3)}

    dataset = take(files)

    assert {each.name: dataset.path(each).read_bytes() for each in dataset.examples} == files
    assert dataset.classes == ("Cat", "cat")


def test_a_class_whose_images_are_all_broken_stays_as_an_empty_class(take, pictures):
    dataset = take(pictures() | {"owl/1.jpg": b"broken"})

    assert dataset.classes == ("cat", "dog", "owl")
    assert {each.label for each in dataset.examples} == {0, 1}


def test_one_image_per_class_is_all_to_learn_from(take, pictures):
    dataset = take(pictures(per_class=1))

    assert {each.part for each in dataset.examples} == {"train"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "'photos.zip' holds no images in class folders; put the images of each class into a folder of their own."),
        ({"a.jpg": b"x"}, "The first file that was left out: 'a.jpg' is in no class folder"),
        ({"cat/readme.txt": b"x"}, "'photos.zip' holds no images in class folders"),
        ({"cat/a.jpg": b"x"}, "No image of 'photos.zip' can be used. The first: 'cat/a.jpg' is not an image"),
    ],
)
def test_a_zip_without_usable_images_is_refused_with_the_reason(take, files, message):
    with pytest.raises(BadDataset) as caught:
        take(files)

    assert message in str(caught.value)


def test_more_classes_than_the_limit_are_refused_with_their_number(take):
    files = {f"class {place}/1.jpg": b"x" for place in range(10_000)}

    with pytest.raises(BadDataset, match=r"'photos.zip' has 10000 classes; the limit is 1000"):
        take(files)


def test_many_classes_are_taken_where_the_limit_allows(take, pictures):
    assert len(take(pictures(["a", "b", "c"]), options=IntakeOptions(max_classes=3)).classes) == 3


def test_a_refusal_leaves_nothing(zipped, tmp_path):
    path = zipped({"cat/a.jpg": b"broken"})

    with pytest.raises(BadDataset):
        take_zip(path, tmp_path / "sets" / "one", name="photos.zip")

    assert below(tmp_path / "sets") == []


def test_an_interruption_leaves_nothing(zipped, pictures, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_zip(zipped(pictures()), tmp_path / "sets" / "one", name="photos.zip", progress=interrupt)

    assert below(tmp_path / "sets") == []


def test_the_progress_counts_each_image(take, pictures):
    told = []

    take(pictures() | {"cat/bad.jpg": b"x"}, progress=lambda done, total: told.append((done, total)))

    assert told == [(done, 13) for done in range(1, 14)]


def test_a_folder_with_something_in_it_is_not_replaced(zipped, pictures, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")

    with pytest.raises(BadDataset, match="There is already data in"):
        take_zip(zipped(pictures()), tmp_path / "set", name="photos.zip")

    assert below(tmp_path / "set") == ["mine.txt"]
    assert not list(tmp_path.glob(".taking-*"))


def test_a_full_disk_is_named_before_anything_is_written(zipped, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(staging.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=10))

    with pytest.raises(StorageFull, match="The images need 0 MB"):
        take_zip(zipped(pictures()), tmp_path / "sets" / "one", name="photos.zip")


def test_a_disk_that_fills_up_meanwhile_is_named_and_leaves_nothing(zipped, picture, tmp_path):
    path = zipped({"cat/1.jpg": picture(1), "cat/2.jpg": picture(2, size=(400, 300)) + bytes(100_000)})
    script = (
        "import resource, sys; from pathlib import Path; from vit_core.datasets.upload import take_zip\n"
        "from vit_core.errors import StorageFull\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: take_zip(Path(sys.argv[1]), Path(sys.argv[2]), name='x')\n"
        "except StorageFull as error: print(error)"
    )

    said = subprocess.run(
        [sys.executable, "-c", script, path, tmp_path / "sets" / "one"], check=True, capture_output=True, text=True
    )

    assert said.stdout.startswith("There is no room on the disk of ")
    assert below(tmp_path / "sets") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(zipped, pictures, tmp_path):
    (tmp_path / "sets").mkdir(mode=0o500)

    with pytest.raises(StoreError, match="cannot be written"):
        take_zip(zipped(pictures()), tmp_path / "sets" / "one", name="photos.zip")


def test_a_file_in_place_of_the_parent_folder_is_named(zipped, pictures, tmp_path):
    (tmp_path / "sets").write_text("a file")

    with pytest.raises(StoreError, match="cannot be written"):
        take_zip(zipped(pictures()), tmp_path / "sets" / "one", name="photos.zip")


def test_what_a_killed_process_left_is_swept_by_the_next(zipped, pictures, tmp_path):
    sets = tmp_path / "sets"
    script = (
        "import sys, signal, os; from pathlib import Path; from vit_core.datasets.upload import take_zip\n"
        "def kill(done, total): os.kill(os.getpid(), signal.SIGKILL)\n"
        "take_zip(Path(sys.argv[1]), Path(sys.argv[2]), name='x', progress=kill)"
    )
    killed = subprocess.run([sys.executable, "-c", script, zipped(pictures()), sets / "one"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(sets.glob(".taking-*"))
    assert not (sets / "one").exists()

    take_zip(zipped(pictures()), sets / "two", name="x")

    assert [path.name for path in sets.iterdir()] == ["two"]


def test_two_at_a_time_do_not_sweep_one_another(zipped, pictures, tmp_path):
    other = threading.Thread(target=take_zip, args=(zipped(pictures()), tmp_path / "b"), kwargs={"name": "b"})

    def start_other(done, total):
        if done == 1:
            other.start()
            while other.is_alive():
                time.sleep(0.01)

    dataset = take_zip(zipped(pictures()), tmp_path / "a", name="a", progress=start_other)

    assert len(dataset.examples) == 12
    assert (tmp_path / "b" / "dataset.json").is_file()


def test_a_place_in_the_picture_is_not_in_the_data_set(take, pictures):
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010F] = "Secret Camera"
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "JPEG", exif=exif)
    assert b"Secret" in buffer.getvalue()

    dataset = take(pictures() | {"cat/gps.jpg": buffer.getvalue()})

    assert "Secret" not in (dataset.root / "dataset.json").read_text()


def test_a_turned_photo_has_its_upright_size(take, pictures):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "JPEG", exif=exif)

    dataset = take(pictures() | {"cat/turned.jpg": buffer.getvalue()})

    turned = next(each for each in dataset.examples if each.name == "cat/turned.jpg")
    assert (turned.width, turned.height) == (30, 40)


def test_loose_files_become_a_data_set(pictures, tmp_path):
    files = [(name, io.BytesIO(data)) for name, data in pictures().items()]

    dataset = take_files(files, tmp_path / "set", name="photos")

    assert {each.name: dataset.path(each).read_bytes() for each in dataset.examples} == pictures()
    assert load_dataset(tmp_path / "set" / "dataset.json") == dataset


def test_loose_files_that_are_refused_are_named(pictures, tmp_path):
    extra = {"../x.jpg": b"x", "cover.jpg": b"x", "cat/big.jpg": bytes(5000), "cat/notes.txt": b"x", ".DS_Store": b"x"}
    options = IntakeOptions(image=ImageLimits(size_bytes=4000))

    dataset = take_files((pictures() | extra).items(), tmp_path / "set", name="photos", options=options)

    assert set(reasons(dataset)) == {"../x.jpg", "cover.jpg", "cat/big.jpg"}
    assert dataset.notes == ("1 file that is no image, 'cat/notes.txt', was ignored.",)
    assert len(list((tmp_path / "set" / "files").iterdir())) == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (IntakeOptions(entries=5), "'photos' has more than 5 files, which is the limit"),
        (IntakeOptions(size_bytes=5000), "'photos' has more than 0 MB, which is the limit"),
    ],
)
def test_too_many_or_too_large_loose_files_are_refused(pictures, tmp_path, options, message):
    with pytest.raises(BadDataset, match=message):
        take_files(pictures().items(), tmp_path / "set", name="photos", options=options)

    assert not (tmp_path / "set").exists()


def test_thousands_of_images_need_little_memory(zipped, picture, tmp_path):
    data = picture(size=(16, 16))
    path = zipped({f"c{place % 10}/{place}.jpg": data for place in range(3_000)})
    script = (
        "import sys, resource; from pathlib import Path; from vit_core.datasets.upload import take_zip\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "take_zip(Path(sys.argv[1]), Path(sys.argv[2]), name='x')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    grown = subprocess.run(
        [sys.executable, "-c", script, path, tmp_path / "set"], check=True, capture_output=True, text=True
    )

    assert int(grown.stdout) < 60_000  # kB
