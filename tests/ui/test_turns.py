"""Pages compute in turn, whatever becomes of one of them."""

import threading

import pytest

from app import turns
from app.turns import in_turn


def elsewhere(work):
    """Run in a thread, and wait for it."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)


def test_two_pages_never_compute_at_once():
    inside, most = [], []

    def compute():
        for _ in range(50):
            with in_turn():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=compute) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert most == [1] * 400


def test_a_part_of_a_page_computes_within_its_turn():
    with in_turn(), in_turn():
        entered = "yes"

    assert entered == "yes"


def test_a_page_that_fails_ends_its_turn():
    with pytest.raises(ZeroDivisionError), in_turn():
        _ = 1 / 0

    entered = []

    def compute():
        with in_turn():
            entered.append("yes")

    elsewhere(compute)
    assert entered == ["yes"]


def test_a_page_that_is_stuck_holds_up_others_for_a_while_only(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", 0.05)
    entered = []

    def compute():
        with in_turn():
            entered.append("yes")

    with in_turn():
        elsewhere(compute)

    assert entered == ["yes"]
