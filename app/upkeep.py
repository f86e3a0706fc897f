"""What the server does by itself: at the start it makes ready what the first visitor would wait for, then it tidies.

Streamlit collects garbage after every run of a page, all that the process holds, while no other visitor's page can run:
0.11 s here, more with every open session. That is turned off (`runner.postScriptGC`); instead what is there is taken
out of the count, and the rest is collected every ten seconds. Visits that ended are among what was there: every other
time all of it is looked through, since their pictures go with them.
"""

import contextlib
import gc
import importlib
import itertools
import logging
import threading
from collections.abc import AsyncGenerator

from streamlit.starlette import App

from app import derived, resources
from vit_core.allocator import give_back_freed_memory
from vit_core.catalog.query import Filters
from vit_core.errors import VitError

EVERY_S = 10.0
# What the first page draws with; importing it takes a good part of a second.
_MODULES = ("checkpoint_card", "checkpoint_table", "filters", "frontier", "frame", "paper_findings", "run_explore")

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def upkeep(_app: App) -> AsyncGenerator[None]:
    """Make ready and keep tidy beside the pages, for as long as the server runs."""
    over = threading.Event()
    threading.Thread(target=_keep_up, args=(over,), name="upkeep", daemon=True).start()
    yield
    over.set()


def _keep_up(over: threading.Event) -> None:
    try:
        make_ready()
    except VitError as error:  # the first visitor is told the same
        logger.warning("The first page could not be made ready: %s", error)
    for number in itertools.count():
        tidy(whole=number % 2 == 0)
        if over.wait(EVERY_S):
            return


def make_ready() -> None:
    """Import what the first page draws with, and compute what it shows to everybody.

    Raises:
        VitError: the bundled table cannot be read.
    """
    for name in _MODULES:
        importlib.import_module(f"app.components.{name}")
    frame = resources.catalogue("augreg").frame
    derived.recommended(frame)
    derived.files_of(frame, frame)
    derived.facets(frame, Filters(), None)


def tidy(*, whole: bool) -> None:
    """Collect garbage, and give memory that nothing uses any more back to the system where the C library can.

    Args:
        whole: look through all there is, and take what stays out of the count until the next time.
    """
    if whole:
        gc.unfreeze()
    gc.collect()
    if whole:
        gc.freeze()
    give_back_freed_memory()
