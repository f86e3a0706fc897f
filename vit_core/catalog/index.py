"""Where the table of checkpoints comes from: a named file or URL, the copy of an earlier load, the bucket, the package.

Knows the order and what is said when one of them fails. Needs no network to give a table: the last in the order is
bundled with the package.
"""

import dataclasses
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from vit_core.catalog.csv_text import LIMIT_BYTES, parse_csv
from vit_core.catalog.releases import is_other, with_other_releases
from vit_core.catalog.saved import CopyError, Saved, copy_path, read_copy, write_copy
from vit_core.catalog.table import complete, range_notes
from vit_core.errors import BadIndex, Unreachable, VitError, shorten
from vit_core.settings import Settings, bundled_data_dir

log = logging.getLogger(__name__)

Origin = Literal["named", "saved", "bucket", "bundled"]
NETWORK_LIMIT_S = 8.0  # of all sources together
REACH_LIMIT_S = 2.0  # of that, without any answer: a start on a machine without a network should not feel stuck
BUNDLED = "augreg/catalogue.parquet"
DEMO = "demo/index.csv"


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """A table of checkpoints and the story of how it was found.

    Attributes:
        frame: columns of `schema.COLUMNS`, a row per fine-tuned file; shared, so never changed in place.
        origin: which source in the order gave it.
        location: URL or path it was read from.
        generation: the source's mark of this version, None if it has none.
        loaded_at: when this object was made, UTC.
        saved_at: when the copy was read from its source, None if it is not a copy.
        notes: what is missing in the table or was blanked, as sentences.
        problems: why earlier sources in the order failed, as sentences with the next step.
    """

    frame: pd.DataFrame
    origin: Origin
    location: str
    generation: str | None
    loaded_at: datetime
    saved_at: datetime | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def other_rows(self) -> int:
        """Rows of the releases beside AugReg; 0 where they were not joined to the table."""
        return int(is_other(self.frame).sum())


def with_others(catalogue: Catalogue) -> Catalogue:
    """Give the same catalogue with the files of the other releases, if it is of AugReg and not a table of one's own."""
    sources = catalogue.frame["source"]
    if catalogue.origin == "named" or not (sources == "augreg").any():
        return catalogue
    return dataclasses.replace(catalogue, frame=with_other_releases(catalogue.frame))


def load_catalogue(settings: Settings, *, network: bool = True) -> Catalogue:
    """Find a table: the named one, the copy of an earlier load, the bucket's, the bundled one.

    Args:
        settings: `index` names a table, `bucket` holds `index.csv`, `cache_dir` holds copies.
        network: False never opens a socket, so that a page starts at once.

    Returns:
        The first table in the order that can be read. `problems` says why earlier ones could not be.
    """
    deadline = time.monotonic() + NETWORK_LIMIT_S
    problems: list[str] = []
    named = settings.index
    if named is not None and (network or _local_path(named)):
        found = _attempt(settings, named, "named", deadline, problems)
        if found is not None:
            return found
    bucket = _bucket_index(settings)
    for location in dict.fromkeys((named, bucket)):
        if location is not None and _local_path(location) is None:
            found = _from_copy(settings, location, problems)
            if found is not None:
                return found
    if bucket != named and (network or _local_path(bucket)):
        found = _attempt(settings, bucket, "bucket", deadline, problems)
        if found is not None:
            return found
    return dataclasses.replace(_bundled(), problems=tuple(problems))


def refresh_catalogue(settings: Settings) -> Catalogue | None:
    """Ask the named table or the bucket's for a newer version than the saved copy.

    Returns:
        The new table, saved for the next start, or None if it has not changed. A local file is always read anew.

    Raises:
        StoreError: the source cannot be read; the saved copy stays.
        BadIndex: what was read is not an index; the saved copy stays.
    """
    location = settings.index or _bucket_index(settings)
    origin: Origin = "named" if settings.index else "bucket"
    if (path := _local_path(location)) is not None:
        return read_index(path, location=location, origin=origin)
    return _download(settings, location, origin, known=_known_generation(settings, location), limit_s=NETWORK_LIMIT_S)


def read_index(data: bytes | Path, *, location: str, origin: Origin = "named") -> Catalogue:
    """Read a table of one's own, from a csv file or its bytes.

    Args:
        data: a path, or the bytes of an upload.
        location: name for messages and for the page.
        origin: which source in the order this is.

    Raises:
        BadIndex: not an index; the message names the trouble.
    """
    raw = parse_csv(_bytes(data, location) if isinstance(data, Path) else data, location=location)
    frame = complete(raw.frame, source="demo" if _is_demo(location) else None)
    return Catalogue(
        frame=frame,
        origin=origin,
        location=location,
        generation=None,
        loaded_at=datetime.now(UTC),
        notes=(*raw.notes, *range_notes(frame)),
    )


