"""Checksums as their sources write them.

CRC-32C of Google's buckets: base64 of its four big-endian bytes (`x-goog-hash`). Of the Hugging Face Hub: SHA-256 of
large files, and git's own name, a SHA-1 over a header and the bytes, of small ones.
"""

import base64
import hashlib
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


class Digest:
    r"""A running digest, written "KIND:HEX".

    Example:
        >>> digest = Digest("git:", size_bytes=6)  # echo hello | git hash-object --stdin
        >>> digest.update(b"hello\n")
        >>> digest.text()
        'git:ce013625030ba8dba906f756967f9e9ca394464a'
    """

    def __init__(self, stated: str, *, size_bytes: int | None) -> None:
        """Begin one of the kind of `stated`, "sha256:…" or "git:…"; the latter is of the size, too."""
        self._kind = stated.partition(":")[0]
        if self._kind == "git":
            # git names its objects by SHA-1; the commit that we asked for names this one.
            self._hash = hashlib.sha1(b"blob %d\0" % (size_bytes or 0), usedforsecurity=False)
        else:
            self._hash = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(data)

    def text(self) -> str:
        """Give the digest of all bytes so far."""
        return f"{self._kind}:{self._hash.hexdigest()}"
