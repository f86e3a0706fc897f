"""One download per file, however many ask: who downloads, who waits, and how either is cancelled.

Whoever holds the download lock of the file downloads it, in a thread; all others, in this process or another, wait for
the lock, see how far the file is, and then find it there. A waiter takes over when the downloader was cancelled or
killed, and shares its error when it failed.
"""

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from vit_core.errors import (
    AccessDenied,
    Cancelled,
    CorruptDownload,
    ObjectMissing,
    StorageFull,
    StoreError,
    Unreachable,
)
from vit_core.store.background import Background
from vit_core.store.cache import Cache, Slot
from vit_core.store.location import Location
from vit_core.store.locks import FileLock, read_note, try_lock
from vit_core.store.part import PartFile, claimed_bytes
from vit_core.store.patience import Patience
from vit_core.store.problems import cancelled, unreachable
from vit_core.store.progress import Progress, SpeedMeter
from vit_core.store.receive import Source, open_source, receive
from vit_core.store.shelves import proof_of

ProgressCallback = Callable[[Progress], None]
# What one attempt learnt holds for all who waited for it.
_SHARED_ERRORS: tuple[type[StoreError], ...] = (
    AccessDenied,
    ObjectMissing,
    Unreachable,
    CorruptDownload,
    StorageFull,
)
_LET_GO_S = 1.0  # how long a cancelled download may take to put its file down before its caller goes on


class Downloader:
    """Brings objects of buckets into a cache."""

    def __init__(self, cache: Cache, *, patience: Patience) -> None:
        self._cache = cache
        self._patience = patience

    def download(
        self, location: Location, *, progress: ProgressCallback | None = None, cancel: threading.Event | None = None
    ) -> Path:
        """Give the object's file in the cache, downloaded if need be.

        Args:
            location: in a bucket.
            progress: called in this thread, about every `patience.poll_s`.
            cancel: ends the wait at once when set.

        Raises:
            StoreError: AccessDenied, ObjectMissing, Unreachable, CorruptDownload, StorageFull or Cancelled.
        """
        slot = self._cache.slot(location)
        caller = _Caller(location, slot, progress, cancel or threading.Event(), self._patience)
        present = self._cache.take(slot)
        if present is not None:
            return present
        self._cache.prepare(location)
        lock = caller.wait_for_turn()
        present = self._cache.take(slot)
        if present is not None:
            lock.release()
            return present
        transfer = _Transfer(location, slot, self._cache, lock, patience=self._patience)
        return caller.follow(transfer)


class _Caller:
    """The side of who asked: waits, reports, cancels."""

    def __init__(
        self,
        location: Location,
        slot: Slot,
        progress: ProgressCallback | None,
        cancel: threading.Event,
        patience: Patience,
    ) -> None:
        self._location = location
        self._slot = slot
        self._progress = progress
        self._cancel = cancel
        self._patience = patience
        self._meter = SpeedMeter(location.name)

    def wait_for_turn(self) -> FileLock:
        """Wait for the download lock; raise the error of the download that was waited for, if it failed."""
        before = read_note(self._slot.download_lock)
        lock = try_lock(self._slot.download_lock)
        if lock is not None:
            return lock
        done, since = -1, time.monotonic()
        while lock is None:
            now_done = self._report_other()
            if now_done != done:
                done, since = now_done, time.monotonic()
            if time.monotonic() - since > self._patience.other_s:
                raise unreachable(
                    self._location,
                    f"another process is downloading it and got nothing new for {self._patience.other_s:g} s",
                )
            if self._cancel.wait(self._patience.poll_s):
                raise cancelled(self._location)
            lock = try_lock(self._slot.download_lock)
        note = read_note(self._slot.download_lock)
        error = _shared_error(note) if note != before and not self._slot.path.is_file() else None
        if error is not None:
            lock.release()
            raise error
        return lock

    def follow(self, transfer: "_Transfer") -> Path:
        """Run a transfer in a thread; report on it, and end it when cancelled, interrupted or of no more use."""
        job = Background(transfer.run, name=f"download of {self._location.name}")
        watch = _Watchdog(self._location, self._patience)
        try:
            while not job.ended.wait(self._patience.poll_s):
                if self._cancel.is_set():
                    raise cancelled(self._location)
                watch.check(transfer)
                self._report(*transfer.state())
        finally:
            if not job.ended.is_set():
                transfer.interrupt()
                job.ended.wait(_LET_GO_S)
        path = job.outcome()
        self._report(*transfer.state())
        return path

    def _report(self, done: int, total: int | None) -> None:
        if self._progress is not None:
            self._progress(self._meter.measure(done, total, now=time.monotonic()))

    def _report_other(self) -> int:
        done = 0
        with contextlib.suppress(FileNotFoundError):
            done = self._slot.part.stat().st_size
        self._report(done, claimed_bytes(self._slot.part) or None)
        return done


