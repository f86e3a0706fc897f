"""Repositories of the Hugging Face Hub in the cache: all files of one commit lie in one folder, and are kept together.

    CACHE/checkpoints/hub_OWNER_REPO_COMMIT…/{model.safetensors, config.json, …}
    CACHE/hub/OWNER_REPO@REVISION….json       which commit a revision was when it was asked for, and the file to open

A repository that is here is not asked for again: it stays the commit that it was, with or without a network.
"""

import contextlib
import dataclasses
import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from vit_core.errors import ObjectMissing
from vit_core.store.cache import Cache
from vit_core.store.download import Downloader
from vit_core.store.hub import Repository, ask_hub, cache_key
from vit_core.store.hub_name import INDEX, HubName
from vit_core.store.hub_problems import no_parts
from vit_core.store.location import HubFile, shelf_for
from vit_core.store.patience import Patience
from vit_core.store.problems import writing
from vit_core.store.progress import Progress
from vit_core.store.shelves import is_complete

_ATTEMPTS = 3
_LARGEST_INDEX = 50_000_000  # bytes; that of a model with a thousand layers has less than one hundredth of it


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
        path = folder / record.weights
        return path if path.is_file() and is_complete(folder) else None

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
        # What is here already must not make room for others before the rest is here, too.
        with self._cache.using(found.files[found.weights]):
            for _ in range(_ATTEMPTS):
                self._download(name, found, progress, cancel)
                if path := self.held(name):
                    return path
        raise ObjectMissing(f"The files of {name} were deleted from the cache as fast as they came; fetch it again.")

    def _download(
        self, name: HubName, found: Repository, progress: Callable[[Progress], None] | None, cancel: threading.Event
    ) -> None:
        if found.weights == INDEX:
            found = found.with_parts(self._parts(name, found.files[INDEX], cancel))
        files = found.files.values()
        sizes = {file: about.size or 0 for file, about in found.files.items()}
        weights = found.files[found.weights]
        self._cache.claim(sizes, slot=self._cache.slot(weights), name=str(name))
        before = 0
        for file in files:
            report = _of_all(progress, before, sum(sizes.values())) if progress else None
            self._downloader.download(file, progress=report, cancel=cancel)
            before += file.size or 0
        self._keep(name, _Record(weights.shelf, found.weights))

    def _parts(self, name: HubName, index: HubFile, cancel: threading.Event) -> list[str]:
        """Bring the list of the parts first: it alone says which files belong to these weights."""
        if (index.size or 0) > _LARGEST_INDEX:
            raise no_parts(str(name))
        path = self._downloader.download(index, cancel=cancel)
        with contextlib.suppress(ValueError, KeyError, AttributeError, TypeError):
            parts = sorted(set(map(str, json.loads(path.read_bytes())["weight_map"].values())))
            if parts:
                return parts
        raise no_parts(str(name))

    def _keep(self, name: HubName, record: "_Record") -> None:
        path = self._record(name)
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(dataclasses.asdict(record)), encoding="utf-8")
            part.replace(path)

    def _record(self, name: HubName) -> Path:
        return self._folder / f"{shelf_for('', cache_key(f'{name.repo}@{name.revision}'))}.json"


@dataclasses.dataclass(frozen=True)
class _Record:
    shelf: str
    weights: str


def _read(path: Path) -> _Record | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # none yet, or one that a crash cut off
        fields = json.loads(path.read_text(encoding="utf-8"))
        record = _Record(str(fields["shelf"]), str(fields["weights"]))
        if not re.search(r"[/\\]", record.shelf + record.weights):
            return record
    return None


def _of_all(show: Callable[[Progress], None], before: int, total: int) -> Callable[[Progress], None]:
    """Report on one file of several as a part of them all."""

    def report(one: Progress) -> None:
        done = before + one.done_bytes
        left = (total - done) / one.bytes_per_s if one.bytes_per_s else None
        show(dataclasses.replace(one, done_bytes=done, total_bytes=total or None, seconds_left=left))

    return report
