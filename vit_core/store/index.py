"""Reading the index of a bucket, within a deadline, and cheaply when it has not changed.

Gives bytes; what they mean is the catalogue's matter.
"""

import contextlib
import dataclasses
import threading
import time
from functools import partial

from vit_core.errors import AccessDenied, BadIndex, Unreachable
from vit_core.store.background import run_within
from vit_core.store.gcsfs_reader import GcsfsReader
from vit_core.store.location import Location
from vit_core.store.patience import Patience
from vit_core.store.problems import Unchanged, describe_size, object_missing, unreachable
from vit_core.store.receive import receive
from vit_core.store.sink import MemorySink

MOST_INDEX_BYTES = 500 * 1000**2


@dataclasses.dataclass(frozen=True)
class IndexBytes:
    """An index as it lies in its bucket.

    Attributes:
        data: the file.
        generation: what names this version; give it back to ask for a newer one. None where nothing names it.
    """

    data: bytes
    generation: str | None


def read_index(
    location: Location, *, known_generation: str | None, deadline_s: float, trusted: bool, patience: Patience
) -> IndexBytes | None:
    """Read an index, or give None if its generation is the known one.

    Args:
        location: a URL or a file.
        known_generation: of the copy that the caller has.
        deadline_s: the longest this call may take, whatever the network does.
        trusted: the operator chose the location; see `WebSource`.
        patience: limits of the single attempts.

    Raises:
        StoreError: AccessDenied, ObjectMissing, Unreachable, CorruptDownload.
        BadIndex: too large to be one.
    """
    if location.kind == "file":
        return _read_file(location, known_generation)
    late = unreachable(location, f"no complete answer within {deadline_s:g} s")
    # A little less for the work itself, which knows the reason when it gives up; the whole for what cannot be stopped.
    inner_s = 0.9 * deadline_s
    if location.kind == "gs":
        read = GcsfsReader(
            location, limit=partial(_check_size, location), ends_at=time.monotonic() + inner_s, patience=patience
        )
        found = run_within(
            lambda: read(known_generation), seconds=deadline_s, late=late, name=f"reading {location.shown}"
        )
        return IndexBytes(*found) if found else None
    patience = dataclasses.replace(
        patience, reach_s=min(patience.reach_s, inner_s), give_up_s=min(patience.give_up_s, inner_s)
    )
    return _read_web(location, known_generation, deadline_s, trusted, patience, late)


def _read_file(location: Location, known_generation: str | None) -> IndexBytes | None:
    try:
        status = location.path.stat()
        generation = f"{status.st_mtime_ns}-{status.st_size}"
        if generation == known_generation:
            return None
        _check_size(location, status.st_size)
        return IndexBytes(location.path.read_bytes(), generation)
    except FileNotFoundError as error:
        raise object_missing(location) from error
    except OSError as error:
        raise AccessDenied(f"The file {location.url!r} cannot be read: {error.strerror}.") from error


def _read_web(
    location: Location,
    known_generation: str | None,
    deadline_s: float,
    trusted: bool,
    patience: Patience,
    late: Unreachable,
) -> IndexBytes | None:
    from vit_core.store.web import WebSource

    stop = threading.Event()
    source = WebSource(location, patience=patience, trusted=trusted, known=known_generation)
    sink = MemorySink(location, stop=stop, limit=partial(_check_size, location))

    def work() -> IndexBytes | None:
        with contextlib.closing(source):
            try:
                receive(source, sink, location, patience=patience, stop=stop)
            except Unchanged:
                return None
        return IndexBytes(bytes(sink.data), sink.version.generation if sink.version else None)

    try:
        return run_within(work, seconds=deadline_s, late=late, name=f"reading {location.shown}")
    finally:
        stop.set()
        source.interrupt()


def _check_size(location: Location, size_bytes: int) -> None:
    if size_bytes > MOST_INDEX_BYTES:
        raise BadIndex(
            f"{location.shown} has {describe_size(size_bytes)}; an index has at most {describe_size(MOST_INDEX_BYTES)}."
        )
