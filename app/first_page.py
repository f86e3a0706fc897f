"""The file that a browser asks for first: Streamlit's own, which here also asks for the scripts that Explore needs.

Streamlit asks for the script of a table only when it is told to draw one, and then the browser must fetch it, read it
and run it while everybody waits. Asked for as soon as Streamlit itself runs, it is ready when the table comes. Where
Streamlit's files are not as they are known here, its own page is served unchanged.
"""

import functools
from collections.abc import Iterable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from streamlit import file_util

# What Explore draws, the largest first, by the names of files without the hash in them.
_DRAWN = ("DataFrame", "Html", "Button", "TextInput", "ButtonGroup", "Selectbox", "BidiComponent")
_SCRIPTS = "static/js"


def first_page_route(*, below: str = "") -> Route:
    """Give the address of the first page, for the server to serve before Streamlit's own.

    Args:
        below: the path that the pages are served below (Streamlit's `server.baseUrlPath`), with or without slashes.
    """
    base = below.strip("/")
    # With its slash, as the addresses of scripts are relative to it; a server sends who asks without one there.
    return Route(f"/{base}/" if base else "/", _answer, methods=["GET"])


def asking_for(page: str, scripts: Iterable[str]) -> str:
    """Give a page that asks for scripts as soon as its own ones have run.

    Args:
        page: HTML.
        scripts: names of files in Streamlit's folder of scripts.
    """
    asked = "".join(f'import("./{_SCRIPTS}/{script}").catch(() => {{}});' for script in scripts)
    # Scripts that are modules run in their order: this one after Streamlit's own.
    return page.replace("</head>", f'<script type="module">{asked}</script></head>', 1) if asked else page


def scripts_of(folder: Path, names: Iterable[str] = _DRAWN) -> tuple[str, ...]:
    """Give the files of scripts; those that are not there are left out.

    Args:
        folder: where they are.
        names: without the hash that is part of a file's name.
    """
    return tuple(path.name for name in names for path in sorted(folder.glob(f"{name}.*.js")))


@functools.cache
def _first_page() -> str:
    static = Path(file_util.get_static_dir())
    return asking_for((static / "index.html").read_text(encoding="utf-8"), scripts_of(static / _SCRIPTS))


def _answer(_request: Request) -> Response:
    return HTMLResponse(_first_page(), headers={"Cache-Control": "no-cache"})
