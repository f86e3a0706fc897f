"""Pages compute in turn, whatever becomes of one of them."""

import threading
import time

import pytest

from app import turns
from app.turns import in_turn


def ends(work):
    """Run in a thread, and tell whether it ended."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    return not thread.is_alive()


@pytest.fixture
def endless_patience(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", 600.0)


@pytest.mark.usefixtures("endless_patience")
def test_two_pages_never_compute_at_once():
    inside, most = [], []

    def compute():
        for _ in range(20):
            with in_turn():
                inside.append(1)
                time.sleep(0.001)  # lets another thread go on
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=compute, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert most == [1] * 160


@pytest.mark.usefixtures("endless_patience")
def test_a_part_of_a_page_computes_within_its_turn():
    def compute():
        with in_turn(), in_turn():
            pass
        with in_turn():
            pass

    assert ends(compute)


@pytest.mark.usefixtures("endless_patience")
def test_a_page_that_fails_ends_its_turn():
    with pytest.raises(ZeroDivisionError), in_turn():
        _ = 1 / 0

    def compute():
        with in_turn():
            pass

    assert ends(compute)


def test_a_page_that_is_stuck_holds_up_others_for_a_while_only(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", 0.05)

    def compute():
        with in_turn(), in_turn():
            pass

    with in_turn():
        assert ends(compute)


@pytest.mark.usefixtures("endless_patience")
def test_a_page_waits_for_the_one_before():
    entered = threading.Event()
    with in_turn():
        threading.Thread(target=_enter, args=(entered,), daemon=True).start()
        assert not entered.wait(0.3)

    assert entered.wait(20)


def _enter(entered):
    with in_turn():
        entered.set()
