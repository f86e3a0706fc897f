"""Data sets that visitors brought: kept by an id, changed, brought back, deleted."""

import dataclasses
import io
import threading
import time
import zipfile

import pytest

from app.training_data import Choice, TrainingData
from app.training_intake import LoosePictures, intake_of_server_folder, intake_of_zip, server_folders
from vit_core.datasets.saving import load_dataset
from vit_core.errors import BadDataset, Cancelled


@pytest.fixture
def data(tmp_path):
    return TrainingData(tmp_path / "runs" / ".data")


@pytest.fixture
def zipped(draw_classes, tmp_path):
    """A zip of three classes with twelve drawn pictures each, as a file object."""
    folder = draw_classes(tmp_path / "drawn")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.glob("*/*.jpg")):
            archive.write(path, path.relative_to(folder))
    return buffer


@pytest.fixture
def prepared(data, zipped):
    return data.load(brought(take(data, zipped)))


def take(data, source):
    source.seek(0)
    return intake_of_zip(data, source, name="shapes.zip", size_bytes=len(source.getvalue()))


def brought(intake):
    ends_at = time.monotonic() + 60
    while not intake.state().ended:
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    return intake.outcome()


def left_behind(data):
    return [path.name for path in data.parent.iterdir()]


def test_a_zip_comes_in_whole_and_leaves_no_other_file_behind(data, zipped):
    data_id = brought(take(data, zipped))

    assert len(data.load(data_id).dataset.examples) == 36
    assert left_behind(data) == [data_id]


def test_what_is_no_zip_is_refused_and_leaves_nothing_behind(data):
    with pytest.raises(BadDataset, match="not a zip"):
        brought(take(data, io.BytesIO(b"Rar!\x1a\x07\x00 and so on")))

    assert left_behind(data) == []


def test_a_cancelled_intake_leaves_nothing_behind(data, zipped):
    intake = take(data, zipped)

    intake.cancel()

    with pytest.raises(Cancelled):
        brought(intake)
    assert left_behind(data) == []


def test_another_visit_opens_the_data_set_by_its_id(data, prepared):
    again = TrainingData(data.parent).load(prepared.data_id)

    assert again == prepared


@pytest.mark.parametrize("data_id", ["0" * 20, "../../etc", "", "x" * 20])
def test_an_id_of_nothing_is_refused_with_what_to_do(data, data_id):
    with pytest.raises(BadDataset, match="bring"):
        data.load(data_id)


def test_dropped_pictures_are_not_learned_from_and_can_be_brought_back(data, prepared):
    name = prepared.dataset.examples[0].name

    data.choose(prepared.data_id, Choice(dropped=frozenset({name})))
    without = data.load(prepared.data_id)
    data.choose(prepared.data_id, Choice())

    assert name not in {example.name for example in without.dataset.examples}
    assert data.load(prepared.data_id).dataset == prepared.dataset


def test_another_seed_draws_other_test_pictures(data, prepared):
    data.choose(prepared.data_id, Choice(seed=7, test_share=0.5))

    drawn = data.load(prepared.data_id).dataset

    assert (drawn.seed, drawn.test_share) == (7, 0.5)
    assert drawn.of("test") != prepared.dataset.of("test")


def test_a_change_survives_the_visit(data, prepared):
    choice = Choice(dropped=frozenset({prepared.dataset.examples[3].name}), seed=3, test_share=0.3, accepted=True)

    data.choose(prepared.data_id, choice)

    assert TrainingData(data.parent).load(prepared.data_id).choice == choice


def test_the_chosen_pictures_are_on_disk_for_other_processes(data, prepared):
    assert load_dataset(data.chosen_path(prepared.data_id)) == prepared.dataset


def test_a_choice_that_cannot_be_read_is_said(data, prepared):
    (data.folder(prepared.data_id) / "choice.json").write_text("{")

    with pytest.raises(BadDataset, match="cannot be read"):
        data.load(prepared.data_id)


def test_a_thumbnail_is_a_small_jpeg(data, prepared):
    small = data.thumbnail(prepared, prepared.dataset.examples[0])

    assert small.startswith(b"\xff\xd8")
    assert len(small) < 10_000


def test_a_picture_that_is_gone_has_no_thumbnail(data, prepared):
    gone = dataclasses.replace(prepared.dataset.examples[0], file="files/gone.jpg", sha256="0" * 64)

    assert data.thumbnail(prepared, gone) is None


