"""The sentences of the store: each failure named once, with the object, the reason and the next step."""

import contextlib
import errno
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from vit_core.errors import (
    AccessDenied,
    Cancelled,
    CorruptDownload,
    ObjectMissing,
    StorageFull,
    StoreError,
    Unreachable,
    shorten,
)
from vit_core.store.location import Location

USE_A_COPY = "Use a copy: set VIT_BUCKET to a mirror or a folder of your own, or give the path of a local file."
_OWN_FILE = "A file that you have works by its path."
_MIRROR = "HF_ENDPOINT names a mirror of the hub if there is one, and a file that you have works by its path."
# A quota is a full disk to the person who meets it, and so is a limit on the size of one file.
FULL_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# What is found in the messages of the HTTP libraries, and what it means.
_CLUES = (
    ("Name or service not known", "the name of its server is unknown"),
    ("Temporary failure in name resolution", "the name of its server could not be looked up"),
    ("nodename nor servname", "the name of its server is unknown"),
    ("Connect call failed", "nothing answers there (connection refused)"),
    ("Connection refused", "nothing answers there (connection refused)"),
    ("Network is unreachable", "the network is unreachable"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not valid"),
    ("Connection timeout", "no connection within the time limit"),
    ("onnect timeout", "no connection within the time limit"),
    ("timed out", "no bytes came within the time limit"),
    ("IncompleteRead", "the connection was cut"),
    ("Connection broken", "the connection was cut"),
    ("Connection aborted", "the connection was cut"),
    ("Connection reset", "the connection was cut"),
)


class Interrupted(Exception):
    """One attempt ended early and another one may succeed; never leaves the package.

    Attributes:
        reason: what happened, as a clause: "it answered 503 (Service Unavailable)".
        answered: whether anything answered at all.
        retry_after_s: how long the bucket asks us to wait, None if it does not say.
    """

    def __init__(self, reason: str, *, answered: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answered = answered
        self.retry_after_s = retry_after_s


class Replaced(Exception):
    """The object changed while it was read: what came so far is of another version; never leaves the package."""


class Surplus(Exception):
    """More bytes came than the object has; never leaves the package."""


class Unchanged(Exception):
    """The bucket's version is the one that the caller knows; never leaves the package."""


def access_denied(location: Location, status: int | None = None) -> AccessDenied:
    """The bucket refuses the object to everybody we can be."""
    answer = f" (it answered {describe_status(status)})" if status else ""
    who = location.place[0].upper() + location.place[1:]
    return AccessDenied(f"{who} does not let us read {location.shown}{answer}. {_instead(location)}")


def object_missing(location: Location) -> ObjectMissing:
    """There is no such object or file."""
    if location.kind == "file":
        return ObjectMissing(f"There is no file {shorten(location.shown, 300)!r}; check the path or the name.")
    if location.shelf:
        return ObjectMissing(f"There is no {location.shown}; check the address.")
    return ObjectMissing(
        f"There is no {location.shown} in the bucket; check the name, and that VIT_BUCKET is the bucket you mean."
    )


def unreachable(location: Location, reason: str) -> Unreachable:
    """No usable answer within the time limit."""
    return Unreachable(
        f"{location.shown} could not be read: {shorten(reason, 200)}. "
        f"Check the network, or try again later. {_instead(location)}"
    )


def _instead(location: Location) -> str:
    if location.kind == "hub":
        return _MIRROR
    return _OWN_FILE if location.shelf else USE_A_COPY


def corrupt(location: Location, reason: str) -> CorruptDownload:
    """The bytes are not the object's, and reading them again did not help."""
    return CorruptDownload(
        f"{location.shown} arrived damaged twice: {reason}. Nothing was kept; try again later, or from another network."
    )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk refuses within the block into an error for people.

    Raises:
        StorageFull: there is no room.
        StoreError: the system has another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK_ERRORS:
            raise StorageFull(
                f"There is no room on the disk for {path.name.removesuffix('.part')} ({error.strerror}). "
                "Free some space, clear the cache, or set VIT_CACHE_DIR to a folder on another disk."
            ) from error
        raise StoreError(
            f"The cache folder {str(path.parent)!r} cannot be written: {error.strerror or error}. "
            "Make it writable, or set VIT_CACHE_DIR to another folder."
        ) from error


def cancelled(location: Location) -> Cancelled:
    """The user stopped it."""
    return Cancelled(f"The download of {location.name} was cancelled; what has arrived is kept for the next attempt.")


def check_status(location: Location, status: int, *, retry_after: str | None = None) -> None:
    """Turn an HTTP status into what it means for us; return on success.

    Raises:
        AccessDenied: 401, 403.
        ObjectMissing: 404, 410.
        Interrupted: 408, 429 and 5xx, which may pass.
        Unreachable: any other that is not a success.
    """
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise access_denied(location, status)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise object_missing(location)
    reason = f"{location.place} answered {describe_status(status)}"
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500:
        raise Interrupted(reason, answered=True, retry_after_s=seconds_of(retry_after))
    raise unreachable(location, reason)


def describe_size(size_bytes: int) -> str:
    """Give a size for a message.

    Example:
        >>> describe_size(1_340_000_000)
        '1.34 GB'
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes} bytes"


def describe_status(status: int) -> str:
    """Give a status with its name: `503 (Service Unavailable)`."""
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def reason_of(error: BaseException) -> str:
    """Say in a few words what the stack of HTTP libraries says in many, and nothing secret.

    Example:
        >>> reason_of(OSError("odd answer from https://me:word@host/a.npz?sig=abc"))
        'odd answer from https://host/a.npz'
    """
    text = str(error)
    for clue, reason in _CLUES:
        if clue in text:
            return reason
    return re.sub(r"\?[^\s'\")]*|(?<=//)[^/@\s]*@", "", text)  # queries and passwords of URLs that it may quote


def seconds_of(retry_after: str | None) -> float | None:
    """Read a Retry-After header in seconds; its other form, a date, is rare enough to be left to our own pauses."""
    return float(retry_after) if retry_after and retry_after.isdigit() and len(retry_after) < 8 else None
