"""What the two kinds of HTTP buckets share: an eye on the response being read."""

import contextlib

import requests
from requests.auth import HTTPBasicAuth
from requests.utils import get_auth_from_url

from vit_core.store.problems import Interrupted, reason_of


def without_netrc(session: requests.Session) -> None:
    """Let a session send no password of ~/.netrc, which would take the place of a token; proxies stay as they are set.

    Only a password that stands in the address itself is sent.
    """
    session.auth = _by_address


def _by_address(request: requests.PreparedRequest) -> requests.PreparedRequest:
    user, password = get_auth_from_url(request.url or "")
    return HTTPBasicAuth(user, password)(request) if user or password else request


class Watch:
    """Remembers the latest response of a session, so that another thread can end a wait for its bytes."""

    def __init__(self) -> None:
        self._response: requests.Response | None = None

    def observe(self, session: requests.Session) -> None:
        """Remember each response of this session from now on."""
        session.hooks["response"].append(self._remember)

    def interrupt(self) -> None:
        """Shut the connection of the latest response: a read that waits on it returns at once."""
        response = self._response
        if response is not None:
            # It may be over, or given back to the pool, by now; then there is nothing to wake.
            with contextlib.suppress(ValueError, RuntimeError, OSError):
                response.raw.shutdown()

    def interrupted(self, error: Exception) -> Interrupted:
        """Give what a failure of the connection means: another attempt may succeed."""
        return Interrupted(reason_of(error), answered=self._response is not None)

    def _remember(self, response: requests.Response, *_: object, **__: object) -> None:
        self._response = response
