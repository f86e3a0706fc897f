"""What one visitor evaluates: pictures in a folder of the visit's own, the process, its report. Ends with the visit."""

import io
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from app.samples import Sample
from vit_core.datasets.staging import check_room, disk
from vit_core.errors import BadDataset, VitError, shorten
from vit_core.evaluation.process import EvaluationProcess, EvaluationState
from vit_core.runs.leftovers import DATA
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

        def save(folder: Path) -> Path:
            check_room(folder, source.seek(0, io.SEEK_END))
            source.seek(0)
            path = folder / (re.sub(r"[^\w .-]", "_", shorten(name, 80)).strip(" .") or "pictures.zip")
            with path.open("wb") as target:
                shutil.copyfileobj(source, target, _CHUNK)
            return path

        self._start(checkpoint, save, name, preprocess, settings)

    def start_samples(self, checkpoint: str, samples: Iterable[Sample], *, preprocess: str, settings: Settings) -> None:
        """Evaluate on sample pictures that come with the app."""

        def copy(folder: Path) -> Path:
            for sample in samples:
                target = folder / "samples" / sample.label / sample.path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(sample.path, target)
            return folder / "samples"

        self._start(checkpoint, copy, "the sample pictures", preprocess, settings)

    def start_folder(self, checkpoint: str, text: str, *, root: Path, preprocess: str, settings: Settings) -> None:
        """Evaluate on a folder or a table below the operator's folder."""
        path = root / text.strip()
        inside = path.resolve().is_relative_to(root.resolve())  # else an answer would tell what files the machine has
        if not text.strip() or not inside or not path.exists():
            self.problem = BadDataset(f"There is no {shorten(text, 80)!r} in the operator's folder.")
            return
        self._start(checkpoint, lambda _: path, text, preprocess, settings)

    def start_tested(self, checkpoint: str, dataset: Path, *, preprocess: str, settings: Settings) -> None:
        """Evaluate a finished run on the pictures that it was tested on."""
        self._start(checkpoint, lambda _: dataset, "the run's test pictures", preprocess, settings)

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

    def _start(
        self, checkpoint: str, gather: Callable[[Path], Path], name: str, preprocess: str, settings: Settings
    ) -> None:
        """End what was, and evaluate on what `gather` gives, which may use a fresh folder for it."""
        self.cancel()
        self.problem = None
        parent = settings.runs_dir / DATA
        try:
            with disk(parent):
                folder = self._make_folder(parent)
                data = gather(folder)
            process = EvaluationProcess.start(
                checkpoint, data, preprocess=preprocess, work_dir=folder, settings=settings
            )
        except VitError as error:
            self.cancel()
            self.problem = error
            return
        self._under_way.append(process)
        self.asked = f"{checkpoint} on {name}"

    def _make_folder(self, parent: Path) -> Path:
        parent.mkdir(parents=True, exist_ok=True)
        # Its name begins with a dot, so that what a killed process leaves is swept in silence after a week.
        self._folders.append(Path(tempfile.mkdtemp(prefix=".evaluation-", dir=parent)))
        return self._folders[-1]


def _clear(under_way: list[EvaluationProcess], folders: list[Path]) -> None:
    while under_way:
        under_way.pop().cancel()
    while folders:
        shutil.rmtree(folders.pop(), ignore_errors=True)
