"""Objects of Google's buckets, read through google-cloud-storage.

The library makes the requests; when to try again is decided by `receive`, for all kinds of buckets alike. Anonymous
first; the user's Google credentials only after a refusal, and never to the server of STORAGE_EMULATOR_HOST, which the
library honours.
"""

import contextlib
import logging
import os
from collections.abc import Iterator

import google.api_core.exceptions
import google.auth
import google.auth.exceptions
import requests
import urllib3
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage

from vit_core.errors import AccessDenied, ObjectMissing, StoreError, VitError
from vit_core.store.background import run_within
from vit_core.store.location import Location
from vit_core.store.patience import Patience
from vit_core.store.problems import Interrupted, Replaced, access_denied, check_status, reason_of, unreachable
from vit_core.store.session import Watch, without_netrc
from vit_core.store.sink import Sink, Version

_log = logging.getLogger(__name__)
_READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
_PROJECT = "<none>"  # the library's own stand-in for "no project", which reading needs not


class GsSource:
    """One object of a gs:// bucket."""

    def __init__(self, location: Location, *, patience: Patience, may_sign_in: bool = True) -> None:
        """Connect anonymously; `may_sign_in` says whether the user's credentials may be tried after a refusal."""
        self._location = location
        self._patience = patience
        self._bucket, _, self._object = location.url.removeprefix("gs://").partition("/")
        self._watch = Watch()
        self._signed_in = not may_sign_in
        self._client = self._connect(AnonymousCredentials())  # type: ignore[no-untyped-call]  # google-auth has few types

    def transfer(self, sink: Sink) -> None:
        """Bring the bytes that the sink still lacks, of the version that the bucket has now.

        Raises:
            AccessDenied, ObjectMissing, Unreachable: for good.
            Interrupted, Replaced: another attempt may succeed.
        """
        try:
            self._transfer(sink)
        except AccessDenied:
            if not self._sign_in():
                raise
            self._transfer(sink)

    def interrupt(self) -> None:
        """End a transfer that waits for bytes in another thread."""
        self._watch.interrupt()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _transfer(self, sink: Sink) -> None:
        bucket = self._client.bucket(self._bucket)
        with self._translated():
            latest = bucket.blob(self._object)
            latest.reload(timeout=self._patience.timeout, retry=None)
        version = Version(str(latest.generation), latest.size, latest.crc32c)
        start = sink.offset if sink.version == version else 0
        sink.begin(start, version)
        if start == version.size:
            return
        # A fresh blob has no mediaLink, so that its URL keeps to the endpoint of this client; the generation in it
        # makes the bucket answer 404 rather than with bytes of another version.
        pinned = bucket.blob(self._object, generation=latest.generation)
        try:
            with self._translated():
                pinned.download_to_file(
                    sink,
                    start=start or None,
                    raw_download=True,  # the stored bytes, which the checksum is of
                    checksum=None,  # the sink computes it over the whole, resumed parts included
                    timeout=self._patience.timeout,
                    retry=None,
                )
        except ObjectMissing as error:
            raise Replaced from error

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except VitError:
            raise
        except google.api_core.exceptions.GoogleAPICallError as error:
            headers = getattr(error.response, "headers", {})
            check_status(self._location, int(error.code or 0), retry_after=headers.get("Retry-After"))
            raise unreachable(self._location, reason_of(error)) from error
        except google.auth.exceptions.TransportError as error:
            raise Interrupted(reason_of(error), answered=False) from error
        except google.auth.exceptions.GoogleAuthError as error:  # a 401 that no credentials could answer
            raise access_denied(self._location) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._watch.interrupted(error) from error

    def _sign_in(self) -> bool:
        """Connect again as the user, if there are credentials, and say whether there were."""
        if self._signed_in or os.environ.get("STORAGE_EMULATOR_HOST"):
            return False
        self._signed_in = True
        credentials = default_credentials(self._patience.sign_in_s)
        if credentials is None:
            return False
        self._client.close()
        self._client = self._connect(credentials)
        return True

    def _connect(self, credentials: Credentials) -> storage.Client:
        # Else the library asks for the bucket's region in a thread of its own, for traces that nobody collects.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # as above
        without_netrc(session)
        self._watch.observe(session)
        return storage.Client(project=_PROJECT, credentials=credentials, client_options=_endpoint(), _http=session)


def _endpoint() -> dict[str, str]:
    """Complete a STORAGE_EMULATOR_HOST without "http://", which gcsfs takes and this library does not."""
    host = os.environ.get("STORAGE_EMULATOR_HOST", "")
    return {"api_endpoint": f"http://{host}"} if host and "://" not in host else {}


def default_credentials(seconds: float) -> Credentials | None:
    """Find the user's Google credentials: GOOGLE_APPLICATION_CREDENTIALS, gcloud's, the machine's; None if none.

    Args:
        seconds: how long to look; on a machine outside of Google's cloud the look for the machine's own may hang.
    """
    late = StoreError(f"looking for Google credentials took longer than {seconds:g} s")
    try:
        return run_within(_find_credentials, seconds=seconds, late=late, name="looking for Google credentials")
    except StoreError as error:
        _log.info("no Google credentials: %s", error)
        return None


def _find_credentials() -> Credentials:
    # It warns of a missing project, which reading needs not; that would go to the terminal.
    logging.getLogger("google.auth").addHandler(logging.NullHandler())
    try:
        credentials, _ = google.auth.default(scopes=[_READ_ONLY])
    except google.auth.exceptions.GoogleAuthError as error:
        raise StoreError(str(error)) from error
    return credentials
