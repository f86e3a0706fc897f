"""Where the bytes of an object go, counted and checksummed on the way.

A sink knows which version of the object its bytes are of, so that an interrupted download can go on and two versions
never mix.
"""

import abc
import dataclasses
import threading
import time
from collections.abc import Callable

from vit_core.store.checksum import Crc32c, Digest
from vit_core.store.location import Location
from vit_core.store.problems import Surplus, cancelled


@dataclasses.dataclass(frozen=True)
class Version:
    """What a bucket says of one version of an object.

    Attributes:
        generation: what pins it: the generation of Google's buckets, else the strong ETag or the date; None if nothing.
        size: bytes, None if unsaid.
        crc32c: CRC-32C of the whole, base64 of the big-endian bytes as in `x-goog-hash`; None if unsaid.
        digest: "sha256:HEX" or "git:HEX" of the whole, as `Digest` writes it; None if unsaid.
    """

    generation: str | None
    size: int | None
    crc32c: str | None
    digest: str | None = None

    @property
    def is_provable(self) -> bool:
        """Whether the bytes can be proven right without asking the source again."""
        return self.crc32c is not None or self.digest is not None


class Sink(abc.ABC):
    """Takes the bytes of one object.

    Attributes:
        offset: bytes held so far, all of `version`.
        version: of the bytes held, None before the first.
        furthest: the largest offset ever reached, and `furthest_at` when (monotonic seconds).
    """

    def __init__(self, location: Location, *, stop: threading.Event) -> None:
        self.offset = 0
        self.version: Version | None = None
        self.furthest = 0
        self.furthest_at = time.monotonic()
        self._location = location
        self._stop = stop
        self._start_sums(None)

    def begin(self, start: int, version: Version) -> None:
        """Get ready for bytes from `start` on: 0, or `offset` when they are of the version held."""
        assert start == 0 or (start, version) == (self.offset, self.version)  # noqa: S101 (a mix of two versions)
        if start == 0:
            self._empty(version)
            self.offset, self.version = 0, version
            self._start_sums(version)

    def write(self, data: bytes) -> int:
        """Take the next bytes.

        Raises:
            Cancelled: the download was stopped.
            StorageFull: there is no room for them.
            Surplus: they are more than the object has.
        """
        if self._stop.is_set():
            raise cancelled(self._location)
        stated = self.version.size if self.version else None
        if stated is not None and self.offset + len(data) > stated:
            raise Surplus(f"more bytes came than the {stated} that {self._location.place} states")
        self._keep(data)
        self._add_to_sums(data)
        self.offset += len(data)
        if self.offset > self.furthest:
            self.furthest, self.furthest_at = self.offset, time.monotonic()
        return len(data)

    def fault(self) -> str | None:
        """Give what is wrong with the bytes of a finished transfer, as a clause, or None if nothing is."""
        version = self.version
        if version is None:
            return "no bytes came"
        if version.size is not None and self.offset != version.size:
            return f"{self.offset} bytes came, but {self._location.place} states {version.size}"
        for stated, sum_ in ((version.crc32c, self._crc), (version.digest, self._digest)):
            if stated is not None and sum_ is not None and sum_.text() != stated:
                return f"its checksum is {sum_.text()}, but {self._location.place} states {stated}"
        return None

    @property
    def is_complete(self) -> bool:
        """Whether the bytes held are all and can be proven right without asking the bucket."""
        version = self.version
        return version is not None and version.is_provable and self.offset == version.size

    def reset(self) -> None:
        """Forget all bytes: they were wrong."""
        self.offset, self.version, self.furthest = 0, None, 0
        self.furthest_at = time.monotonic()
        self._start_sums(None)

    def _start_sums(self, version: Version | None) -> None:
        self._crc = Crc32c()
        stated = version.digest if version else None
        self._digest = Digest(stated, size_bytes=version.size) if version and stated else None

    def _add_to_sums(self, data: bytes) -> None:
        self._crc.update(data)
        if self._digest:
            self._digest.update(data)

    @abc.abstractmethod
    def _empty(self, version: Version) -> None:
        """Drop what is held and get ready for `version`."""

    @abc.abstractmethod
    def _keep(self, data: bytes) -> None:
        """Put the bytes behind those held."""


class MemorySink(Sink):
    """Keeps a small object in memory."""

    def __init__(self, location: Location, *, stop: threading.Event, limit: Callable[[int], None]) -> None:
        """Make an empty one; `limit` is called with each size and raises when it is too large."""
        super().__init__(location, stop=stop)
        self.data = bytearray()
        self._limit = limit

    def _empty(self, version: Version) -> None:
        self._limit(version.size or 0)
        self.data.clear()

    def _keep(self, data: bytes) -> None:
        self._limit(len(self.data) + len(data))
        self.data += data