class _Watchdog:
    """Ends a transfer that is too slow to be of use, or stuck where no time limit reaches, as in a name lookup."""

    def __init__(self, location: Location, patience: Patience) -> None:
        self._location = location
        self._patience = patience
        self._began, self._offset = time.monotonic(), 0

    def check(self, transfer: "_Transfer") -> None:
        """Raise Unreachable if next to nothing has come for longer than the transfer itself would allow."""
        now, (offset, _) = time.monotonic(), transfer.state()
        spent = now - self._began
        # The longest single wait goes on top, so that the transfer's own limits, which know the reason, speak first.
        if transfer.is_receiving and spent < self._patience.give_up_s + sum(self._patience.timeout):
            return
        gained = offset - self._offset
        if transfer.is_receiving and 0 <= gained < self._patience.slowest_bytes_per_s * spent:
            error = unreachable(self._location, f"only {gained} bytes came in the last {spent:.0f} seconds")
            transfer.interrupt(error)
            raise error
        self._began, self._offset = now, offset


class _Transfer:
    """The side of the bytes: runs in a thread of its own, and holds the download lock until its end."""

    def __init__(self, location: Location, slot: Slot, cache: Cache, lock: FileLock, *, patience: Patience) -> None:
        self._location = location
        self._slot = slot
        self._cache = cache
        self._lock = lock
        self._patience = patience
        self.is_receiving = False
        self._stop = threading.Event()
        self._verdict: StoreError | None = None
        self._source: Source | None = None
        self._sink: PartFile | None = None

    def run(self) -> Path:
        """Download; leave a note of a failure for those who wait."""
        try:
            return self._run()
        except Cancelled as error:
            self._leave_note(self._verdict or error)
            raise
        except StoreError as error:
            self._leave_note(error)
            raise
        finally:
            self._lock.release()

    def state(self) -> tuple[int, int | None]:
        """Give the bytes held and the size."""
        sink = self._sink
        if sink is None:
            return 0, None
        return sink.offset, sink.version.size if sink.version else None

    def interrupt(self, verdict: StoreError | None = None) -> None:
        """End it soon, from another thread; `verdict` is what those who wait for it shall hear."""
        self._verdict = verdict or self._verdict
        self._stop.set()
        if self._source is not None:
            self._source.interrupt()

    def _leave_note(self, error: StoreError) -> None:
        self._write_note(_note_of(error))

    def _write_note(self, note: bytes) -> None:
        with contextlib.suppress(OSError):  # on a full disk there is no note, and who waits will try for itself
            self._lock.write_note(note)

    def _run(self) -> Path:
        self._cache.sweep()
        sink = self._sink = PartFile(
            self._slot.part,
            self._location,
            stop=self._stop,
            on_size=lambda size, is_least: self._cache.make_room(size, slot=self._slot, is_least=is_least),
        )
        try:
            source = self._source = open_source(self._location, patience=self._patience)
            with contextlib.closing(source):
                self.is_receiving = True
                receive(source, sink, self._location, patience=self._patience, stop=self._stop)
                self.is_receiving = False
            self._write_note(proof_of(sink.version))  # before it can be seen, and taken for one that is not proven
            sink.finish(self._slot.path)
        except (ObjectMissing, CorruptDownload, StorageFull):
            sink.discard()
            raise
        finally:
            sink.close()
        return self._slot.path


def _note_of(error: StoreError) -> bytes:
    record = {"attempt": secrets.token_hex(8), "error": type(error).__name__, "message": str(error)}
    return json.dumps(record).encode()


def _shared_error(note: bytes) -> StoreError | None:
    """Read the error of a failed download from the note it left."""
    try:
        record = json.loads(note or b"{}")
        name, message = record.get("error"), str(record.get("message"))
    except (ValueError, AttributeError):  # cut off by a crash
        return None
    for kind in _SHARED_ERRORS:
        if kind.__name__ == name:
            return kind(message)
    return None
