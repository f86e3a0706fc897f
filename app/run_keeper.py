"""Keeps the folder of runs tidy while the app runs: what killed processes left is cleared away, once a minute."""

import logging
import threading

from vit_core.errors import VitError
from vit_core.runs.library import Runs

EVERY_S = 60.0

logger = logging.getLogger(__name__)


class RunKeeper:
    """A thread that looks at once and then every minute; one for a server."""

    def __init__(self, runs: Runs) -> None:
        """Prepare; looks at nothing before `start`."""
        self._runs = runs
        self._over = threading.Event()
        self._said: frozenset[str] = frozenset()
        self._thread = threading.Thread(target=self._watch, name="run keeper", daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while True:
            try:
                found = frozenset(self._runs.reconcile())
                for sentence in sorted(found - self._said):  # each once, not every minute
                    logger.info("%s", sentence)
                self._said = found
            except VitError as error:  # the folder may be there again at the next look
                logger.warning("the folder of runs could not be tidied: %s", error)
            if self._over.wait(EVERY_S):
                return
