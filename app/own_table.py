"""A visitor's own index: uploaded, or named by an address; read in the background, kept for the visit only."""

import dataclasses
import logging
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

from vit_core.catalog.index import Catalogue, load_catalogue, read_index, refresh_catalogue
from vit_core.errors import VitError
from vit_core.settings import Settings
from vit_core.store.location import check_public_url, operator_hosts

_log = logging.getLogger(__name__)


class OwnTable:
    """At most one table of one visitor.

    Attributes:
        current: the table, or None as long as there is none.
        problem: why the last address gave no table, or None.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self.current: Catalogue | None = None
        self.problem: VitError | None = None

    @property
    def loading(self) -> bool:
        """Whether an address is being asked."""
        return self._thread is not None and self._thread.is_alive()

    def read(self, data: bytes, *, name: str) -> None:
        """Take an uploaded table.

        Raises:
            BadIndex: it is no index; the earlier table stays.
        """
        self.current = read_index(data, location=name)
        self.problem = None

    def load(self, url: str, settings: Settings) -> None:
        """Ask an address in the background.

        Raises:
            BadInput: an address outside the allow-list; nothing was asked.
        """
        checked = check_public_url(url, allowed_hosts=operator_hosts(settings))
        folder = tempfile.mkdtemp(prefix="vit-explorer-table-")  # no copy of a visitor's table outlives the visit
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        named = dataclasses.replace(settings, index=checked, cache_dir=Path(folder))
        self.problem = None
        self._thread = threading.Thread(target=self._load, args=(named,), name="own table", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait until the address under way, if any, has answered or failed."""
        if self._thread:
            self._thread.join(timeout_s)

    def _load(self, settings: Settings) -> None:
        try:
            self.current = refresh_catalogue(settings) or load_catalogue(settings, network=False)
        except VitError as error:
            _log.info("A visitor's address gave no table: %s", error)
            self.problem = error
