"""Work in a thread: its value, its error, and a limit on the wait for it."""

import threading

import pytest

from vit_core.errors import StoreError, Unreachable
from vit_core.store.background import Background, run_within

LATE = Unreachable("too late")


def test_the_value_of_the_work_comes_back():
    assert run_within(lambda: 7, seconds=30, late=LATE, name="work") == 7


def test_none_is_a_value():
    assert run_within(lambda: None, seconds=30, late=LATE, name="work") is None


def test_an_error_of_ours_comes_back():
    def work():
        raise StoreError("no luck")

    with pytest.raises(StoreError, match="no luck"):
        run_within(work, seconds=30, late=LATE, name="work")


def test_the_wait_ends_at_the_limit_though_the_work_goes_on():
    go_on = threading.Event()

    with pytest.raises(Unreachable, match="too late"):
        run_within(go_on.wait, seconds=0.05, late=LATE, name="work")
    go_on.set()


def test_an_error_that_is_not_ours_goes_to_the_log_and_ends_the_wait(monkeypatch):
    logged = []
    monkeypatch.setattr(threading, "excepthook", lambda about: logged.append(about.exc_type))
    thread = Background(lambda: 1 / 0, name="reading x")
    thread.join()

    with pytest.raises(StoreError, match="reading x stopped for an unexpected reason; see the log"):
        thread.outcome()
    assert logged == [ZeroDivisionError]


def test_the_thread_does_not_keep_the_program_alive():
    go_on = threading.Event()
    thread = Background(go_on.wait, name="work")
    assert thread.daemon
    go_on.set()
    thread.join()
