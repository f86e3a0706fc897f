"""Signs of life: often, never two at once, and a listener's trouble is not swallowed."""

import threading
import time

import pytest

from vit_core.errors import StorageFull
from vit_core.training.listener import Herald, Silence


class Noting(Silence):
    """Keeps what it is told, and notices when it is called from two threads at once."""

    def __init__(self):
        self.told = []
        self.overlaps = 0
        self._busy = threading.Lock()

    def progress(self, progress):
        self._note(progress)

    def say(self, text):
        self._note(text)

    def _note(self, what):
        if not self._busy.acquire(blocking=False):
            self.overlaps += 1
            return
        time.sleep(0.001)
        self.told.append(what)
        self._busy.release()


def wait_until(condition, timeout_s=30.0):
    ends_at = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def test_a_long_piece_of_work_gives_signs_of_life_that_say_what_it_is_and_for_how_long():
    listener = Noting()
    with Herald(listener, total_steps=10) as herald, herald.doing("compiling"):
        wait_until(lambda: len(listener.told) >= 4)
    assert [told.activity for told in listener.told][:4] == ["loading", "compiling", "compiling", "compiling"]
    assert listener.told[3].activity_seconds > listener.told[2].activity_seconds > 0
    assert listener.told[3].total_steps == 10


def test_headway_begins_the_seconds_anew():
    listener = Noting()
    with Herald(listener, total_steps=10) as herald, herald.doing("training"):
        wait_until(lambda: listener.told[-1].activity_seconds > 0.9)
        herald.alive()
        herald.update(activity="training", step=1)
        assert listener.told[-1].activity_seconds < 0.9


def test_after_a_piece_of_work_it_is_again_what_it_was_before():
    with Herald(Noting(), total_steps=10) as herald:
        herald.update(activity="training")
        with herald.doing("testing"):
            herald.count(1, 2)
            assert (herald.progress.activity, herald.progress.total) == ("testing", 2)
        assert (herald.progress.activity, herald.progress.total) == ("training", 0)


def test_the_listener_is_never_called_from_two_threads_at_once():
    listener = Noting()
    with Herald(listener, total_steps=10) as herald:
        ends_at = time.monotonic() + 2.5
        while time.monotonic() < ends_at:
            herald.say("again")
    assert listener.overlaps == 0
    assert any(told != "again" for told in listener.told[1:])


def test_what_a_listener_raises_in_the_background_comes_with_the_next_call():
    class Full(Silence):
        calls = 0

        def progress(self, progress):
            self.calls += 1
            if self.calls > 1:
                raise StorageFull("There is no room.")

    listener = Full()
    with Herald(listener, total_steps=10) as herald:
        wait_until(lambda: listener.calls > 1)
        with pytest.raises(StorageFull):
            wait_until(lambda: herald.say("hello"))
