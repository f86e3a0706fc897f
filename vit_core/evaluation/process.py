"""An evaluation in a process of its own, for pages: `python -m vit_core evaluate …`. No JAX here.

It waits for its turn like a run does, and ends when we do: its standard input ends then.
"""

import collections
import dataclasses
import subprocess
import threading
from pathlib import Path
from typing import Any

from vit_core.errors import Failure, VitError
from vit_core.evaluation.folder import FILES
from vit_core.runs.command import KEPT_LINES, how_it_ended, parse_object, pipe, start_command, told_error
from vit_core.settings import Settings


@dataclasses.dataclass(frozen=True)
class EvaluationState:
    """How far an evaluation is.

    Attributes:
        stage: what it is doing, as a phrase.
        fraction: of that stage, 0 to 1; None where it is not known.
        report: the figures, as `vit_core.evaluation.report.to_plain` gives them.
        error: why there are none.
        finished: whether there is nothing more to come.
    """

    stage: str = "starting"
    fraction: float | None = None
    report: dict[str, Any] | None = None
    error: VitError | None = None
    finished: bool = False


class EvaluationProcess:
    """An evaluation under way; safe to share between threads.

    Attributes:
        folder: holds the files of the report when it is done.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Listen to a process; see `start`."""
        self.folder = folder
        self._process = process
        self._state = EvaluationState()
        self._lock = threading.Lock()
        self._last: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        threading.Thread(target=self._follow, name="evaluation", daemon=True).start()

    @classmethod
    def start(
        cls, checkpoint: str, data: Path, *, preprocess: str, work_dir: Path, settings: Settings
    ) -> "EvaluationProcess":
        """Start evaluating.

        Args:
            checkpoint: a name or a path.
            data: a folder, a zip, a table or a `dataset.json`.
            preprocess: "original" or "timm".
            work_dir: an existing folder for what is unpacked, and for the report.
            settings: of the process.

        Raises:
            Failure: the process cannot be started.
        """
        folder = work_dir / "report"
        words = ["evaluate", "--format=json", "--ends-with-input", f"--checkpoint={checkpoint}", f"--data={data}"]
        words += [f"--preprocess={preprocess}", f"--work-dir={work_dir}", f"--output={folder}"]
        # The answer is read from the report's own file.
        what, silent = "The evaluation", subprocess.DEVNULL
        return cls(start_command(words, folder=work_dir, settings=settings, what=what, stdout=silent), folder)

    def state(self) -> EvaluationState:
        """Say how far it is; costs nothing."""
        with self._lock:
            return self._state

    def cancel(self) -> None:
        """End it at once; safe to call at any time."""
        self._update(finished=True)
        self._process.kill()

    def _follow(self) -> None:
        with pipe(self._process.stderr) as stream:
            for line in stream:
                self._hear(line.decode(errors="replace").strip())
        code = self._process.wait()
        pipe(self._process.stdin).close()
        try:
            self._update(finished=True, report=self._read(code))
        except VitError as error:
            self._update(finished=True, error=error)

    def _hear(self, text: str) -> None:
        said = parse_object(text)
        if said is None:
            self._last.append(text)
        elif isinstance(said.get("stage"), str):
            fraction = said.get("fraction")
            self._update(stage=said["stage"], fraction=float(fraction) if isinstance(fraction, int | float) else None)

    def _read(self, code: int) -> dict[str, Any]:
        """Give the report.

        Raises:
            VitError: there is none.
        """
        path = self.folder / "report.json"
        if code == 0 and all((self.folder / name).is_file() for name in FILES):
            report = parse_object(path.read_text(encoding="utf-8"))
            if report is not None:
                return report
        if error := told_error(self._last, code):
            raise error
        raise Failure(f"The evaluation {how_it_ended(code)}, without an answer. Try fewer or smaller pictures.")

    def _update(self, **changes: object) -> None:
        with self._lock:
            if not self._state.finished:
                self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]  # names of its fields
