"""Reading the index of a bucket, within a deadline, and cheaply when it has not changed.

Gives bytes; what they mean is the catalogue's matter. gs:// goes through gcsfs.
"""

import contextlib
import dataclasses
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from vit_core.errors import AccessDenied, BadIndex, Unreachable, VitError
from vit_core.store.background import run_within
from vit_core.store.checksum import Crc32c
from vit_core.store.location import Location
from vit_core.store.patience import Patience
from vit_core.store.problems import (
    Unchanged,
    access_denied,
    check_status,
    corrupt,
    describe_size,
    object_missing,
    unreachable,
)
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
    if location.kind == "gs":
        ends_at = time.monotonic() + deadline_s
        return run_within(
            lambda: _read_gs(location, known_generation, ends_at, patience),
            seconds=deadline_s,
            late=late,
            name=f"reading {location.shown}",
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
    sink = MemorySink(location, stop=stop, limit=lambda size: _check_size(location, size))

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


def _read_gs(location: Location, known_generation: str | None, ends_at: float, patience: Patience) -> IndexBytes | None:
    with contextlib.ExitStack() as stack:
        try:
            filesystem = stack.enter_context(_filesystem("anon", patience))
            return _read_through(filesystem, location, known_generation, ends_at, patience.reach_s)
        except AccessDenied:
            credentials = _credentials(ends_at, patience)
            if credentials is None:
                raise
            filesystem = stack.enter_context(_filesystem(credentials, patience))
            return _read_through(filesystem, location, known_generation, ends_at, patience.reach_s)


def _read_through(
    filesystem: Any,  # noqa: ANN401 (gcsfs has no types)
    location: Location,
    known_generation: str | None,
    ends_at: float,
    reach_s: float,
) -> IndexBytes | None:
    path = location.url.removeprefix("gs://")
    fault = ""
    for _ in range(2):  # once more if the object was replaced between the two requests, or damaged
        with _translated(location):
            about = filesystem.info(path, timeout=min(_left(location, ends_at), reach_s))
        if about.get("type") == "directory":
            raise object_missing(location)
        generation = str(about["generation"])
        if generation == known_generation:
            return None
        _check_size(location, int(about["size"]))
        with _translated(location):
            data: bytes = filesystem.cat_file(path, timeout=_left(location, ends_at))
        # gcsfs checks nothing on this path.
        checksum = Crc32c()
        checksum.update(data)
        if about.get("crc32c") in (None, checksum.text()):
            return IndexBytes(data, generation)
        fault = f"its checksum is {checksum.text()}, but the bucket states {about['crc32c']}"
    raise corrupt(location, fault)


@contextlib.contextmanager
def _filesystem(token: object, patience: Patience) -> Iterator[Any]:
    # By default gcsfs asks a gRPC service for the type of the bucket first, and waits up to a minute where that cannot
    # be reached; it reads this switch when it is imported.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    import aiohttp
    import gcsfs
    from fsspec.asyn import sync

    # It logs the traceback of each refusal; without a handler of the application's that would go to the terminal.
    logging.getLogger("gcsfs").addHandler(logging.NullHandler())
    filesystem = gcsfs.GCSFileSystem(
        project="none",
        token=token,
        access="read_only",
        requests_timeout=aiohttp.ClientTimeout(sock_connect=patience.connect_s, sock_read=patience.read_s),
        session_kwargs={"trust_env": True},
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    try:
        yield filesystem
    finally:
        if filesystem.session is not None:
            sync(filesystem.loop, filesystem.session.close, timeout=1)


@contextlib.contextmanager
def _translated(location: Location) -> Iterator[None]:
    import aiohttp
    import requests
    from gcsfs.retry import HttpError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except VitError:
        raise
    except FileNotFoundError as error:
        raise object_missing(location) from error
    except TimeoutError as error:  # fsspec's own is one
        raise unreachable(location, "no complete answer within the time limit") from error
    except HttpError as error:
        check_status(location, int(error.code or 0))
        raise
    except (GoogleAuthError, OSError) as error:
        if isinstance(error, GoogleAuthError) or str(error).startswith("Forbidden"):
            raise access_denied(location) from error
        raise unreachable(location, str(error)) from error
    except (aiohttp.ClientError, requests.RequestException, ValueError, TypeError) as error:
        # TypeError is how gcsfs answers to an error body that it does not understand.
        raise unreachable(location, str(error)) from error


def _credentials(ends_at: float, patience: Patience) -> object | None:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return None
    from vit_core.store.gs import default_credentials

    return default_credentials(min(patience.sign_in_s, ends_at - time.monotonic()))


def _left(location: Location, ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise unreachable(location, "no complete answer within the time limit")
    return left


def _check_size(location: Location, size_bytes: int) -> None:
    if size_bytes > MOST_INDEX_BYTES:
        raise BadIndex(
            f"{location.shown} has {describe_size(size_bytes)}; an index has at most {describe_size(MOST_INDEX_BYTES)}."
        )
