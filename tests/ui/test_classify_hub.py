"""Checkpoints by their address on the pages: taken in hand, downloaded, refused in words."""

import time

import pytest
from weight_files import timm_repository

from app import resources
from app.components.checkpoint_in_hand import best_demo, choose, here_already
from app.components.line_up import full_name, line_up, refusals
from app.components.training_start import Start, sisters_of

REPO = "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"
NAME = f"hf:{REPO}"


@pytest.fixture
def filled(hub):
    hub.put(REPO, timm_repository())
    return hub


@pytest.fixture
def demo():
    return resources.demo_catalogue().frame


def until(page, done):
    ends_at = time.monotonic() + 120
    while not done(page):
        assert time.monotonic() < ends_at
        time.sleep(0.1)
        page.run()
    return page


def box_of(page):
    return next(box for box in page.text_input if box.label.startswith("Or type a name"))


def test_an_address_that_was_typed_is_downloaded_and_answers(open_page, texts, jpeg, filled):
    page = open_page("classify")
    page = box_of(page).set_value(f"https://huggingface.co/{REPO}/tree/main").run()
    assert "is not on this machine yet" in texts(page)
    assert page.query_params["checkpoint"] == NAME

    page = next(button for button in page.button if button.label.startswith("Download")).click().run()
    page = until(page, lambda page: "is not on this machine" not in texts(page) and not page.get("progress"))
    photos = next(uploader for uploader in page.file_uploader if uploader.label.startswith("Drop"))
    page = photos.set_value([("a.jpg", jpeg(1), "image/jpeg")]).run()
    page = until(page, lambda page: not page.get("progress") and not page.get("skeleton"))

    assert not page.error
    answer = "\n".join(element.proto.body for element in page.get("html"))
    assert "disc" in answer
    assert "frame" in answer


def test_a_refused_address_says_why_and_changes_nothing(open_page, texts):
    page = open_page("classify")
    page = box_of(page).set_value("https://169.254.169.254/a.npz").run()

    assert "the inner address" in page.error[0].value
    assert "checkpoint" not in page.query_params


def test_an_address_in_a_link_that_is_refused_gives_the_demo(demo):
    hand, refusal = choose("gs://somebodys/a.npz", [demo], demo)

    assert hand == best_demo(demo)
    assert "only objects of the buckets" in refusal


def test_a_repository_that_is_not_there_is_said_on_the_page(open_page, texts, hub):
    page = open_page("classify", checkpoint=NAME)
    page = next(button for button in page.button if button.label.startswith("Download")).click().run()
    page = until(page, lambda page: bool(page.error))

    assert "There is nothing to take at this address" in page.error[0].value
    assert "or it is private" in page.error[0].value


def test_fine_tune_takes_an_address_too(open_page, texts, filled):
    page = open_page("finetune", checkpoint=NAME)

    assert "copy on the hub" in texts(page)
    assert "is not on this machine yet" in texts(page)


def test_a_copy_has_the_fine_tunes_of_its_original(demo):
    tables = [resources.live_catalogue().current.frame]
    hand, _ = choose("hf:timm/vit_tiny_patch16_224.augreg_in21k", tables, demo)

    sisters = sisters_of(Start(hand, hand.name, None, None), tables)

    assert hand.knows == "21,843 classes of ImageNet-21k"
    assert len(sisters) == 68


def test_a_downloaded_repository_is_on_this_machine_already(filled, demo):
    resources.store().fetch(NAME)

    assert NAME in {hand.name for hand in here_already([demo], demo)}


def test_compare_takes_addresses(demo):
    name = full_name(f"https://huggingface.co/{REPO}", [demo])

    (contestant,) = line_up([name], [demo])
    assert contestant.hand.name == NAME
    assert refusals([name, "gs://somebodys/a.npz"])[0].startswith("'gs://somebodys/a.npz' is refused")
