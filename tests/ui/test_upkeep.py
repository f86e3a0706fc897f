"""Garbage of ended visits goes, also of those that were under way when the server took stock."""

import gc
import weakref

import pytest

from app.upkeep import tidy


class Visit:
    """Refers to itself, as a page's state does: counting references does not end it."""

    def __init__(self) -> None:
        self.state = {"visit": self}


@pytest.fixture
def counted_again():
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("counted_again")
def test_a_visit_that_was_under_way_is_forgotten_when_all_is_looked_through():
    visit = Visit()
    ended = weakref.ref(visit)
    tidy(whole=True)
    assert ended() is visit

    del visit
    tidy(whole=True)

    assert ended() is None


@pytest.mark.usefixtures("counted_again")
def test_a_later_visit_is_forgotten_each_time():
    tidy(whole=True)
    ended = weakref.ref(Visit())

    tidy(whole=False)

    assert ended() is None
