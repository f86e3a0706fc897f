"""The predictor of a web process gives the accelerator up while a run of this machine wants it, and takes it back.

Meanwhile it answers on the CPU.
"""

import logging
import threading
from typing import Protocol

from vit_core.errors import VitError

_LOOK_S = 0.5

logger = logging.getLogger(__name__)


class Predictor(Protocol):
    """What holds the accelerator for predictions; `vit_core.inference.service.PredictionService` is one."""

    def release_device(self) -> None:
        """Give the accelerator up.

        Raises:
            VitError: it computes too long; another try may succeed.
        """

    def reclaim_device(self) -> None:
        """Take the accelerator back.

        Raises:
            VitError: as of `release_device`.
        """


class Library(Protocol):
    """What knows whether a run wants the accelerator; `vit_core.runs.library.Runs` is one."""

    def wants_device(self) -> bool:
        """Tell whether a run waits for the accelerator or owns it."""


class DeviceShare:
    """The thread that looks twice a second; one for a predictor."""

    def __init__(self, service: Predictor, runs: Library) -> None:
        """Prepare; looks at nothing before `start`."""
        self._service = service
        self._runs = runs
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="device share", daemon=True)

    def start(self) -> None:
        """Begin to look; once."""
        self._thread.start()

    def close(self) -> None:
        """End; the predictor keeps what it has."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        given_up = False
        while not self._over.wait(_LOOK_S):
            try:
                wanted = self._runs.wants_device()
                if wanted and not given_up:
                    self._service.release_device()
                elif given_up and not wanted:
                    self._service.reclaim_device()
                given_up = wanted
            except VitError as error:  # tried again at the next look
                logger.warning("the accelerator stays where it is for now: %s", error)