def read_url(url: str, settings: Settings, *, limit_s: float = NETWORK_LIMIT_S) -> Catalogue:
    """Read a table at an address that a visitor of a page typed; no copy of it is saved.

    Unlike the operator's `settings.index`, the address and whatever it redirects to must be on the store's allow-list.

    Raises:
        BadInput: the address is refused.
        StoreError: it cannot be read.
        BadIndex: what was read is not an index.
    """
    from vit_core.store.store import Store

    answer = Store(settings).read_index(url, known_generation=None, deadline_s=limit_s)
    if answer is None:
        raise Unreachable(f"{shorten(url)} answered without a table; try again.")
    return dataclasses.replace(read_index(answer.data, location=url), generation=answer.generation)


def load_demo() -> Catalogue:
    """Read the table of the small checkpoints that come with the package.

    Raises:
        BadIndex: the installation lacks it.
    """
    path = bundled_data_dir() / DEMO
    if not path.is_file():
        raise BadIndex(f"The demo's table {path} is missing; install the project again.")
    return read_index(path, location=str(path), origin="bundled")


def _bundled() -> Catalogue:
    path = bundled_data_dir() / BUNDLED
    try:
        saved = read_copy(path)
    except (FileNotFoundError, CopyError) as error:
        raise BadIndex(f"The bundled table {path} is missing or damaged; install the project again.") from error
    return Catalogue(
        frame=saved.frame,
        origin="bundled",
        location=str(path),
        generation=saved.generation,
        loaded_at=datetime.now(UTC),
        notes=saved.notes,
    )


def _attempt(
    settings: Settings, location: str, origin: Origin, deadline: float, problems: list[str]
) -> Catalogue | None:
    """Read one source; what goes wrong becomes a sentence in `problems`."""
    try:
        if (path := _local_path(location)) is not None:
            return read_index(path, location=location, origin=origin)
        known, limit_s = _known_generation(settings, location), deadline - time.monotonic()
        loaded = _download(settings, location, origin, known=known, limit_s=limit_s, problems=problems)
        return loaded or _from_copy(settings, location, problems)
    except VitError as error:
        log.info("%s: %s", location, error)
        problems.append(str(error))
        return None


def _download(
    settings: Settings,
    location: str,
    origin: Origin,
    *,
    known: str | None,
    limit_s: float,
    problems: list[str] | None = None,
) -> Catalogue | None:
    if limit_s <= 0:
        raise Unreachable(f"No time was left to ask for {shorten(location)}.")
    # gcsfs and what it needs take a second to import; a start without the network does not pay for them.
    from vit_core.store.patience import Patience
    from vit_core.store.store import Store

    store = Store(settings, patience=Patience(reach_s=min(REACH_LIMIT_S, limit_s)))
    answer = store.read_index(location, known_generation=known, deadline_s=limit_s)
    if answer is None:
        return None
    catalogue = dataclasses.replace(
        read_index(answer.data, location=location, origin=origin), generation=answer.generation
    )
    return dataclasses.replace(catalogue, problems=(*(problems or ()), *_save(settings, catalogue)))


def _save(settings: Settings, catalogue: Catalogue) -> tuple[str, ...]:
    saved = Saved(catalogue.frame, catalogue.location, catalogue.generation, catalogue.loaded_at, catalogue.notes)
    try:
        write_copy(copy_path(settings.cache_dir, catalogue.location), saved)
    except OSError as error:
        log.warning("no copy of %s: %s", catalogue.location, error)
        reason = error.strerror or type(error).__name__
        return (
            f"The table could not be saved in {settings.cache_dir} ({reason}), so the next start has to read it "
            "again; set VIT_CACHE_DIR to a folder that can be written.",
        )
    return ()


def _from_copy(settings: Settings, location: str, problems: list[str]) -> Catalogue | None:
    path = copy_path(settings.cache_dir, location)
    try:
        saved = read_copy(path)
    except FileNotFoundError:
        return None
    except CopyError as error:
        log.warning("%s", error)
        problems.append(f"The saved copy of {shorten(location)} is damaged and was not used; refresh to replace it.")
        return None
    if saved.location != location:
        return None
    return Catalogue(
        frame=saved.frame,
        origin="saved",
        location=location,
        generation=saved.generation,
        loaded_at=datetime.now(UTC),
        saved_at=saved.saved_at,
        notes=saved.notes,
        problems=tuple(problems),
    )


def _known_generation(settings: Settings, location: str) -> str | None:
    try:
        return read_copy(copy_path(settings.cache_dir, location)).generation
    except (FileNotFoundError, CopyError):
        return None


def _bucket_index(settings: Settings) -> str:
    return f"{settings.bucket.rstrip('/')}/index.csv"


def _local_path(location: str) -> Path | None:
    bare = location.removeprefix("file://")
    if "://" in bare:
        return None
    try:
        return Path(bare).expanduser()
    except RuntimeError:  # "~" of nobody: reading it says that there is no such file
        return Path(bare)


def _is_demo(location: str) -> bool:
    path = _local_path(location)
    return path is not None and path.resolve() == (bundled_data_dir() / DEMO).resolve()


def _bytes(path: Path, location: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > LIMIT_BYTES:
            raise BadIndex(f"{shorten(location)} has {size / 1e6:.0f} MB; an index may have {LIMIT_BYTES // 10**6} MB.")
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadIndex(f"{shorten(location)} cannot be read ({reason}); name a csv file that exists.") from error
