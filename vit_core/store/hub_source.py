"""The bytes of a file of the Hugging Face Hub, at one commit.

What a commit holds never changes, and the hub states its digest: parts are put together without asking for a version,
and proven when all are there. The bytes lie on other servers, to which the hub redirects; the user's token goes to the
hub alone.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from vit_core.errors import ObjectMissing, Unreachable
from vit_core.store.hub_answers import refusal, retry_after, token_for
from vit_core.store.location import HubFile, is_inner_host, shown_url
from vit_core.store.patience import Patience
from vit_core.store.problems import Interrupted, Replaced, check_status, describe_status, unreachable
from vit_core.store.sink import Sink, Version
from vit_core.store.web import WebSource, content_range

_PUBLIC_NAMES = frozenset({"huggingface.co", "hf.co"})
_MOST_REFUSALS = 3


class HubSource(WebSource):
    """One file behind the hub's "resolve" address."""

    def __init__(self, location: HubFile, *, patience: Patience) -> None:
        """Get ready; opens nothing."""
        super().__init__(location, patience=patience)
        self._file = location
        self._refused = 0  # how often another server said no
        self._version = Version(location.commit, location.size, None, location.digest)

    def _headers(self, sink: Sink) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if sink.offset and sink.version == self._version:
            headers["Range"] = f"bytes={sink.offset}-"
        return headers

    def _secrets(self, url: str) -> dict[str, str]:
        # The public hub has two names, and huggingface_hub sends the token to both.
        names = {urlsplit(each).hostname for each in (url, self._file.url)}
        is_same = _origin(url) == _origin(self._file.url) or (names <= _PUBLIC_NAMES and url.startswith("https:"))
        if not is_same:
            return {}
        token = token_for(self._file.name)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _begin(self, sink: Sink, response: requests.Response) -> None:
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            sink.begin(0, self._version)
            return
        start, total = content_range(response.headers.get("Content-Range", ""))
        if sink.version != self._version or start != sink.offset or total not in (None, self._version.size):
            raise Replaced
        sink.begin(start, self._version)

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if _origin(self._asked) != _origin(self._file.url):
            self._check_elsewhere(status)
        if status >= HTTPStatus.BAD_REQUEST and (error := refusal(self._file.name, status, response.headers)):
            raise error
        if status == HTTPStatus.NOT_FOUND:
            file = self._file.url.rpartition("/")[2]
            raise ObjectMissing(
                f"{self._file.name} changed on the hub while it was read: {file} of commit {self._file.commit[:8]} is "
                "gone. Ask for it again to get what is there now."
            )
        check_status(self._file, status, retry_after=retry_after(response.headers))

    def _check_elsewhere(self, status: int) -> None:
        """Ask the hub again where another server refuses: what leads there carries a signature that ends."""
        if status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return
        self._refused += 1
        host = urlsplit(self._asked).netloc
        reason = f"{host}, to which the hub leads, answered {describe_status(status)}"
        if self._refused >= _MOST_REFUSALS:
            raise unreachable(self._file, f"{reason}, {self._refused} times")
        raise Interrupted(reason, answered=True)

    def _check_redirect(self, url: str, target: str) -> None:
        old, new = urlsplit(url), urlsplit(target)
        if _origin(url) == _origin(target):
            return
        # A mirror on this machine or network may lead to others there; the public hub may not.
        is_open = new.scheme == "https" and not is_inner_host(new.hostname or "")
        if is_open or (is_inner_host(urlsplit(self._file.url).hostname or "") and new.scheme in ("https", old.scheme)):
            return
        raise Unreachable(
            f"The hub redirects {self._file.name} to {shown_url(target)}, which is not followed from there. "
            "Set HF_ENDPOINT to a hub that you trust, or give the path of a file that you have."
        )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
