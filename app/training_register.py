"""All pictures on their way in on this server, by the id of the data set that they become.

An intake belongs to nobody: it goes on when the page that started it is closed, and whoever has the link sees how far
it is and how it ended. The data set on disk is the lasting truth; of intakes that have ended only the last are known.
"""

import threading

from app.training_intake import Intake

KEPT_ENDED = 64


class Intakes:
    """The intakes under way and those that ended last. Safe to share between threads."""

    def __init__(self) -> None:
        """Begin without any."""
        self._all: dict[str, Intake] = {}
        self._lock = threading.Lock()

    def add(self, intake: Intake) -> None:
        """Take up one that has just started."""
        with self._lock:
            self._all[intake.data_id] = intake
            ended = [data_id for data_id, each in self._all.items() if each.state().ended]
            for data_id in ended[:-KEPT_ENDED]:
                del self._all[data_id]

    def get(self, data_id: str) -> Intake | None:
        """Give an intake, under way or ended; None where there is none of that id, or it ended long ago."""
        with self._lock:
            return self._all.get(data_id)

    def under_way(self) -> tuple[Intake, ...]:
        """Give those that have not ended, the one that started last first."""
        with self._lock:
            return tuple(intake for intake in reversed(self._all.values()) if not intake.state().ended)
