"""Small objects of gs:// buckets, read into memory through gcsfs.

gcsfs tries again by itself, for minutes; each of its operations gets what is left of a deadline, and is cancelled then.
"""

import contextlib
import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from vit_core.errors import AccessDenied, Unreachable, VitError
from vit_core.store.checksum import Crc32c
from vit_core.store.location import Location
from vit_core.store.patience import Patience
from vit_core.store.problems import (
    Interrupted,
    access_denied,
    check_status,
    corrupt,
    describe_status,
    object_missing,
    reason_of,
    unreachable,
)

if TYPE_CHECKING:
    import aiohttp

_HOPELESS_S = 1.0  # without a connection: no network here, or no server there


@dataclasses.dataclass(frozen=True)
class GcsfsReader:
    """Reads one object.

    Attributes:
        location: of kind "gs".
        limit: called with the size before the bytes are read; raises when it is too large.
        ends_at: the deadline, in seconds of the monotonic clock.
        patience: limits of the single requests.
        trouble: what has gone wrong so far.
    """

    location: Location
    limit: Callable[[int], None]
    ends_at: float
    patience: Patience
    trouble: "Trouble" = dataclasses.field(default_factory=lambda: Trouble())

    def __call__(self, known_generation: str | None) -> tuple[bytes, str] | None:
        """Give the bytes and their generation, or None if that is the known one.

        Raises:
            StoreError: AccessDenied, ObjectMissing, Unreachable, CorruptDownload.
        """
        try:
            with self._filesystem("anon") as filesystem:
                return self._read(filesystem, known_generation)
        except AccessDenied:
            credentials = self._credentials()
            if credentials is None:
                raise
        with self._filesystem(credentials) as filesystem:
            return self._read(filesystem, known_generation)

    def _read(self, filesystem: Any, known_generation: str | None) -> tuple[bytes, str] | None:  # noqa: ANN401 (untyped)
        path = self.location.url.removeprefix("gs://")
        fault = ""
        for _ in range(2):  # once more if the object was replaced between the two requests, or damaged
            with self._translated():
                about = filesystem.info(path, timeout=min(self._left(), self.patience.reach_s))
            if about.get("type") == "directory":
                raise object_missing(self.location)
            generation = str(about["generation"])
            if generation == known_generation:
                return None
            self.limit(int(about["size"]))
            with self._translated():
                data: bytes = filesystem.cat_file(path, timeout=self._left())
            checksum = Crc32c()  # gcsfs checks nothing on this path
            checksum.update(data)
            if about.get("crc32c") in (None, checksum.text()):
                return data, generation
            fault = f"its checksum is {checksum.text()}, but the bucket states {about['crc32c']}"
        raise corrupt(self.location, fault)

    @contextlib.contextmanager
    def _filesystem(self, token: object) -> Iterator[Any]:
        # By default gcsfs asks a gRPC service for the type of the bucket first, and waits up to a minute where that
        # cannot be reached; it reads this switch when it is imported.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        import aiohttp
        import gcsfs
        from fsspec.asyn import sync

        # It logs the traceback of each refusal; without a handler of the application's that would go to the terminal.
        logging.getLogger("gcsfs").addHandler(logging.NullHandler())
        filesystem = gcsfs.GCSFileSystem(
            project="none",
            token=token,
            access="read_only",
            requests_timeout=aiohttp.ClientTimeout(
                sock_connect=self.patience.connect_s, sock_read=self.patience.read_s
            ),
            session_kwargs={"trust_env": True, "trace_configs": [self._trace()]},
            skip_instance_cache=True,
            use_listings_cache=False,
        )
        try:
            yield filesystem
        finally:
            if filesystem.session is not None:
                with contextlib.suppress(TimeoutError):  # a connection that does not close is left to the collector
                    sync(filesystem.loop, filesystem.session.close, timeout=1)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        import aiohttp
        import requests
        from gcsfs.retry import HttpError
        from google.auth.exceptions import GoogleAuthError

        try:
            yield
        except VitError:
            raise
        except FileNotFoundError as error:
            raise object_missing(self.location) from error
        except TimeoutError as error:  # fsspec's own is one
            raise self._late() from error
        except HttpError as error:
            raise self._refusal(int(error.code or 0), reason_of(error)) from error
        except (GoogleAuthError, OSError) as error:
            if isinstance(error, GoogleAuthError):
                raise access_denied(self.location) from error
            if str(error).startswith("Forbidden"):  # all that gcsfs keeps of a 403
                raise access_denied(self.location, 403) from error
            raise unreachable(self.location, reason_of(error)) from error
        except (aiohttp.ClientError, requests.RequestException, ValueError, TypeError) as error:
            # TypeError is how gcsfs answers to an error body that it does not understand.
            raise unreachable(self.location, reason_of(error)) from error

    def _refusal(self, status: int, reason: str) -> VitError:
        try:
            check_status(self.location, status)
        except Interrupted as event:
            return unreachable(self.location, event.reason)
        except VitError as error:
            return error
        return unreachable(self.location, reason)

    def _credentials(self) -> object | None:
        if os.environ.get("STORAGE_EMULATOR_HOST"):
            return None
        from vit_core.store.gs import default_credentials

        return default_credentials(min(self.patience.sign_in_s, self._left()))

    def _left(self) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> Unreachable:
        return unreachable(self.location, self.trouble.reason or "no complete answer within the time limit")

    def _trace(self) -> "aiohttp.TraceConfig":
        """Listen to the requests: gcsfs keeps to itself what goes wrong while it tries again."""
        import aiohttp

        async def on_end(_: object, __: object, about: aiohttp.TraceRequestEndParams) -> None:
            status = about.response.status
            self.trouble.note(f"the bucket answered {describe_status(status)}" if status >= 400 else None)

        async def on_exception(_: object, __: object, about: aiohttp.TraceRequestExceptionParams) -> None:
            if isinstance(about.exception, aiohttp.ClientConnectorError):
                self.trouble.note(reason_of(about.exception), unanswered=True)
            if self.trouble.unanswered_for() >= _HOPELESS_S:
                raise self._late()  # past gcsfs, which would go on for half a minute

        config = aiohttp.TraceConfig()
        config.on_request_end.append(on_end)
        config.on_request_exception.append(on_exception)
        return config


class Trouble:
    """The latest thing that went wrong with a request.

    Attributes:
        reason: as a clause, None if the latest request went well.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._since: float | None = None

    def note(self, reason: str | None, *, unanswered: bool = False) -> None:
        """Take note of how a request ended; `unanswered` means that there was no connection."""
        self.reason = reason
        self._since = (self._since or time.monotonic()) if unanswered else None

    def unanswered_for(self) -> float:
        """Give for how many seconds there has been no connection."""
        return 0.0 if self._since is None else time.monotonic() - self._since
