"""What starts, stops and watches the process of a run, and knows nothing else about it."""

from pathlib import Path
from typing import Literal, Protocol

GRACE_S = 120.0  # for one step of a large model on a CPU and the saving of its state
Found = Literal["queued", "running", "gone"]


class Engine(Protocol):
    """An engine. History, progress and results come from the run's folder, never from here."""

    def start(self, folder: Path) -> None:
        """Start the process of a run that nobody owns.

        Raises:
            BadRun: somebody owns it, or the folder is not a run that can be started.
            Failure: the process could not be started.
        """

    def stop(self, folder: Path, grace_s: float) -> None:
        """Ask the process to save its state and end within `grace_s` seconds; 0 ends it at once, without saving.

        A run that nobody owns, or a process that is not the run's, is left alone.
        """

    def poll(self, folder: Path) -> Found:
        """Say whether the run has a process, and whether that waits."""
