"""What one visitor evaluates: pictures in a folder of the visit's own, the process, its report. Ends with the visit."""

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from app.samples import Sample
from vit_core.errors import BadDataset, StorageFull, VitError, shorten
from vit_core.evaluation.process import EvaluationProcess, EvaluationState
from vit_core.settings import Settings

_CHUNK = 1 << 20


class EvaluationDesk:
    """One visitor's evaluation.

    Attributes:
        asked: the checkpoint and the pictures of the last one, for people; "" where there was none.
        problem: why it could not be started.
    """

    def __init__(self) -> None:
        self.asked = ""
        self.problem: VitError | None = None
        self._under_way: list[EvaluationProcess] = []
        self._folders: list[Path] = []
        weakref.finalize(self, _clear, self._under_way, self._folders)

    def start_zip(self, checkpoint: str, source: BinaryIO, *, name: str, preprocess: str, settings: Settings) -> None:
        """Evaluate on an uploaded zip, which is kept until the next evaluation or the end of the visit."""
        folder = self._fresh()
        path = folder / (re.sub(r"[^\w .-]", "_", shorten(name, 80)).strip(" .") or "pictures.zip")
        try:
            source.seek(0)
            with path.open("wb") as target:
                shutil.copyfileobj(source, target, _CHUNK)
        except OSError as error:
            self.problem = StorageFull(f"{shorten(name)!r} could not be saved here: {error.strerror or error}.")
            return
        self._start(checkpoint, path, name, preprocess, settings)

    def start_samples(self, checkpoint: str, samples: Iterable[Sample], *, preprocess: str, settings: Settings) -> None:
        """Evaluate on sample pictures that come with the app."""
        folder = self._fresh() / "samples"
        for sample in samples:
            target = folder / sample.label / sample.path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample.path, target)
        self._start(checkpoint, folder, "the sample pictures", preprocess, settings)

    def start_folder(self, checkpoint: str, text: str, *, root: Path, preprocess: str, settings: Settings) -> None:
        """Evaluate on a folder or a table below the operator's folder."""
        path = root / text.strip()
        inside = path.resolve().is_relative_to(root.resolve())  # else an answer would tell what files the machine has
        if not text.strip() or not inside or not path.exists():
            self.problem = BadDataset(f"There is no {shorten(text, 80)!r} in the operator's folder.")
            return
        self._fresh()
        self._start(checkpoint, path, text, preprocess, settings)

    def start_tested(self, checkpoint: str, dataset: Path, *, preprocess: str, settings: Settings) -> None:
        """Evaluate a finished run on the pictures that it was tested on."""
        self._fresh()
        self._start(checkpoint, dataset, "the run's test pictures", preprocess, settings)

    def state(self) -> EvaluationState | None:
        """Give how far the evaluation is; None where none was asked for."""
        return self._under_way[-1].state() if self._under_way else None

    def file(self, name: str) -> bytes:
        """Give a file of the report.

        Raises:
            BadDataset: it is gone.
        """
        try:
            return (self._under_way[-1].folder / name).read_bytes()
        except (IndexError, OSError) as error:
            raise BadDataset("The report is gone; evaluate once more.") from error

    def cancel(self) -> None:
        """End what is under way and forget it."""
        _clear(self._under_way, self._folders)
        self.asked = ""

    def _fresh(self) -> Path:
        """End what was, and make a folder for what comes."""
        self.cancel()
        self.problem = None
        self._folders.append(Path(tempfile.mkdtemp(prefix="vit-evaluation-")))
        return self._folders[-1]

    def _start(self, checkpoint: str, data: Path, name: str, preprocess: str, settings: Settings) -> None:
        try:
            process = EvaluationProcess.start(
                checkpoint, data, preprocess=preprocess, work_dir=self._folders[-1], settings=settings
            )
        except VitError as error:
            self.problem = error
            return
        self._under_way.append(process)
        self.asked = f"{checkpoint} on {name}"


def _clear(under_way: list[EvaluationProcess], folders: list[Path]) -> None:
    while under_way:
        under_way.pop().cancel()
    while folders:
        shutil.rmtree(folders.pop(), ignore_errors=True)
