"""Pictures on their way in: bytes go to disk at once, and a thread checks them while the page goes on.

Knows how far it is and how to stop; what is accepted is decided by `vit_core.datasets`.
"""

import contextlib
import dataclasses
import functools
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import BinaryIO

from app.training_data import TrainingData, remove
from vit_core.datasets.dataset import DataSet
from vit_core.datasets.folder import read_folder, read_split_file
from vit_core.datasets.limits import Progress
from vit_core.datasets.saving import save_dataset
from vit_core.datasets.staging import check_room, disk
from vit_core.datasets.upload import take_files, take_zip
from vit_core.errors import BadDataset, Cancelled, VitError, shorten
from vit_core.store.background import Background

Take = Callable[[Path, Progress], DataSet]
PREVIEWS_PER_CLASS = 14
PREVIEWED_CLASSES = 40
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class IntakeState:
    """How far it is.

    Attributes:
        name: of the data set, for people.
        stage: what happens now: "pictures" are checked, or "previews" are made.
        done: pictures done in this stage.
        total: pictures in all; 0 before that is known.
        ended: whether it is over, however it went.
    """

    name: str
    stage: str
    done: int
    total: int
    ended: bool


class Intake:
    """One data set being taken in, by a thread of its own.

    Attributes:
        data_id: of the data set; usable once it has ended well.
    """

    def __init__(self, data: TrainingData, take: Take, *, name: str, spool: Path | None = None) -> None:
        """Start.

        Args:
            data: where the data set goes.
            take: makes the data set in a folder, and reports how far it is.
            name: of the data set, for people.
            spool: file or folder that is deleted in the end.
        """
        self.data_id = data.new_id()
        self._data, self._take, self._name, self._spool = data, take, name, spool
        self._stage, self._done, self._total, self._stopped = "pictures", 0, 0, False
        self._thread = Background(self._work, name="intake of pictures")

    def state(self) -> IntakeState:
        """Give how far it is."""
        return IntakeState(self._name, self._stage, self._done, self._total, self._thread.ended.is_set())

    def cancel(self) -> None:
        """Stop at the next picture; what was taken so far is deleted."""
        self._stopped = True

    def outcome(self) -> str:
        """Give the id of the data set.

        Raises:
            VitError: the sentence for the visitor, when it has ended badly.
        """
        return self._thread.outcome()

    def _work(self) -> str:
        folder = self._data.folder(self.data_id)
        whole = False
        try:
            with disk(folder.parent):
                dataset = self._take(folder, self._progress)
                folder.mkdir(parents=True, exist_ok=True)
                save_dataset(dataset, folder / "dataset.json")
                self._make_previews()
            whole = True
        finally:
            if not whole:
                shutil.rmtree(folder, ignore_errors=True)
            if self._spool:
                remove(self._spool)
        return self.data_id

    def _progress(self, done: int, total: int) -> None:
        if self._stopped:
            raise Cancelled("The pictures were not taken in, as you asked.")
        self._done, self._total = done, total

    def _make_previews(self) -> None:
        prepared = self._data.load(self.data_id)
        shown = [
            example
            for label in range(min(len(prepared.dataset.classes), PREVIEWED_CLASSES))
            for example in [each for each in prepared.dataset.examples if each.label == label][:PREVIEWS_PER_CLASS]
        ]
        self._stage = "previews"
        for number, example in enumerate(shown):
            self._progress(number, len(shown))
            self._data.thumbnail(prepared, example)


class LoosePictures:
    """Pictures that come class by class, or as a folder: on disk from the first moment, taken in when all are there."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=".loose-", dir=parent))
        self._end = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._files: list[tuple[str, Path]] = []

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures each class has so far, classes in the order they came."""
        counts: dict[str, int] = {}
        for name, _ in self._files:
            label = name.rpartition("/")[0]
            counts[label] = counts.get(label, 0) + 1
        return counts

    def add(self, name: str, source: BinaryIO) -> None:
        """Take one picture, called "CLASS/FILE".

        Raises:
            StorageFull: the disk has no room.
        """
        path = self._folder / f"{secrets.token_hex(10)}"
        _write(path, source)
        self._files.append((name, path))

    def remove(self, label: str) -> None:
        """Forget a class and delete its pictures."""
        for name, path in self._files:
            if name.rpartition("/")[0] == label:
                path.unlink(missing_ok=True)
        self._files = [(name, path) for name, path in self._files if path.exists()]

    def clear(self) -> None:
        """Forget all and delete the files."""
        for label in self.counts:
            self.remove(label)

    def intake(self, data: TrainingData, *, name: str) -> Intake:
        """Start to take all of them in; call it once, the files are deleted afterwards."""
        files = tuple(self._files)
        self._end.detach()  # the intake deletes the folder when it is through

        def take(folder: Path, progress: Progress) -> DataSet:
            with contextlib.closing(_opened(files)) as opened:
                return take_files(opened, folder, name=name, progress=progress)

        return Intake(data, take, name=name, spool=self._folder)


def intake_of_zip(data: TrainingData, source: BinaryIO, *, name: str, size_bytes: int) -> Intake:
    """Write an uploaded zip to disk and start to take it in.

    Raises:
        StorageFull: the disk has no room for it and its content.
    """
    with disk(data.parent):
        data.parent.mkdir(parents=True, exist_ok=True)
        check_room(data.parent, 2 * size_bytes)
        with tempfile.NamedTemporaryFile(prefix=".zip-", dir=data.parent, delete=False) as spool:
            path = Path(spool.name)
    try:
        _write(path, source)
    except VitError:
        remove(path)
        raise
    return Intake(data, functools.partial(_take_zip, path, name), name=name, spool=path)


def intake_of_bundled(data: TrainingData, path: Path, *, name: str) -> Intake:
    """Start to take in a zip that comes with the app."""
    return Intake(data, functools.partial(_take_zip, path, name), name=name)


def intake_of_server_folder(data: TrainingData, text: str, *, root: Path) -> Intake:
    """Start to read a folder, or a CSV file with a split, below the operator's folder; the pictures are not copied.

    Args:
        data: where the data set's description goes.
        text: path below `root`, as the visitor wrote it.
        root: the operator's folder.

    Raises:
        BadDataset: nothing of that name.
    """
    path = root / text.strip()
    inside = path.resolve().is_relative_to(root.resolve())  # else an answer would tell what files the machine has
    if not text.strip() or not inside or not path.exists():
        raise BadDataset(f"There is no {shorten(text, 80)!r} in the operator's folder.")
    read = read_split_file if path.is_file() else read_folder

    def take(_: Path, progress: Progress) -> DataSet:
        return read(path, allowed_root=root, progress=progress)

    return Intake(data, take, name=path.name)


def server_folders(root: Path, *, limit: int = 200) -> list[str]:
    """Give what can be named below the operator's folder: its folders and CSV files, sorted."""
    try:
        entries = sorted(path.name for path in root.iterdir() if path.is_dir() or path.suffix == ".csv")
    except OSError:
        return []
    return [name for name in entries if not name.startswith(".")][:limit]


def _take_zip(path: Path, name: str, folder: Path, progress: Progress) -> DataSet:
    return take_zip(path, folder, name=name, progress=progress)


def _opened(files: Sequence[tuple[str, Path]]) -> Generator[tuple[str, BinaryIO], None, None]:
    for name, path in files:
        with path.open("rb") as file:
            yield name, file


def _write(path: Path, source: BinaryIO) -> None:
    source.seek(0)
    with disk(path.parent), path.open("wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
