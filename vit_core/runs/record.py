"""What is known of one run, as lists and pages read it. Nothing here touches a disk."""

import dataclasses
from pathlib import Path
from typing import Literal

from vit_core.training.config import TrainConfig

State = Literal["draft", "queued", "running", "stopping", "done", "failed", "stopped", "interrupted", "unreadable"]
FINAL: frozenset[State] = frozenset({"done", "failed", "stopped"})  # stored in the status; the others are derived
RESUMABLE: frozenset[State] = frozenset({"draft", "failed", "stopped", "interrupted"})


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: updates done.
        total_steps: updates asked for.
        seconds_left: by the speed of late; None before it is known and after the end.
        images_per_second: of late.
        accuracy: the last test's, 0 to 1; None before the first.
        best_accuracy: the best test's.
        memory_bytes: most that the run has held so far: of the accelerator, else of the machine.
    """

    step: int = 0
    total_steps: int = 0
    seconds_left: float | None = None
    images_per_second: float | None = None
    accuracy: float | None = None
    best_accuracy: float | None = None
    memory_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        name: of the run and of its folder: a to z, 0 to 9, "-" and "_".
        folder: its directory.
        state: derived from the files and the locks, never from a process number.
        reason: why it failed, stopped, cannot be read, or what it is doing, as a sentence; may be empty.
        place: in the queue, 1 is next; 0 for a run that does not wait.
        config: what it was told; None for an unreadable run.
        dataset_name: for people.
        num_classes: of the data set.
        num_train: images it learns from.
        num_test: images it is tested on.
        number: counts up with each submission to one runs folder; newest is highest.
        created: seconds since 1970 by the clock of the machine; for screens only, never for order.
        device: "CPU", "NVIDIA H200"; empty before it has one.
        progress: how far it is.
        heartbeat_age_s: since the run last said that it is alive; None where nothing runs.
        attempt: how many times it was started.
        begins_at: the step that this attempt goes on from.
        saved_step: of the newest state on the disk that looks whole; None where there is none.
        begun: seconds since 1970, when it first got its turn; 0 before that and for runs of older versions.
        waits_since: seconds since 1970, when it was last asked to start; 0 for runs of older versions.
        seconds: that a finished run learned for, without pauses; None for others.
        note: the user's own words.
    """

    name: str
    folder: Path
    state: State
    reason: str = ""
    place: int = 0
    config: TrainConfig | None = None
    dataset_name: str = ""
    num_classes: int = 0
    num_train: int = 0
    num_test: int = 0
    number: int = 0
    created: float = 0.0
    device: str = ""
    progress: Progress = Progress()
    heartbeat_age_s: float | None = None
    attempt: int = 0
    begins_at: int = 0
    saved_step: int | None = None
    begun: float = 0.0
    waits_since: float = 0.0
    seconds: float | None = None
    note: str = ""

    @property
    def result(self) -> Path:
        """Folder of the finished model; there only when the run is done."""
        return self.folder / "result"
