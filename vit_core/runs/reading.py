"""A run's folder as a `RunRecord`: what lists and pages show. Never writes, never waits.

A list of thousands is read again every few seconds, so what a small file said is kept until the file changes.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from vit_core.errors import BadRun
from vit_core.runs.files import RunConfig, RunFiles, read_config, read_json
from vit_core.runs.local import is_copy, is_link
from vit_core.runs.locks import RunLocks
from vit_core.runs.names import check_run_name
from vit_core.runs.record import FINAL, RunRecord
from vit_core.runs.saved import has_result, newest_saved_step
from vit_core.runs.states import Seen, derive
from vit_core.runs.status import Status, read_status
from vit_core.settings import Settings
from vit_core.training.estimates import QuickLook
from vit_core.training.metrics_file import read_metrics

T = TypeVar("T")
_TAIL_BYTES = 4_000  # of a curve: its last rows
_LIVE = ("queued", "running", "stopping")


class RunReader:
    """Reads runs, each file again only when it has changed; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        """Begin without knowing anything."""
        self._locks = RunLocks(settings.lock_dir)
        self._configs: _Known[RunConfig] = _Known(lambda folder: read_config(RunFiles(folder)), "config.json")
        self._statuses: _Known[Status] = _Known(lambda folder: read_status(RunFiles(folder)), "status.json")
        self._saved: _Known[int | None] = _Known(lambda folder: newest_saved_step(RunFiles(folder)), "checkpoints")
        self._results: _Known[bool] = _Known(lambda folder: has_result(RunFiles(folder)), "result")
        self._seconds: _Known[float | None] = _Known(lambda folder: _seconds(RunFiles(folder)), "metrics.jsonl")

    def record(self, folder: Path, places: Mapping[str, int]) -> RunRecord:
        """Give what is known of a run.

        Args:
            folder: of the run.
            places: in the queue, by resolved folder.
        """
        try:
            check_run_name(folder.name)
            if problem := is_link(folder):
                raise BadRun(problem)
            config = self._configs.get(folder)
            if problem := is_copy(config, folder):
                raise BadRun(problem)
            return self._record(folder, config, self._statuses.get(folder), places)
        except BadRun as error:
            return RunRecord(folder.name, folder, "unreadable", reason=str(error))

    def key_of(self, folder: Path) -> str:
        """Give the key of the request that made a run; empty for one that cannot be read."""
        config = self._config_or_none(folder)
        return config.key if config else ""

    def dataset_root_of(self, folder: Path) -> str:
        """Give the folder of a run's images; empty for one that cannot be read."""
        config = self._config_or_none(folder)
        return config.dataset_root if config else ""

    def quick_look(self, folder: Path) -> QuickLook | None:
        """Give the first look that was taken before a run; None where none was.

        Raises:
            BadRun: its file cannot be read.
        """
        path = RunFiles(folder).quick_look
        return QuickLook.from_plain(read_json(path), where=path.name) if path.exists() else None

    def forget(self, folder: Path) -> None:
        """Drop what is known of a run that was deleted."""
        for known in (self._configs, self._statuses, self._saved, self._results, self._seconds):
            known.forget(folder)

    def _record(self, folder: Path, config: RunConfig, status: Status, places: Mapping[str, int]) -> RunRecord:
        seen = self._seen_of_ended(folder, status)
        if status.state not in FINAL:
            # The owner first: one that ends between the two looks has said its last word by the second.
            owned = self._locks.owner(config, folder) is not None
            status = self._statuses.get(folder)
            seen = Seen(
                owned=owned,
                place=places.get(str(folder.resolve()), 0),
                stop_wanted=RunFiles(folder).stop.exists(),
                saved_step=self._saved.get(folder),
            )
        state, reason = derive(status, seen)
        return RunRecord(
            name=config.name,
            folder=folder,
            state=state,
            reason=reason,
            place=seen.place if state == "queued" else 0,
            config=config.settings,
            dataset_name=config.dataset_name,
            num_classes=config.num_classes,
            num_train=config.num_train,
            num_test=config.num_test,
            number=config.number,
            created=config.created,
            device=status.device,
            progress=status.progress,
            heartbeat_age_s=status.age_s() if state in _LIVE else None,
            attempt=status.attempt,
            begins_at=status.begins_at,
            saved_step=seen.saved_step,
            begun=status.begun,
            waits_since=status.waits_since,
            seconds=self._seconds.get(folder) if state == "done" else None,
            note=config.note,
        )

    def _seen_of_ended(self, folder: Path, status: Status) -> Seen:
        """Give what there is to see of a run that has ended; of one that has not, its owner tells more."""
        if status.state == "done":
            there = self._results.get(folder)
            return Seen(has_result=there, saved_step=None if there else self._saved.get(folder))
        return Seen(saved_step=self._saved.get(folder)) if status.state in FINAL else Seen()

    def _config_or_none(self, folder: Path) -> RunConfig | None:
        try:
            return self._configs.get(folder)
        except BadRun:
            return None


def _seconds(files: RunFiles) -> float | None:
    """Give how long a run learned, from the end of its curve; None where that cannot be read."""
    try:
        rows = read_metrics(files.metrics, limit_bytes=_TAIL_BYTES)
    except BadRun:
        return None
    return next((float(row["seconds"]) for row in reversed(rows) if "seconds" in row), None)


class _Known(Generic[T]):
    """What one small file, or folder, of each run said when it was last changed."""

    def __init__(self, read: Callable[[Path], T], file_name: str) -> None:
        self._read = read
        self._file_name = file_name
        self._said: dict[str, tuple[tuple[int, int, int], T]] = {}

    def get(self, folder: Path) -> T:
        path = f"{folder}/{self._file_name}"
        try:
            found = os.stat(path)  # noqa: PTH116 - half the time of a Path, for thousands of them
        except OSError:
            return self._read(folder)  # has the sentence for it
        version = (found.st_ino, found.st_mtime_ns, found.st_size)
        known = self._said.get(path)
        if known is not None and known[0] == version:
            return known[1]
        value = self._read(folder)
        self._said[path] = (version, value)
        return value

    def forget(self, folder: Path) -> None:
        self._said.pop(f"{folder}/{self._file_name}", None)
