"""What killed processes left in the folder of runs is cleared away while the app runs."""

import threading
import time

from app import resources
from app.run_keeper import RunKeeper
from vit_core.runs.library import Runs


def wait_until(condition):
    ends_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_half_a_run_is_gone_soon_after_the_start():
    settings = resources.settings()
    half = settings.runs_dir / ".new-0123"
    half.mkdir(parents=True)
    keeper = RunKeeper(Runs(settings))

    keeper.start()

    wait_until(lambda: not half.exists())
    keeper.close()


def test_it_ends_at_once_when_told():
    keeper = RunKeeper(Runs(resources.settings()))
    keeper.start()

    keeper.close()

    assert "run keeper" not in {thread.name for thread in threading.enumerate()}


def test_opening_a_page_starts_it(open_page):
    open_page("about")

    assert "run keeper" in {thread.name for thread in threading.enumerate()}
