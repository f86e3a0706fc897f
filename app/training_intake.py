"""Pictures on their way in: bytes go to disk at once, and a thread checks them while the page goes on.

Knows how far it is and how to stop; what is accepted is decided by `vit_core.datasets`.
"""

import contextlib
import dataclasses
import functools
import importlib.util
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import BinaryIO

from app.training_data import TrainingData
from app.training_heads import write_head
from app.training_spool import Spool
from vit_core.datasets.dataset import DataSet
from vit_core.datasets.folder import read_folder, read_split_file
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.saving import save_dataset
from vit_core.datasets.staging import check_room, disk
from vit_core.datasets.tfds import PREFIX, parse_name, take_named
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
        stage: what happens now: the "set" is fetched, "pictures" are checked, or "previews" are made.
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
    """One data set being taken in, by a thread of its own, whether or not anybody looks on."""

    def __init__(self, data: TrainingData, take: Take, spool: Spool, *, stage: str = "pictures") -> None:
        """Start.

        Args:
            data: where the data set goes.
            take: makes the data set in a folder, and reports how far it is.
            spool: says what it is called and holds what was sent; closed in the end.
            stage: the first one; "set" ends when there are pictures to check.
        """
        self._data, self._spool = data, spool
        self._stage, self._done, self._total, self._stopped = stage, 0, 0, False
        self._take: Take | None = take
        self._problem: VitError | None = None
        self._thread = Background(self._work, name="intake of pictures")

    @property
    def data_id(self) -> str:
        """The id of the data set that is to be."""
        return self._spool.data_id

    def state(self) -> IntakeState:
        """Give how far it is."""
        return IntakeState(self._spool.name, self._stage, self._done, self._total, self._thread.ended.is_set())

    def cancel(self) -> None:
        """Stop at the next picture; what was taken so far is deleted."""
        self._stopped = True

    def outcome(self) -> str:
        """Give the id of the data set.

        Raises:
            VitError: the sentence for the visitor, when it has ended badly.
        """
        data_id = self._thread.outcome()
        if self._problem:
            raise type(self._problem)(str(self._problem))
        return data_id

    def _work(self) -> str:
        # An intake is known for long after its end. So it keeps the sentence, but nothing that the work held: neither
        # the list of files nor, by way of a traceback, the variables of where it failed.
        take, self._take = self._take, None
        try:
            if take:
                self._take_in(take)
        except VitError as error:
            self._problem = type(error)(str(error))
        return self.data_id

    def _take_in(self, take: Take) -> None:
        folder = self._data.folder(self.data_id)
        whole = False
        try:
            with disk(folder.parent):
                dataset = take(folder, self._progress)
                folder.mkdir(parents=True, exist_ok=True)
                save_dataset(dataset, folder / "dataset.json")
                write_head(folder, dataset)
                self._make_previews()
            whole = True
        finally:
            if not whole:
                shutil.rmtree(folder, ignore_errors=True)
            self._spool.close()

    def _progress(self, done: int, total: int) -> None:
        if self._stopped:
            name = shorten(self._spool.name, 60)
            raise Cancelled(f"Taking in {name!r} was cancelled; none of its pictures are kept.")
        if total and self._stage == "set":
            self._stage = "pictures"
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
        """Start to take all of them in; call it once, the files are deleted afterwards.

        Raises:
            StorageFull, StoreError: the disk refuses; the pictures are still here then.
        """
        spool = Spool(data.parent, data.new_id(), name=name)
        folder = spool.folder / "pictures"
        try:
            with disk(data.parent):
                self._folder.rename(folder)
        except VitError:
            spool.close()
            raise
        self._end.detach()  # the intake deletes the files when it is through
        files = [(name, folder / path.name) for name, path in self._files]

        def take(target: Path, progress: Progress) -> DataSet:
            with contextlib.closing(_opened(files)) as opened:
                return take_files(opened, target, name=name, progress=progress)

        return Intake(data, take, spool)


def intake_of_zip(data: TrainingData, source: BinaryIO, *, name: str, size_bytes: int) -> Intake:
    """Write an uploaded zip to disk and start to take it in.

    Raises:
        StorageFull: the disk has no room for it and its content.
        StoreError: the disk refuses for another reason.
    """
    with disk(data.parent):
        data.parent.mkdir(parents=True, exist_ok=True)
        check_room(data.parent, 2 * size_bytes)
    spool = Spool(data.parent, data.new_id(), name=name)
    path = spool.folder / "upload.zip"
    try:
        _write(path, source)
    except VitError:
        spool.close()
        raise
    return Intake(data, functools.partial(_take_zip, path, name), spool)


def intake_of_bundled(data: TrainingData, path: Path, *, name: str) -> Intake:
    """Start to take in a zip that comes with the app.

    Raises:
        StorageFull, StoreError: the disk refuses.
    """
    return Intake(data, functools.partial(_take_zip, path, name), Spool(data.parent, data.new_id(), name=name))


def intake_of_server_folder(data: TrainingData, text: str, *, root: Path) -> Intake:
    """Start to read a folder, or a CSV file with a split, below the operator's folder; the pictures are not copied.

    Args:
        data: where the data set's description goes.
        text: path below `root`, as the visitor wrote it.
        root: the operator's folder.

    Raises:
        BadDataset: nothing of that name.
        StorageFull, StoreError: the disk refuses.
    """
    path = root / text.strip()
    inside = path.resolve().is_relative_to(root.resolve())  # else an answer would tell what files the machine has
    if not text.strip() or not inside or not path.exists():
        raise BadDataset(f"There is no {shorten(text, 80)!r} in the operator's folder.")
    read = read_split_file if path.is_file() else read_folder

    def take(_: Path, progress: Progress) -> DataSet:
        return read(path, allowed_root=root, progress=progress)

    return Intake(data, take, Spool(data.parent, data.new_id(), name=path.name))


def named_sets_known() -> bool:
    """Tell whether the optional package that finds public sets by name is installed."""
    return importlib.util.find_spec("tensorflow_datasets") is not None


def intake_of_named_set(
    data: TrainingData, text: str, *, options: IntakeOptions | None = None, data_dir: Path | None = None
) -> Intake:
    """Start to fetch a public set by its name in TensorFlow Datasets.

    Args:
        data: where its pictures go.
        text: as `vit_core.datasets.tfds.parse_name` takes it; "tfds:" before it may be left out.
        options: limits, among them of the set's size.
        data_dir: where tensorflow-datasets keeps its prepared sets; None for its own default.

    Raises:
        BadDataset: this is no such name.
        StorageFull, StoreError: the disk refuses.
    """
    name = PREFIX + text.strip().removeprefix(PREFIX)
    parse_name(name)

    def take(folder: Path, progress: Progress) -> DataSet:
        return take_named(name, folder, options=options, progress=progress, data_dir=data_dir)

    return Intake(data, take, Spool(data.parent, data.new_id(), name=name), stage="set")


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
