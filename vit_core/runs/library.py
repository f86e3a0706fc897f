"""The runs of one folder: submitted, listed, stopped, resumed, deleted. The door for pages and the command line.

Any number of processes may use one folder at once. Reading takes no lock; what comes or goes does, for a moment.
"""

import contextlib
import dataclasses
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vit_core.datasets.dataset import DataSet
from vit_core.datasets.saving import load_dataset
from vit_core.errors import BadRun, UnknownName
from vit_core.runs.engine import GRACE_S, Engine
from vit_core.runs.files import RunFiles, kept_on_disk, sweep, write_config
from vit_core.runs.leftovers import GONE, clear_leftovers
from vit_core.runs.local import LocalEngine, checked_config, take_run
from vit_core.runs.locks import RunLocks
from vit_core.runs.making import Request, make_run
from vit_core.runs.names import check_run_name, is_run_name, suggest_run_name
from vit_core.runs.reading import RunReader
from vit_core.runs.record import RESUMABLE, RunRecord
from vit_core.settings import Settings
from vit_core.store.accelerator import Accelerator
from vit_core.store.owners import alone
from vit_core.training.config import TrainConfig, check
from vit_core.training.estimates import QuickLook
from vit_core.training.metrics_file import Row, read_metrics

if TYPE_CHECKING:
    from vit_core.training.report import Report

LONGEST_NOTE = 2000
_TAIL_BYTES = 400_000


