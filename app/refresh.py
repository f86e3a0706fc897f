"""The catalogue that is there at once and is replaced when the bucket has answered.

The first screen never waits for the network: it starts from what is on this disk, while a thread asks the bucket.
"""

import logging
import threading

from vit_core.catalog.index import Catalogue, load_catalogue, refresh_catalogue
from vit_core.errors import VitError
from vit_core.settings import Settings

_log = logging.getLogger(__name__)


class LiveCatalogue:
    """One catalogue, shared by all visitors of this process. `current` is replaced as a whole, never changed.

    Attributes:
        current: the table to show now.
        asked: whether the bucket was asked at all.
        problem: why the last question to the bucket failed, or None.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.current: Catalogue = load_catalogue(settings, network=False)
        self.asked = False
        self.problem: VitError | None = None

    @property
    def asking(self) -> bool:
        """Whether a question to the bucket is under way."""
        return self._thread is not None and self._thread.is_alive()

    def ask(self) -> None:
        """Ask the bucket in the background whether it has a newer table; does nothing while a question is under way."""
        with self._lock:
            if self.asking:
                return
            self._thread = threading.Thread(target=self._refresh, name="catalogue refresh", daemon=True)
            self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait until the question under way, if any, is answered or failed."""
        if self._thread:
            self._thread.join(timeout_s)

    def _refresh(self) -> None:
        try:
            newer = refresh_catalogue(self._settings)
        except VitError as error:
            _log.info("The bucket gave no catalogue: %s", error)
            self.problem = error
        else:
            self.problem = None
            self.current = newer or self.current
        finally:
            self.asked = True
