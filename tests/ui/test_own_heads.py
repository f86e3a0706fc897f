"""A file of one's own that does not tell its attention heads: the page asks for the number and goes on."""

import dataclasses

import numpy as np
import pytest
import safetensors.numpy
from answering_page import answered

from app import resources
from app.own_checkpoints import bare_name, told_heads
from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.timm import TIMM
from vit_core.checkpoints.recognise import recognise
from vit_core.errors import BadCheckpoint
from vit_core.models.build import flatten
from vit_core.models.config import ModelConfig
from vit_core.models.initialise import init_params

MODEL = ModelConfig(patch_size=4, hidden_size=16, num_layers=1, mlp_dim=32, num_heads=2, num_classes=3, resolution=16)
QUESTION = "How many attention heads does it have?"


@pytest.fixture
def untold(tmp_path):
    """The bytes of a file in timm's names, of a model that nobody published."""
    flat = flatten(init_params(MODEL, seed=0))
    flat["head/kernel"] = np.eye(16, 3, dtype=np.float32)  # fresh heads are zeros, and name no classes
    arrays = {name: np.ascontiguousarray(array) for name, array in to_file(TIMM, flat).items()}
    safetensors.numpy.save_file(arrays, tmp_path / "x.safetensors")
    return (tmp_path / "x.safetensors").read_bytes()


@pytest.fixture
def saved(untold, tmp_path):
    """The name of such a file among those that visitors brought."""
    (tmp_path / "y").write_bytes(untold)
    with (tmp_path / "y").open("rb") as file:
        return resources.own_checkpoints().save(file, given_name="y", size_bytes=len(untold))


def question(page):
    return next((field for field in page.number_input if field.label == QUESTION), None)


def test_file_answers_once_its_heads_are_told(open_page, texts, jpeg, untold):
    page = open_page("classify")
    uploader = next(uploader for uploader in page.file_uploader if ".safetensors" in uploader.label)
    page = uploader.set_value(("mine.safetensors", untold, "application/octet-stream")).run()
    page = question(page).set_value(2).run()
    photos = next(uploader for uploader in page.file_uploader if uploader.label.startswith("Drop"))

    page = answered(photos.set_value([("a.jpg", jpeg(1), "image/jpeg")]).run())

    assert question(page) is None
    assert "2 attention heads, as you said." in texts(page)
    assert not page.error
    assert "class 0" in "\n".join(element.proto.body for element in page.get("html"))


def test_number_that_cannot_be_is_refused_and_asked_for_again(open_page, saved):
    page = open_page("classify", checkpoint=saved)

    page = question(page).set_value(3).run()

    assert question(page) is not None
    assert "cannot be divided by 3" in page.error[0].value


@pytest.mark.parametrize("name", ["evaluate", "finetune"])
def test_every_page_with_a_checkpoint_in_hand_asks(open_page, saved, name):
    page = open_page(name, checkpoint=saved)

    page = question(page).set_value(2).run()

    assert question(page) is None
    assert next(button for button in page.button if button.label == "Say another number")


def test_comparison_asks_for_each_and_keeps_its_place(open_page, saved):
    page = open_page("compare", compare=f"{saved},{resources.demo_catalogue().frame.iloc[0]['filename']}")

    page = question(page).set_value(2).run()

    assert "".join(page.query_params["compare"]).startswith(f"{saved}-h2,")


def test_what_was_told_is_known_to_whoever_reads_the_file(saved):
    own = resources.own_checkpoints()

    told = own.with_heads(saved, 2)

    assert (told_heads(told), bare_name(told)) == (2, saved)
    read = recognise(own.path(told)).config
    assert dataclasses.replace(read, activation="gelu_tanh") == MODEL
    with pytest.raises(BadCheckpoint, match="attention heads"):
        recognise(own.path(saved))


def test_clearing_takes_what_was_told_along(saved):
    own = resources.own_checkpoints()
    folder = own.path(saved).parent
    own.with_heads(saved, 2)
    size = own.path(saved).stat().st_size

    assert own.clear() == size
    assert not list(folder.iterdir())
