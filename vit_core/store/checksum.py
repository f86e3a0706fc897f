"""The checksum of Google's buckets: CRC-32C, written as base64 of its four big-endian bytes (`x-goog-hash`)."""

import base64
from typing import Any

import google_crc32c


class Crc32c:
    """A running CRC-32C.

    Example:
        >>> checksum = Crc32c()
        >>> checksum.update(b"123456789")
        >>> checksum.text()
        '4waSgw=='
    """

    def __init__(self) -> None:
        # The package says it has types, but its functions have none.
        self._checksum: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._checksum.update(data)

    def text(self) -> str:
        """Give the checksum of all bytes so far."""
        return base64.b64encode(self._checksum.digest()).decode("ascii")