def test_the_data_of_a_run_is_found_again_with_what_was_dropped(data, prepared):
    name = prepared.dataset.examples[0].name
    learned = prepared.dataset.without(frozenset({name}))

    data_id = data.adopt(learned)

    assert data_id == prepared.data_id
    assert data.load(data_id).dataset == learned


def test_a_run_that_is_repeated_leaves_what_was_changed_since_as_it_is(data, prepared):
    changed = Choice(dropped=frozenset({prepared.dataset.examples[0].name}), accepted=True)
    data.choose(prepared.data_id, changed)

    data.adopt(prepared.dataset)

    assert data.load(prepared.data_id).choice == changed
    assert data.choice_of(prepared.data_id, prepared.dataset) == Choice()


def test_the_data_of_a_run_belongs_to_the_set_in_whose_folder_it_lies(data, prepared):
    dataset, below = prepared.dataset, data.folder(prepared.data_id) / "files"
    file = dataset.examples[0].file.removeprefix("files/")
    nested = dataclasses.replace(dataset, root=below, examples=(dataclasses.replace(dataset.examples[0], file=file),))

    assert data.adopt(nested) == prepared.data_id
    assert data.is_own(prepared.data_id, below)


def test_the_data_of_a_run_whose_folder_is_gone_is_refused(data, prepared):
    data.delete(prepared.data_id)

    with pytest.raises(BadDataset, match=r"The pictures of this run were deleted; bring them again\."):
        data.adopt(prepared.dataset)

    assert data.all_ids() == []


def test_the_data_of_a_run_whose_first_picture_is_gone_is_refused(data, prepared):
    prepared.dataset.path(prepared.dataset.examples[0]).unlink()

    with pytest.raises(BadDataset, match="The pictures of this run were deleted"):
        data.adopt(prepared.dataset)


def test_the_data_of_a_run_from_elsewhere_gets_an_id_without_a_copy(data, drawn_dataset):
    data_id = data.adopt(drawn_dataset)

    assert data.load(data_id).dataset == drawn_dataset
    assert not data.is_own(data_id, drawn_dataset.root)


def test_deleting_a_set_that_lies_elsewhere_leaves_the_pictures_alone(data, drawn_dataset):
    data_id = data.adopt(drawn_dataset)

    data.delete(data_id)

    assert not data.folder(data_id).exists()
    assert drawn_dataset.path(drawn_dataset.examples[0]).is_file()


def test_a_folder_of_the_server_is_read_where_it_lies(data, draw_classes, tmp_path):
    root = tmp_path / "open"
    draw_classes(root / "shapes")

    data_id = brought(intake_of_server_folder(data, "shapes", root=root))

    assert data.load(data_id).dataset.root == (root / "shapes").resolve()
    assert server_folders(root) == ["shapes"]


@pytest.mark.parametrize("text", ["../secret", "/etc", "", "   ", "nothing"])
def test_what_is_not_below_the_open_folder_is_as_if_it_were_not_there(data, tmp_path, text):
    (tmp_path / "open").mkdir()
    (tmp_path / "secret").mkdir()

    with pytest.raises(BadDataset, match="There is no"):
        intake_of_server_folder(data, text, root=tmp_path / "open")


def test_single_pictures_gather_class_by_class(data, jpeg):
    loose = LoosePictures(data.parent)
    for seed in range(8):
        loose.add(f"{'rose' if seed < 5 else 'tulip'}/same name.jpg", io.BytesIO(jpeg(seed)))
    assert loose.counts == {"rose": 5, "tulip": 3}

    dataset = data.load(brought(loose.intake(data, name="my pictures"))).dataset

    assert dataset.classes == ("rose", "tulip")
    assert len(dataset.examples) == 8


def test_a_class_of_single_pictures_can_be_removed_again(data, jpeg):
    loose = LoosePictures(data.parent)
    loose.add("rose/1.jpg", io.BytesIO(jpeg(1)))
    loose.add("tulip/1.jpg", io.BytesIO(jpeg(2)))

    loose.remove("rose")

    assert loose.counts == {"tulip": 1}


def test_single_pictures_of_a_visit_that_ended_are_deleted(data, jpeg):
    loose = LoosePictures(data.parent)
    loose.add("rose/1.jpg", io.BytesIO(jpeg(1)))

    del loose

    assert left_behind(data) == []


def test_an_intake_says_how_far_it_is(data, zipped):
    intake = take(data, zipped)
    states = []
    while not intake.state().ended:
        states.append(intake.state())
        threading.Event().wait(0.001)

    assert intake.outcome()
    assert intake.state().ended
    assert all(0 <= state.done <= max(state.total, state.done) for state in states)
