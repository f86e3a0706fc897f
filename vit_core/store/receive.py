"""The loop round a download: try, wait, go on where it ended, give up in time.

Says when to try again, for every kind of bucket; how the bytes come is the source's matter, where they go the sink's.
"""

import logging
import threading
import time
from typing import Protocol

from vit_core.errors import CorruptDownload
from vit_core.store.location import HubFile, Location
from vit_core.store.patience import Patience
from vit_core.store.problems import Interrupted, Replaced, Surplus, cancelled, corrupt, unreachable
from vit_core.store.sink import Sink

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Where the bytes of one object come from."""

    def transfer(self, sink: Sink) -> None:
        """Bring the bytes that the sink still lacks, in one attempt."""

    def interrupt(self) -> None:
        """End a transfer that waits for bytes in another thread."""

    def close(self) -> None:
        """Close the connections."""


def open_source(location: Location, *, patience: Patience) -> Source:
    """Give the source for a location in a bucket; the libraries behind it are imported only now (0.6 s for gs://).

    What a person gave by its address is read without our credentials, and a redirect to another server is not followed.
    """
    if location.kind == "gs":
        from vit_core.store.gs import GsSource

        return GsSource(location, patience=patience, may_sign_in=not location.shelf)
    if isinstance(location, HubFile):
        from vit_core.store.hub_source import HubSource

        return HubSource(location, patience=patience)
    from vit_core.store.web import WebSource

    return WebSource(location, patience=patience, trusted=not location.shelf)


def receive(source: Source, sink: Sink, location: Location, *, patience: Patience, stop: threading.Event) -> None:
    """Bring an object into a sink, whole and checked.

    An attempt that was cut off is followed by another, from the byte where it ended. Bytes of the wrong length or
    checksum, or of an object that was replaced meanwhile, are dropped and read once more from the start.

    Args:
        source: where from.
        sink: where to; may hold bytes of an earlier attempt.
        location: for messages.
        patience: time limits.
        stop: ends the work when set.

    Raises:
        AccessDenied, ObjectMissing, StorageFull: at once.
        Unreachable: no new byte within the limits of `patience`.
        CorruptDownload: wrong twice.
        Cancelled: `stop` was set.
    """
    attempt = _Attempts(sink, location, patience=patience, stop=stop)
    while not sink.is_complete or sink.fault():
        try:
            source.transfer(sink)
        except Interrupted as event:
            attempt.wait(event)
        except Replaced:
            attempt.start_over("it was replaced in the bucket while it was read")
        except Surplus as event:
            attempt.start_over(str(event))
        else:
            fault = sink.fault()
            if fault is None:
                return
            attempt.start_over(fault)


class _Attempts:
    """How often and for how long one download has been tried."""

    def __init__(self, sink: Sink, location: Location, *, patience: Patience, stop: threading.Event) -> None:
        self._sink = sink
        self._location = location
        self._patience = patience
        self._stop = stop
        self._failures = 0
        self._started_over = False
        self._answered = False
        self._mark = 0

    def wait(self, event: Interrupted) -> None:
        """Wait for the next attempt, or give up."""
        self._answered = self._answered or event.answered
        if self._sink.furthest > self._mark:
            self._failures, self._mark = 0, self._sink.furthest
        pause = self._patience.pause(self._failures)
        if event.retry_after_s is not None:
            pause = max(pause, event.retry_after_s)
        limit = self._patience.give_up_s if self._answered else self._patience.reach_s
        if self._stop.is_set():
            raise cancelled(self._location)
        quiet = time.monotonic() - self._sink.furthest_at
        if quiet + pause > limit:
            raise unreachable(self._location, self._why(event, quiet)) from event
        _log.info("%s: %s; again in %.1f s", self._location.name, event.reason, pause)
        self._failures += 1
        if self._stop.wait(pause):
            raise cancelled(self._location)

    def start_over(self, reason: str) -> None:
        """Drop what has come and allow one more go."""
        _log.info("%s: %s; starting over", self._location.name, reason)
        if self._started_over:
            raise self._corrupt(reason)
        self._started_over = True
        self._sink.reset()
        self._mark = 0

    def _corrupt(self, reason: str) -> CorruptDownload:
        return corrupt(self._location, reason)

    def _why(self, event: Interrupted, quiet: float) -> str:
        if event.retry_after_s is not None:
            return f"{event.reason} and asks to wait {event.retry_after_s:g} s"
        tries = "" if self._failures == 0 else f", {self._failures + 1} times in {quiet:.0f} s"
        return f"{event.reason}{tries}"
