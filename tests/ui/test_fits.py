"""Explore's filter by the memory of this machine, and the costs on the card."""

import psutil
import pytest

from app import resources

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"


@pytest.fixture
def free(monkeypatch):
    """Give a function that leaves this machine so many GB of memory."""

    def leave(gigabytes):
        real = psutil.virtual_memory()
        monkeypatch.setattr(psutil, "virtual_memory", lambda: real._replace(available=int(gigabytes * 1e9)))
        resources.room.clear()

    yield leave
    resources.room.clear()


@pytest.fixture
def explore(open_page):
    """Give a function that opens Explore by a link."""
    return lambda **query: open_page("explore", **query)


def choice(page):
    return next(group for group in page.button_group if group.proto.label.startswith("Only what this machine"))


def models(page):
    return set(page.dataframe[0].value["Model"])


def test_it_is_off_at_first_and_says_its_rule(free, explore, texts):
    free(2.0)
    page = explore()

    assert not choice(page).value
    assert "L/16" in models(page)
    assert "2.0 GB" in texts(page)
    assert "Computed from the architecture" in texts(page)


def test_models_without_room_go_and_the_filter_can_be_taken_off(free, explore):
    free(2.0)
    page = explore()
    choice(page).set_value("fine-tune").run()
    left = models(page)
    next(button for button in page.button if button.label.startswith("Fits here")).click().run()

    assert not {"L/16", "R50+L/32"} & left
    assert {"Ti/16", "S/16"} <= left
    assert "L/16" in models(page)


def test_a_link_brings_it_along_for_the_machine_that_opens_it(free, explore):
    free(1.0)
    page = explore(fits="classify")

    assert choice(page).value == "classify"
    assert "L/16" not in models(page)
    assert "B/32" in models(page)


def test_a_link_with_another_purpose_is_said_and_not_obeyed(free, explore, texts):
    free(2.0)
    page = explore(fits="dream")

    assert "must be one of classify, fine" in texts(page).replace("\\", "")
    assert "L/16" in models(page)


def test_the_card_tells_computation_and_memory(explore):
    page = explore(file=B16)
    html = "\n".join(element.proto.body for element in page.get("html"))

    assert "17.6 GMACs per image at 224 px" in html
    assert "Memory to classify" in html
    assert "Memory to fine-tune" in html
