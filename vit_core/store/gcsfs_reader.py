"""Small objects of gs:// buckets, read into memory through gcsfs.

gcsfs tries again by itself, for minutes; each of its operations gets what is left of a deadline, and is cancelled then.
"""

import contextlib
import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from vit_core.errors import AccessDenied, VitError
from vit_core.store.checksum import Crc32c
from vit_core.store.location import Location
from vit_core.store.patience import Patience
from vit_core.store.problems import (
    Interrupted,
    access_denied,
    check_status,
    corrupt,
    object_missing,
    unreachable,
)


@dataclasses.dataclass(frozen=True)
class GcsfsReader:
    """Reads one object.

    Attributes:
        location: of kind "gs".
        limit: called with the size before the bytes are read; raises when it is too large.
        ends_at: the deadline, in seconds of the monotonic clock.
        patience: limits of the single requests.
    """

    location: Location
    limit: Callable[[int], None]
    ends_at: float
    patience: Patience

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
            session_kwargs={"trust_env": True},
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
            raise unreachable(self.location, "no complete answer within the time limit") from error
        except HttpError as error:
            raise self._refusal(int(error.code or 0), str(error)) from error
        except (GoogleAuthError, OSError) as error:
            if isinstance(error, GoogleAuthError) or str(error).startswith("Forbidden"):
                raise access_denied(self.location) from error
            raise unreachable(self.location, str(error)) from error
        except (aiohttp.ClientError, requests.RequestException, ValueError, TypeError) as error:
            # TypeError is how gcsfs answers to an error body that it does not understand.
            raise unreachable(self.location, str(error)) from error

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
            raise unreachable(self.location, "no complete answer within the time limit")
        return left