class Runs:
    """The runs below `settings.runs_dir`; safe to share between threads."""

    def __init__(self, settings: Settings, *, engine: Engine | None = None) -> None:
        """Describe them; touches nothing.

        Args:
            settings: the folder of runs and the folder of locks.
            engine: what starts them; None is the one that the settings name.
        """
        self._settings = settings
        self._folder = settings.runs_dir
        self._engine = engine or LocalEngine(settings)
        self._locks = RunLocks(settings.lock_dir)
        self._accelerator = Accelerator(settings.lock_dir)
        self._reader = RunReader(settings)

    # --- reading ----------------------------------------------------------------------------------------------

    def all(self) -> tuple[RunRecord, ...]:
        """List the runs, newest first; one that cannot be read is listed with the reason, at the end."""
        places = self._places()
        records = [self._reader.record(folder, places) for folder in self._folders()]
        return tuple(sorted(records, key=lambda record: (-record.number, record.name)))

    def get(self, name: str) -> RunRecord:
        """Give one run.

        Raises:
            UnknownName: there is none of that name.
        """
        return self._reader.record(self._existing(name), self._places())

    def metrics(self, name: str) -> tuple[Row, ...]:
        """Give the curve of a run, by step.

        Raises:
            UnknownName: there is no such run.
            BadRun: its file cannot be read.
        """
        return read_metrics(RunFiles(self._existing(name)).metrics)

    def log(self, name: str, *, lines: int = 200) -> str:
        """Give the last lines of what a run said.

        Raises:
            UnknownName: there is no such run.
            BadRun: the file cannot be read.
        """
        path = RunFiles(self._existing(name)).log
        try:
            with path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = file.read(_TAIL_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise BadRun(f"The log {str(path)!r} cannot be read: {error.strerror or error}.") from error
        return "\n".join(text.splitlines()[-lines:])

    def dataset(self, name: str) -> DataSet:
        """Give what a run learns from.

        Raises:
            UnknownName: there is no such run.
            BadDataset: its file cannot be read.
        """
        return load_dataset(RunFiles(self._existing(name)).dataset)

    def image_roots(self) -> dict[str, Path]:
        """Give the folder of each run's images, by the run's name; those that cannot be read are left out."""
        roots = {folder.name: self._reader.dataset_root_of(folder) for folder in self._folders()}
        return {name: Path(root) for name, root in roots.items() if root}

    def report(self, name: str) -> "Report | None":
        """Give the outcome of a run; None before its end.

        Raises:
            UnknownName: there is no such run.
            BadRun: its file cannot be read.
        """
        from vit_core.training.report import read_report  # brings numpy, which nothing else here needs

        path = RunFiles(self._existing(name)).report
        return read_report(path) if path.exists() else None

    def quick_look(self, name: str) -> QuickLook | None:
        """Give the first look that was taken before a run; None where none was.

        Raises:
            UnknownName: there is no such run.
            BadRun: its file cannot be read.
        """
        return self._reader.quick_look(self._existing(name))

    def wants_device(self) -> bool:
        """Tell whether a run, of any folder of this machine, waits for the accelerator or owns it."""
        return self._accelerator.is_wanted()

    def suggest_name(self, dataset_name: str) -> str:
        """Give a name that is valid and free."""
        return suggest_run_name(dataset_name, {folder.name for folder in self._folders()})

    # --- doing ------------------------------------------------------------------------------------------------

    def submit(
        self,
        config: TrainConfig,
        dataset: DataSet,
        *,
        name: str,
        key: str = "",
        note: str = "",
        quick_look: QuickLook | None = None,
    ) -> RunRecord:
        """Make a run and have it started.

        Args:
            config: what is trained, and how; a checkpoint given as a path must be absolute.
            dataset: what it learns from.
            name: of the run; must be free.
            key: of the request; the same key again gives the run that it made before, and no second one.
            note: the user's own words.
            quick_look: kept beside the run's own curve.

        Raises:
            BadRun: the name is impossible or taken, or the note too long.
            BadSetting: an impossible setting.
            StorageFull: too little room on the disk.
            Failure: the folder cannot be written, or the process not be started; the run is a draft then.
        """
        check_run_name(name)
        check(config, num_train=len(dataset.of("train")))
        check_note(note)
        with self._alone():
            folder = self._made_by(key)
            if folder is None:
                number = 1 + max((record.number for record in self.all()), default=0)
                request = Request(config, dataset, name=name, key=key, note=note, quick_look=quick_look)
                folder = make_run(self._settings, request, number=number)
            if self.get(folder.name).state == "draft":
                self._engine.start(folder)
        return self.get(folder.name)

    def stop(self, name: str, *, grace_s: float = GRACE_S) -> None:
        """Ask a run to save its state and end; returns at once. Asking twice, or too late, does no harm.

        Args:
            name: of the run.
            grace_s: after which it ends without saving; 0 kills it now.

        Raises:
            UnknownName: there is no such run.
            BadRun: it does not run.
        """
        record = self.get(name)
        if record.state not in ("queued", "running", "stopping"):
            raise BadRun(f"The run {name!r} does not run: it is {record.state}.")
        self._engine.stop(record.folder, grace_s)

    def resume(self, name: str) -> None:
        """Start a run that has stopped, from its last saved state.

        Raises:
            UnknownName: there is no such run.
            BadRun: it runs, or is done.
            Failure: its process cannot be started.
        """
        record = self.get(name)
        if record.state not in RESUMABLE:
            raise BadRun(f"The run {name!r} cannot be resumed: it is {record.state}. {record.reason}".rstrip())
        self._engine.start(record.folder)

    def delete(self, name: str) -> None:
        """Delete a run with all that it made; not the images.

        Raises:
            UnknownName: there is no such run.
            BadRun: it runs, or its folder is a link.
            Failure: the disk refuses.
        """
        folder = self._existing(name)
        if folder.is_symlink():
            raise BadRun(f"The run {name!r} is a link to another folder; remove the link by hand.")
        record = self.get(name)
        with self._alone(), self._owned(record):
            gone = self._folder / f"{GONE}{uuid.uuid4().hex}"
            with kept_on_disk(folder):
                folder.rename(gone)  # from here on it is deleted, however long the rest takes
        self._reader.forget(folder)
        with kept_on_disk(folder):
            shutil.rmtree(gone)

    def annotate(self, name: str, note: str) -> None:
        """Put down the user's own words about a run.

        Raises:
            UnknownName: there is no such run.
            BadRun: the note is too long, or the run cannot be read.
            StorageFull, Failure: the disk refuses.
        """
        check_note(note)
        with self._alone():
            files = RunFiles(self._existing(name))
            write_config(files, dataclasses.replace(checked_config(files), note=note))

    def reconcile(self) -> tuple[str, ...]:
        """Clear away what killed processes left, and say what was found, a sentence each."""
        if not self._folder.is_dir():
            return ()
        self._accelerator.clear_away()
        with self._alone():
            used = [self._reader.dataset_root_of(folder) for folder in self._folders()]
            said = list(clear_leftovers(self._folder, used=used))
        for record in self.all():
            if record.state in ("interrupted", "draft", "unreadable"):
                said.append(f"{record.name}: {record.state}. {record.reason}")
            if record.state in ("interrupted", "stopped"):  # a process that was stopped at once leaves the same
                with contextlib.suppress(BadRun), self._owned(record):
                    sweep(record.folder)
        return tuple(said)

    # --- parts ------------------------------------------------------------------------------------------------

    def _made_by(self, key: str) -> Path | None:
        if not key:
            return None
        return next((folder for folder in self._folders() if self._reader.key_of(folder) == key), None)

    def _folders(self) -> list[Path]:
        try:
            with os.scandir(self._folder) as entries:
                return [
                    self._folder / entry.name
                    for entry in entries
                    if not entry.name.startswith(".") and (entry.is_dir(follow_symlinks=False) or entry.is_symlink())
                ]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BadRun(
                f"The folder of runs {str(self._folder)!r} cannot be read: {error.strerror or error}; "
                "set VIT_RUNS_DIR to another."
            ) from error

    def _existing(self, name: str) -> Path:
        folder = self._folder / name
        if is_run_name(name) and os.path.lexists(folder):
            return folder
        names = [each.name for each in self._folders()]
        if name in names:  # a folder of a strange name that somebody put there
            return folder
        raise UnknownName.among("run", name, names)

    def _places(self) -> dict[str, int]:
        return {each.holder.folder: each.place for each in self._accelerator.waiting()}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder of runs for a change of what is in it."""
        with kept_on_disk(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        with alone(self._locks.library(self._folder)):
            yield

    @contextlib.contextmanager
    def _owned(self, record: RunRecord) -> Iterator[None]:
        """Own a run, so that nobody starts it meanwhile; one that cannot be read has no owner."""
        if record.config is None:
            yield
            return
        lock = take_run(self._locks, checked_config(RunFiles(record.folder)), record.folder)
        try:
            yield
        finally:
            lock.release()


def check_note(note: str) -> None:
    """Refuse a note that is too long.

    Raises:
        BadRun: it is.
    """
    if len(note) > LONGEST_NOTE:
        raise BadRun(f"The note has {len(note)} characters; it may have {LONGEST_NOTE}.")
