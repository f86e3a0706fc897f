"""What the two kinds of HTTP buckets share: an eye on the response being read."""

import contextlib

import requests

from vit_core.store.problems import Interrupted, reason_of


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
