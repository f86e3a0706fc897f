"""Repositories of the Hugging Face Hub in the cache: all files of one commit lie in one folder, and are kept together.

    CACHE/checkpoints/hub_OWNER_REPO_COMMIT…/{model.safetensors, config.json, …}
    CACHE/hub/OWNER_REPO@REVISION….json       which commit a revision was when it was asked for, and the files taken

A repository that is here is not asked for again: it stays the commit that it was, with or without a network.
"""

import contextlib
import dataclasses
import json
import os
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from vit_core.errors import ObjectMissing
from vit_core.store.cache import Cache
from vit_core.store.download import Downloader
from vit_core.store.hub import Repository, ask_hub
from vit_core.store.hub_name import HubName
from vit_core.store.location import HubFile, shelf_for
from vit_core.store.patience import Patience
from vit_core.store.problems import writing
from vit_core.store.progress import Progress

_ATTEMPTS = 3


class Repositories:
    """The repositories below one cache."""

    def __init__(self, cache: Cache, downloader: Downloader, *, folder: Path, patience: Patience) -> None:
        """Describe them; touches nothing.

        Args:
            cache: where their files lie.
            downloader: brings them.
            folder: for the notes of which commit was taken.
            patience: time limits.
        """
        self._cache = cache
        self._downloader = downloader
        self._folder = folder
        self._patience = patience

    def held(self, name: HubName) -> Path | None:
        """Give the file to open if the repository is here as a whole; asks nobody."""
        record = _read(self._record(name))
        if record is None:
            return None
        folder = self._cache.shelf(record.shelf)
        return folder / record.weights if all((folder / file).is_file() for file in record.files) else None

    def fetch(
        self, name: HubName, *, progress: Callable[[Progress], None] | None, cancel: threading.Event | None
    ) -> Path:
        """Give the file to open, downloaded and verified with what belongs beside it.

        Raises:
            StoreError: as of `Store.fetch`.
        """
        cancel = cancel or threading.Event()
        if (path := self.held(name)) and self._cache.touch(path):
            return path
        found = ask_hub(name, patience=self._patience, cancel=cancel)
        for _ in range(_ATTEMPTS):
            self._download(found.files, progress, cancel)
            self._keep(name, found)
            if path := self.held(name):
                return path
        raise ObjectMissing(f"The files of {name} were deleted from the cache as fast as they came; fetch it again.")

    def _download(
        self, files: Sequence[HubFile], progress: Callable[[Progress], None] | None, cancel: threading.Event
    ) -> None:
        total = sum(file.size or 0 for file in files)
        before = 0
        for file in files:
            report = _of_all(progress, before, total) if progress else None
            self._downloader.download(file, progress=report, cancel=cancel)
            before += file.size or 0

    def _keep(self, name: HubName, found: Repository) -> None:
        record = _Record(found.files[0].shelf, found.weights, tuple(_file_name(file) for file in found.files))
        path = self._record(name)
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(dataclasses.asdict(record)), encoding="utf-8")
            part.replace(path)

    def _record(self, name: HubName) -> Path:
        return self._folder / f"{shelf_for('', f'{name.repo}@{name.revision}')}.json"


@dataclasses.dataclass(frozen=True)
class _Record:
    shelf: str
    weights: str
    files: tuple[str, ...]


def _read(path: Path) -> _Record | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # none yet, or one that a crash cut off
        fields = json.loads(path.read_text(encoding="utf-8"))
        record = _Record(str(fields["shelf"]), str(fields["weights"]), tuple(map(str, fields["files"])))
        if not re.search(r"[/\\]", "".join((record.shelf, record.weights, *record.files))):
            return record
    return None


def _file_name(file: HubFile) -> str:
    return unquote(file.url.rpartition("/")[2])


def _of_all(show: Callable[[Progress], None], before: int, total: int) -> Callable[[Progress], None]:
    """Report on one file of several as a part of them all."""

    def report(one: Progress) -> None:
        done = before + one.done_bytes
        left = (total - done) / one.bytes_per_s if one.bytes_per_s else None
        show(dataclasses.replace(one, done_bytes=done, total_bytes=total or None, seconds_left=left))

    return report
