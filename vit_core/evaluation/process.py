"""An evaluation in a process of its own, for pages: `python -m vit_core evaluate …`. No JAX here.

It waits for its turn like a run does, and ends when we do: its standard input ends then.
"""

import collections
import dataclasses
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from vit_core.errors import BadInput, Failure, VitError
from vit_core.evaluation.folder import FILES
from vit_core.runs.local import child_environment
from vit_core.settings import Settings

_PREFIX = "vit-explorer: "  # of the sentence that the command line ends with
_EXIT_BAD_INPUT = 2
_KEPT_LINES = 50


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
        self._last: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
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
        command = [sys.executable, "-P", "-m", "vit_core", "evaluate", "--format=json", "--ends-with-input"]
        command += [f"--checkpoint={checkpoint}", f"--data={data}", f"--preprocess={preprocess}"]
        command += [f"--work-dir={work_dir}", f"--output={folder}"]
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=work_dir,
                env=child_environment(settings),
                start_new_session=True,
            )
        except OSError as error:
            raise Failure(f"The evaluation could not be started: {error.strerror or error}.") from error
        return cls(process, folder)

    def state(self) -> EvaluationState:
        """Say how far it is; costs nothing."""
        with self._lock:
            return self._state

    def cancel(self) -> None:
        """End it at once; safe to call at any time."""
        self._update(finished=True)
        self._process.kill()

    def _follow(self) -> None:
        with _pipe(self._process.stderr) as stream:
            for line in stream:
                self._hear(line.decode(errors="replace").strip())
        code = self._process.wait()
        _pipe(self._process.stdin).close()
        try:
            self._update(finished=True, report=self._read(code))
        except VitError as error:
            self._update(finished=True, error=error)

    def _hear(self, text: str) -> None:
        said = _parse(text)
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
            report = _parse(path.read_text(encoding="utf-8"))
            if report is not None:
                return report
        sentence = next((line for line in reversed(self._last) if line.startswith(_PREFIX)), "")
        if sentence:
            kind = BadInput if code == _EXIT_BAD_INPUT else Failure
            raise kind(sentence.removeprefix(_PREFIX))
        how = "was killed, as the system does when memory runs out" if code < 0 else f"ended with code {code}"
        raise Failure(f"The evaluation {how}, without an answer. Try fewer or smaller pictures.")

    def _update(self, **changes: object) -> None:
        with self._lock:
            if not self._state.finished:
                self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]  # names of its fields


def _parse(text: str) -> dict[str, Any] | None:
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - both pipes were asked for
    return stream
