"""Public sets by their name in TensorFlow Datasets: one is built here in the package's own format."""

import time

import numpy as np
import pytest

from app import resources
from app.components.training_sources import intake_words
from app.training_intake import IntakeState, intake_of_named_set
from vit_core.datasets.limits import IntakeOptions
from vit_core.errors import BadDataset, Cancelled

tfds = pytest.importorskip("tensorflow_datasets")


class TinyFlags(tfds.core.GeneratorBasedBuilder):
    """Sixteen pictures of two classes, and six to test on."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(16, 16, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["plain", "striped"]),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(16), "test": self._generate_examples(6)}

    def _generate_examples(self, count):
        from PIL import Image  # arrays would need TensorFlow

        rng = np.random.default_rng(count)
        for place in range(count):
            picture = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
            yield place, {"image": picture, "label": place % 2}


@pytest.fixture
def prepared(tmp_path):
    """A folder in which tiny_flags is prepared."""
    tfds.disable_progress_bar()
    TinyFlags(data_dir=str(tmp_path / "tfds"), file_format="array_record").download_and_prepare()
    return tmp_path / "tfds"


def until_ended(intake):
    ends_at = time.monotonic() + 120
    while not intake.state().ended:
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    return intake


def ask_for(page, name):
    next(each for each in page.text_input if "TensorFlow Datasets" in each.label).set_value(name).run()
    return next(each for each in page.button if each.label == "Use this set").click().run()


def test_a_prepared_set_comes_in_like_other_pictures(prepared, open_page, texts):
    data = resources.training_data()
    intake = until_ended(intake_of_named_set(data, "tiny_flags", data_dir=prepared))
    page = open_page("finetune", data=intake.outcome())
    assert "22 pictures of 2 classes" in texts(page)
    assert data.load(intake.data_id).dataset.root == data.folder(intake.data_id)


def test_it_is_listed_deleted_and_repeated_like_other_pictures(prepared, open_page, texts):
    data = resources.training_data()
    data_id = until_ended(intake_of_named_set(data, "tiny_flags", data_dir=prepared)).outcome()
    page = open_page("finetune")
    page.session_state["earlier pictures"] = True
    said = texts(page.run())

    assert data.adopt(data.load(data_id).dataset) == data_id
    assert len(data.all_ids()) == 1
    assert "used by no run, kept for 7 more days" in said
    assert "The pictures lie on this machine only" in said
    assert "server's folder" not in said


def test_the_page_says_that_the_set_is_fetched():
    assert intake_words(IntakeState("tfds:cifar10", "set", 0, 0, False)).startswith("Fetching the set tfds:cifar10")


def test_it_can_be_cancelled_before_it_is_written(prepared):
    data = resources.training_data()
    intake = intake_of_named_set(data, "tiny_flags", data_dir=prepared)
    intake.cancel()

    with pytest.raises(Cancelled):
        until_ended(intake).outcome()

    assert list(data.parent.iterdir()) == []


def test_a_set_over_the_limit_is_refused_and_leaves_nothing(prepared):
    data = resources.training_data()
    options = IntakeOptions(size_bytes=1000)

    with pytest.raises(BadDataset, match="which is the limit here"):
        until_ended(intake_of_named_set(data, "tiny_flags", options=options, data_dir=prepared)).outcome()

    assert list(data.parent.iterdir()) == []


def test_what_is_no_name_is_said_at_once(open_page):
    page = ask_for(open_page("finetune"), "no such/name/at:all:x:y")
    assert "names no data set" in page.error[0].value
    assert not resources.intakes().under_way()


def test_an_unknown_set_is_named(open_page):
    page = ask_for(open_page("finetune"), "no_such_set_at_all")
    ends_at = time.monotonic() + 120
    while resources.intakes().under_way():
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    assert "no_such_set_at_all" in page.run().error[0].value.replace("\\", "")


def test_the_name_may_begin_as_on_the_command_line(prepared):
    intake = until_ended(intake_of_named_set(resources.training_data(), "tfds:tiny_flags:train", data_dir=prepared))
    assert intake.outcome() == intake.data_id
