"""The bytes of a file of the Hugging Face Hub, at one commit.

What a commit holds never changes, and the hub states its digest: parts are put together without asking for a version,
and proven when all are there. The bytes lie on other servers, to which the hub redirects; the user's token goes to the
hub alone.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from vit_core.errors import ObjectMissing, Unreachable
from vit_core.store.hub_problems import gated, not_there, token_refused
from vit_core.store.location import HubFile, is_inner_host, shown_url
from vit_core.store.patience import Patience
from vit_core.store.problems import Replaced
from vit_core.store.sink import Sink, Version
from vit_core.store.web import WebSource, content_range


class HubSource(WebSource):
    """One file behind the hub's "resolve" address."""

    def __init__(self, location: HubFile, *, patience: Patience) -> None:
        """Get ready; opens nothing."""
        super().__init__(location, patience=patience)
        self._file = location
        self._version = Version(location.commit, location.size, None, location.digest)

    def _headers(self, sink: Sink) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if sink.offset and sink.version == self._version:
            headers["Range"] = f"bytes={sink.offset}-"
        return headers

    def _secrets(self, url: str) -> dict[str, str]:
        if _origin(url) != _origin(self._file.url):
            return {}
        # It imports much, for a second: only where a file of the hub is asked for. It knows HF_TOKEN and the login.
        from huggingface_hub import constants, get_token

        token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
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
        status, code = response.status_code, response.headers.get("X-Error-Code", "")
        name = self._file.name
        if code == "GatedRepo":
            raise gated(name)
        if status == HTTPStatus.UNAUTHORIZED and "credentials" in response.headers.get("X-Error-Message", ""):
            raise token_refused(name)
        if code == "RepoNotFound":
            raise not_there(name)
        if status == HTTPStatus.NOT_FOUND:
            file = self._file.url.rpartition("/")[2]
            raise ObjectMissing(
                f"{name} changed on the hub while it was read: {file} of commit {self._file.commit[:8]} is gone. "
                "Ask for it again to get what is there now."
            )
        super()._check(response)

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
