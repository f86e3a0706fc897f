"""What is measured before a run, in a process of its own: what the run will cost, or a first look at the accuracy.

The process is `python -m vit_core finetune … --dry-run` or `--quick-look`, with the answer as JSON. It waits for its
turn like a run does, and ends when we do: its standard input ends then.
"""

import collections
import dataclasses
import subprocess
import threading
from pathlib import Path
from typing import Any, Literal

from vit_core.errors import TrainingError, VitError
from vit_core.runs.command import KEPT_LINES, how_it_ended, parse_object, pipe, start_command, told_error
from vit_core.settings import Settings
from vit_core.training.config import TrainConfig, to_plain
from vit_core.training.estimates import Cost, QuickLook

Kind = Literal["trial", "quick look"]

_FLAGS: dict[Kind, str] = {"trial": "--dry-run", "quick look": "--quick-look"}


@dataclasses.dataclass(frozen=True)
class EstimateState:
    """How far an estimate is.

    Attributes:
        stage: what it is doing, as a phrase.
        fraction: of that stage, 0 to 1; None where it is not known.
        cost: the answer of a trial.
        quick_look: the answer of a quick look.
        error: why there is none.
        finished: whether there is nothing more to come.
    """

    stage: str = "starting"
    fraction: float | None = None
    cost: Cost | None = None
    quick_look: QuickLook | None = None
    error: VitError | None = None
    finished: bool = False


class Estimate:
    """An estimate under way; safe to share between threads."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Listen to a process; see `start`."""
        self._process = process
        self._state = EstimateState()
        self._lock = threading.Lock()
        self._last: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        self._hearing = threading.Thread(target=self._hear, name="estimate stages", daemon=True)
        self._hearing.start()
        threading.Thread(target=self._await_answer, name="estimate answer", daemon=True).start()

    @classmethod
    def start(cls, kind: Kind, config: TrainConfig, dataset_path: Path, settings: Settings) -> "Estimate":
        """Start measuring.

        Args:
            kind: "trial" measures time, memory and disk by some real steps; "quick look" gives a first accuracy.
            config: what the run would be told.
            dataset_path: the `dataset.json` that it would learn from.
            settings: of the process.

        Raises:
            Failure: the process cannot be started.
        """
        words = ["finetune", _FLAGS[kind], "--format", "json", "--data", str(dataset_path), "--accept-leaks"]
        words += ["--ends-with-input", *_words(config)]
        folder = Path(dataset_path.anchor)
        return cls(start_command(words, folder=folder, settings=settings, what="The measurement"))

    def state(self) -> EstimateState:
        """Say how far it is; costs nothing."""
        with self._lock:
            return self._state

    def cancel(self) -> None:
        """End it at once; safe to call at any time."""
        self._update(finished=True, error=None)
        self._process.kill()

    def _hear(self) -> None:
        with pipe(self._process.stderr) as stream:
            for line in stream:
                text = line.decode(errors="replace").strip()
                said = parse_object(text)
                if said is not None and isinstance(said.get("stage"), str):
                    fraction = said.get("fraction")
                    self._update(stage=said["stage"], fraction=fraction if isinstance(fraction, float) else None)
                elif text:
                    self._last.append(text)

    def _await_answer(self) -> None:
        with pipe(self._process.stdout) as stream:
            answer = parse_object(stream.read().decode(errors="replace"))
        code = self._process.wait()
        self._hearing.join()
        pipe(self._process.stdin).close()
        try:
            self._update(finished=True, **self._read(answer, code))
        except VitError as error:
            self._update(finished=True, error=error)

    def _read(self, answer: dict[str, Any] | None, code: int) -> dict[str, object]:
        """Give the fields of the state that the answer fills.

        Raises:
            VitError: there is none.
        """
        if code == 0 and answer is not None and "cost" in answer:
            return {"cost": Cost.from_plain(answer["cost"])}
        if code == 0 and answer is not None and "quick_look" in answer:
            return {"quick_look": QuickLook.from_plain(answer["quick_look"])}
        if error := told_error(self._last, code):
            raise error
        how = how_it_ended(code)
        raise TrainingError(f"The measurement {how}, without an answer. Try a smaller batch, or start the run without.")

    def _update(self, **changes: object) -> None:
        with self._lock:
            if not self._state.finished:
                self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]  # names of its fields


def _words(config: TrainConfig) -> list[str]:
    """Write settings as flags."""
    words = []
    for name, value in to_plain(config).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words.append(f"--{flag}={value}")
    return words
