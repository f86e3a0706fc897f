"""The store: a name becomes a verified local file.

Knows buckets, the cache and the bundled demonstration; does not know what is in the files.
"""

import contextlib
import csv
import functools
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from vit_core.errors import BadInput, ObjectMissing, shorten
from vit_core.settings import Settings, bundled_data_dir
from vit_core.store.address import address_location, is_address, read_hub_name
from vit_core.store.cache import Cache
from vit_core.store.checked import Checked
from vit_core.store.download import Downloader
from vit_core.store.folder import weights_in
from vit_core.store.hub import hub_location
from vit_core.store.hub_name import HubName
from vit_core.store.index import IndexBytes, read_index
from vit_core.store.location import (
    RUN_PREFIX,
    Location,
    bucket_location,
    check_public_url,
    object_location,
    operator_hosts,
    run_location,
)
from vit_core.store.patience import Patience
from vit_core.store.problems import object_missing
from vit_core.store.progress import Progress
from vit_core.store.repositories import Repositories
from vit_core.store.shelves import CacheEntry, CacheUsage, files_of

__all__ = ["CacheEntry", "CacheUsage", "IndexBytes", "Location", "Progress", "Store"]


class Store:
    """Finds objects, brings them here and keeps them; safe to share between threads, and between processes by its disk.

    Example:
        >>> store = Store(Settings(bucket="gs://vit_models/augreg"))
        >>> store.locate("Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0").shown
        'gs://vit_models/augreg/Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0.npz'
    """

    def __init__(self, settings: Settings, *, patience: Patience | None = None) -> None:
        """Describe the store; opens nothing.

        Args:
            settings: the bucket, the index and the cache.
            patience: time limits; the default ones are for people.
        """
        self._settings = settings
        self._patience = patience or Patience()
        self._cache = Cache(settings.cache_dir, limit_bytes=settings.cache_limit_bytes)
        self._downloader = Downloader(self._cache, patience=self._patience)
        self._repositories = Repositories(
            self._cache, self._downloader, folder=settings.cache_dir / "hub", patience=self._patience
        )

    @property
    def settings(self) -> Settings:
        """What the store was made with."""
        return self._settings

    def locate(self, name_or_path: str | Path) -> Location:
        """Say where a checkpoint lies; asks no bucket.

        "run:NAME" is the model of a finished run; "hf:OWNER/REPO" or "hf:OWNER/REPO@REVISION" a repository of the
        Hugging Face Hub, also by the address of its page; an `https://` or `gs://` address a file of an allowed host or
        bucket; a path, or text with a path separator or ending in ".npz", a file of this machine; a name of the bundled
        demonstration is its file; any other name is an object of the bucket.

        Raises:
            ObjectMissing: the file is not there, or the run is not or has no result yet.
            BadInput: neither a path nor a name, or an address that is refused.
        """
        text = str(name_or_path)
        if text.startswith(RUN_PREFIX) and not isinstance(name_or_path, Path):
            return run_location(self._settings.runs_dir, text)
        if is_address(text) and not isinstance(name_or_path, Path):
            name = read_hub_name(text)
            return hub_location(name) if name else address_location(text, self._settings)
        if isinstance(name_or_path, Path) or re.search(r"[/\\]", text) or text.endswith((".npz", ".safetensors")):
            return _file_location(Path(name_or_path))
        if _is_file(Path(text)):
            return _file_location(Path(text))
        if text in _demo_names(bundled_data_dir() / "demo"):
            return _file_location(bundled_data_dir() / "demo" / f"{text}.npz")
        return object_location(self._settings.bucket, text)

    def local_path(self, name_or_path: str | Path) -> Path | None:
        """Give the file if it is on this machine already; asks no bucket.

        Raises:
            BadInput: neither a path nor a name.
        """
        try:
            location = self.locate(name_or_path)
        except ObjectMissing:
            return None
        if name := _hub_name(name_or_path):
            return self._repositories.held(name)
        path = location.path if location.kind == "file" else self._cache.slot(location).path
        return path if path.is_file() else None

    def fetch(
        self,
        name_or_path: str | Path,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Path:
        """Give the file of a checkpoint, downloaded and verified if it is not here yet.

        Many may ask for one file at once, in any thread and process: it is downloaded once. A file of the cache may be
        deleted when room is needed; hold a `lease`, or use `borrow`, while reading it.

        Args:
            name_or_path: as for `locate`.
            progress: called in the caller's thread, about ten times a second.
            cancel: ends the wait at once when set.

        Raises:
            BadInput: neither a path nor a name.
            StoreError: AccessDenied, ObjectMissing, Unreachable, CorruptDownload, StorageFull or Cancelled.
        """
        if name := _hub_name(name_or_path):
            return self._repositories.fetch(name, progress=progress, cancel=cancel)
        location = self.locate(name_or_path)
        if location.kind != "file":
            return self._downloader.download(location, progress=progress, cancel=cancel)
        if not location.path.is_file():
            raise object_missing(location)
        return location.path

    def lease(self, path: Path) -> contextlib.AbstractContextManager[Path]:
        """Keep a fetched file from being deleted within a `with` block.

        Raises:
            ObjectMissing: it has been deleted already; fetch it again.
        """
        return self._cache.lease(path)

    @contextlib.contextmanager
    def borrow(
        self,
        name_or_path: str | Path,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[Path]:
        """Fetch and lease in one: within the block the file is there.

        Raises:
            BadInput, StoreError: as of `fetch`.
        """
        with contextlib.ExitStack() as stack:
            for is_last in (False, False, False, True):
                path = self.fetch(name_or_path, progress=progress, cancel=cancel)
                try:
                    stack.enter_context(self.lease(path))
                    break
                except ObjectMissing:  # deleted for room, or by hand, in the moment between the two
                    if is_last:
                        raise
            yield path

    def read_index(
        self, url: str, *, known_generation: str | None = None, deadline_s: float = 8.0
    ) -> IndexBytes | None:
        """Read an index, or give None if its generation is the known one.

        Args:
            url: `gs://…`, `http(s)://…` or a path. One that is neither the index that the operator named nor that of
                the operator's bucket is opened only if `check_public_url` allows it.
            known_generation: of the copy that the caller has.
            deadline_s: the longest this call may take.

        Raises:
            BadInput: the URL is refused.
            StoreError: AccessDenied, ObjectMissing, Unreachable, CorruptDownload.
        """
        trusted = url == self._settings.index or url in _own_indices(self._settings.bucket)
        checked = url if trusted else check_public_url(url, allowed_hosts=operator_hosts(self._settings))
        return read_index(
            bucket_location(checked),
            known_generation=known_generation,
            deadline_s=deadline_s,
            trusted=trusted,
            patience=self._patience,
        )

    def usage(self) -> CacheUsage:
        """Count the files and bytes of the cache."""
        return self._cache.usage()

    def cached(self) -> tuple[CacheEntry, ...]:
        """List the files of the cache, the latest used first."""
        return self._cache.entries()

    def clear(self) -> int:
        """Delete what nobody uses from the cache; give the bytes freed."""
        return self._cache.clear()

    def discard(self, path: Path) -> bool:
        """Delete a fetched file that proved to be bad; say whether fetching it again helps.

        It does not for a file of the user's, nor for one that is as its bucket states it: bad where it was published.
        """
        return self._cache.discard(path)

    @property
    def checked(self) -> Checked:
        """The files that were read whole and found good, of the cache and of the user's own."""
        return self._cache.checked

    def is_fetched(self, path: Path) -> bool:
        """Tell whether a file lies in the cache, and is none of the user's own."""
        return self._cache.owns(path)

    def files_beside(self, path: Path) -> tuple[Path, ...]:
        """List all files of the repository of the hub that a fetched file belongs to, its own among them."""
        return tuple(files_of(path.parent))


def _hub_name(name_or_path: str | Path) -> HubName | None:
    return None if isinstance(name_or_path, Path) else read_hub_name(name_or_path)


def _own_indices(bucket: str) -> tuple[str, str]:
    """Give the address of a bucket's index, as written and in full."""
    return f"{bucket.rstrip('/')}/index.csv", object_location(bucket, "index", ".csv").url


def _file_location(path: Path) -> Location:
    try:
        location = Location(path.stem, str(path.expanduser().absolute()), "file")
        if location.path.is_file():
            return location
        is_folder = location.path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL in it, "~" of nobody
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise BadInput(f"{shorten(str(path))!r} cannot be a path: {reason}.") from error
    if is_folder:
        return Location(path.name, str(_weights_in(location.path)), "file")
    hint = " For a checkpoint of the catalogue leave out '.npz'." if path.name == str(path) else ""
    raise ObjectMissing(f"There is no file {shorten(str(path), 300)!r}; check the path.{hint}")


def _weights_in(folder: Path) -> Path:
    try:
        return weights_in(folder)
    except OSError as error:
        raise BadInput(f"The folder {shorten(str(folder), 300)!r} cannot be read: {error.strerror}.") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


@functools.lru_cache(maxsize=4)
def _demo_names(folder: Path) -> frozenset[str]:
    """Read the names of the bundled demonstration; empty where it is not bundled."""
    index = folder / "index.csv"
    if not index.is_file():
        return frozenset()
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return frozenset(row[column] for row in rows for column in ("filename", "adapt_filename") if row.get(column))
