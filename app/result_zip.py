"""The zip of a finished run for a browser, made while it is sent: neither memory nor disk ever holds it whole.

Streamlit's own download button reads whatever it is given into the server's memory and keeps it there while the page
is open: three times 700 MB for a B/16. So the zip has an address of its own beside the pages, see `app.server`; where
the pages are started without it, `is_served` says so.
"""

import asyncio
import io
import logging
import os
import threading
from collections.abc import Generator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from vit_core.errors import VitError
from vit_core.export.bundle import zip_result
from vit_core.runs.library import Runs
from vit_core.runs.names import is_run_name
from vit_core.settings import Settings

_FOLDER = "results"
_CHUNK_BYTES = 1 << 18
_PATIENCE_S = 60.0  # with a browser that takes nothing, not even one chunk
_MOST_AT_ONCE = 8  # each has a thread, and reads the disk
_served = threading.Event()
_places = threading.BoundedSemaphore(_MOST_AT_ONCE)

logger = logging.getLogger(__name__)


def zip_route(*, below: str = "") -> Route:
    """Give the address of the zips, for the server to serve; from then on pages may lead there.

    Args:
        below: the path that the pages are served below (Streamlit's `server.baseUrlPath`), with or without slashes.
    """
    _served.set()
    path = "/".join(filter(None, (below.strip("/"), _FOLDER)))
    return Route(f"/{path}/{{name}}.zip", _answer, methods=["GET"])


def is_served() -> bool:
    """Tell whether this process serves the zips."""
    return _served.is_set()


def zip_link(name: str) -> str:
    """Give the address of a run's zip, from any page: relative, so that it holds behind a path of a proxy, too."""
    return f"{_FOLDER}/{name}.zip"


def _answer(request: Request) -> Response:
    name = request.path_params["name"]
    try:
        record = Runs(Settings.from_environment(os.environ)).get(name) if is_run_name(name) else None
    except VitError:  # no such run
        record = None
    if record is None or record.state != "done":
        return PlainTextResponse("There is no finished run of that name.", status_code=404)
    headers = {
        "Content-Disposition": f'attachment; filename="{record.name}.zip"',
        "Content-Encoding": "identity",  # weights do not get smaller, and packing them takes a minute
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if request.method == "HEAD":
        response = Response(media_type="application/zip", headers=headers)
        del response.headers["content-length"]  # which nobody knows before it is made
        return response
    return _ZipResponse(record.folder, headers)


class _TooSlow(Exception):
    """The browser has taken nothing for `_PATIENCE_S`."""


class _ZipResponse(StreamingResponse):
    """The zip of a run; its making ends with the response, whichever of the two sides breaks off."""

    def __init__(self, folder: Path, headers: dict[str, str]) -> None:
        self._name = folder.name
        self._chunks = zip_chunks(folder)
        super().__init__(self._chunks, media_type="application/zip", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_soon(message: Message) -> None:
            try:
                await asyncio.wait_for(send(message), _PATIENCE_S)
            except TimeoutError as error:
                raise _TooSlow from error

        if not _places.acquire(blocking=False):
            busy = f"This server is sending {_MOST_AT_ONCE} zips already; try again when one is through."
            await PlainTextResponse(busy, status_code=503, headers={"Retry-After": "60"})(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send_soon)
        except _TooSlow:  # the server closes a connection whose answer has not come to its end
            logger.info("The zip of %s was cut: its reader took nothing for %.0f s", self._name, _PATIENCE_S)
        finally:
            _places.release()
            self._end_making()

    def _end_making(self) -> None:
        try:
            self._chunks.close()
        except ValueError:  # a thread is asking for the next chunk: the server was told to stop, and all threads end
            logger.debug("The zip of %s was being made when the server stopped", self._name)


def zip_chunks(folder: Path) -> Generator[bytes]:
    """Give the zip of a run's result piece by piece; whoever stops asking ends the making of it.

    Raises:
        Exception: the result cannot be read to its end, for whatever reason; what was given is no whole zip.
    """
    read_end, write_end = os.pipe()
    problems: list[Exception] = []

    def make() -> None:
        try:
            with io.BufferedWriter(io.FileIO(write_end, "wb"), _CHUNK_BYTES) as target:
                zip_result(folder, target)
        except BrokenPipeError:  # nobody reads any more
            pass
        except Exception as error:  # noqa: BLE001 - it is raised below, where the zip is sent; here it would be lost
            problems.append(error)

    maker = threading.Thread(target=make, name=f"zip of {folder.name}", daemon=True)
    maker.start()
    with os.fdopen(read_end, "rb", buffering=0) as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk
    maker.join()
    if problems:  # to end well here would make a cut zip look whole
        logger.warning("The zip of %s was cut: %s", folder.name, problems[0])
        raise problems[0]
