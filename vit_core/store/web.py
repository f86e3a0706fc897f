"""Objects of any web server that gives files: a mirror, or the public address of a Google bucket.

Resumes with Range and If-Range where the server pins versions by a strong ETag or a date, and checks the CRC-32C of
`x-goog-hash` where it is sent.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from vit_core.errors import Unreachable
from vit_core.store.location import Location, shown_url
from vit_core.store.patience import Patience
from vit_core.store.problems import Interrupted, Replaced, Unchanged, check_status, unreachable
from vit_core.store.session import Watch, without_netrc
from vit_core.store.sink import Sink, Version

_BLOCK = 1 << 16
_MOST_REDIRECTS = 5


class WebSource:
    """One object behind an http(s) URL."""

    def __init__(
        self, location: Location, *, patience: Patience, trusted: bool = True, known: str | None = None
    ) -> None:
        """Get ready; opens nothing.

        Args:
            location: of kind "http".
            patience: time limits.
            trusted: the operator chose the URL: its server may redirect to another https host. Otherwise it may not.
            known: a generation that the caller has already; Unchanged is raised if it is still the one.
        """
        self._location = location
        self._patience = patience
        self._trusted = trusted
        self._known = known
        self._session = requests.Session()
        without_netrc(self._session)
        self._asked = location.url  # or where it led to
        self._watch = Watch()
        self._watch.observe(self._session)

    def transfer(self, sink: Sink) -> None:
        """Bring the bytes that the sink still lacks, of the version that the server has now.

        Raises:
            AccessDenied, ObjectMissing, Unreachable: for good.
            Interrupted, Replaced: another attempt may succeed.
            Unchanged: the version is the known one.
        """
        with self._translated(), self._get(self._headers(sink)) as response:
            if response.status_code == HTTPStatus.NOT_MODIFIED:
                raise Unchanged
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise Replaced
            self._check(response)
            self._begin(sink, response)
            while block := response.raw.read1(_BLOCK, decode_content=False):  # what is there, without waiting for more
                sink.write(block)

    def interrupt(self) -> None:
        """End a transfer that waits for bytes in another thread."""
        self._watch.interrupt()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _check(self, response: requests.Response) -> None:
        check_status(self._location, response.status_code, retry_after=response.headers.get("Retry-After"))

    def _headers(self, sink: Sink) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}  # the stored bytes, which length and checksum are of
        if sink.offset and sink.version and sink.version.generation:
            headers |= {"Range": f"bytes={sink.offset}-", "If-Range": sink.version.generation}
        elif self._known and self._known.startswith('"'):
            headers["If-None-Match"] = self._known
        elif self._known:
            headers["If-Modified-Since"] = self._known
        return headers

    def _begin(self, sink: Sink, response: requests.Response) -> None:
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            sink.begin(0, version_of(response.headers))
            return
        start, total = content_range(response.headers.get("Content-Range", ""))
        held = sink.version
        # Some servers ignore If-Range; what they send must still be the rest of what is held.
        generation = version_of(response.headers).generation
        if held is None or start != sink.offset or total != held.size or generation not in (None, held.generation):
            raise Replaced
        sink.begin(start, held)

    def _get(self, headers: dict[str, str]) -> requests.Response:
        url = self._location.url
        for _ in range(_MOST_REDIRECTS):
            self._asked = url
            response = self._session.get(
                url,
                headers=headers | self._secrets(url),
                stream=True,
                timeout=self._patience.timeout,
                allow_redirects=False,
            )
            if not response.is_redirect:
                return response
            target = urljoin(url, response.headers["Location"])
            response.close()
            self._check_redirect(url, target)
            url = target
        raise unreachable(self._location, f"it redirects more than {_MOST_REDIRECTS} times")

    def _secrets(self, url: str) -> dict[str, str]:
        """Give headers for this address alone, of those that redirects lead to."""
        return {}

    def _check_redirect(self, url: str, target: str) -> None:
        old, new = urlsplit(url), urlsplit(target)
        same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
        if same or (self._trusted and new.scheme == "https"):
            return
        raise Unreachable(
            f"{self._location.shown} redirects to {shown_url(target)}, which is not followed from there; "
            "give that address itself if you trust it."
        )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise unreachable(self._location, "its address is not a web address") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._interrupted(error) from error

    def _interrupted(self, error: Exception) -> Interrupted:
        """Say what happened, and at which server if it is another one than that of the address."""
        event = self._watch.interrupted(error)
        host, asked = (urlsplit(url).netloc.rpartition("@")[2] for url in (self._location.url, self._asked))
        if host == asked:
            return event
        return Interrupted(
            f"at {asked}, to which {self._location.place} leads, {event.reason}", answered=event.answered
        )


def version_of(headers: Mapping[str, str]) -> Version:
    """Read what a response says of its object.

    Example:
        >>> version_of({"ETag": '"a"', "Content-Length": "7", "x-goog-hash": "crc32c=AAAAAA==,md5=x"})
        Version(generation='"a"', size=7, crc32c='AAAAAA==', digest=None)
    """
    etag = headers.get("ETag") or ""
    # RFC 9110, section 13.1.5: a weak ETag, W/"…", must not be used to put ranges together.
    generation = etag if etag.startswith('"') else headers.get("Last-Modified")
    length = headers.get("Content-Length") or ""
    stored = headers.get("x-goog-stored-content-encoding") or "identity"
    hashes = re.search(r"crc32c=([A-Za-z0-9+/]{6}==)", headers.get("x-goog-hash") or "")
    checksum = hashes[1] if hashes and stored == "identity" else None
    return Version(generation, int(length) if length.isdigit() else None, checksum)


def content_range(text: str) -> tuple[int, int | None]:
    """Read a Content-Range: the first byte and the size of the whole, None where it is "*".

    Raises:
        Replaced: not of a known form, so that the bytes cannot be placed.

    Example:
        >>> content_range("bytes 5-9/10")
        (5, 10)
    """
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", text.strip())
    if match is None:
        raise Replaced
    return int(match[1]), None if match[2] == "*" else int(match[2])
