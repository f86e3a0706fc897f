"""The zip of a finished run for a browser, made while it is sent: neither memory nor disk ever holds it whole.

Streamlit's own download button reads whatever it is given into the server's memory and keeps it there while the page
is open: three times 700 MB for a B/16. So the zip has an address of its own beside the pages, see `app.server`; where
the pages are started without it, `is_served` says so.
"""

import io
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from vit_core.errors import VitError
from vit_core.export.bundle import zip_result
from vit_core.runs.library import Runs
from vit_core.runs.names import is_run_name
from vit_core.settings import Settings

_FOLDER = "results"
_CHUNK_BYTES = 1 << 18
_served = threading.Event()

logger = logging.getLogger(__name__)


def zip_route() -> Route:
    """Give the address of the zips, for the server to serve; from then on pages may lead there."""
    _served.set()
    return Route(f"/{_FOLDER}/{{name}}.zip", _answer, methods=["GET"])


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
    return StreamingResponse(zip_chunks(record.folder), media_type="application/zip", headers=headers)


def zip_chunks(folder: Path) -> Iterator[bytes]:
    """Give the zip of a run's result piece by piece; whoever stops asking ends the making of it.

    Raises:
        VitError, OSError: the result cannot be read to its end; what was given is no whole zip.
    """
    read_end, write_end = os.pipe()
    problems: list[Exception] = []

    def make() -> None:
        try:
            with io.BufferedWriter(io.FileIO(write_end, "wb"), _CHUNK_BYTES) as target:
                zip_result(folder, target)
        except BrokenPipeError:  # nobody reads any more
            pass
        except (VitError, OSError) as error:
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
