"""The first screen of a visit comes without what takes a browser long to load; the rest follows by itself.

A chart needs 5 MB of scripts, which stop the browser for most of a second. Drawn a moment later, it lets the table and
everything that can be pressed come that much sooner.
"""

import functools
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_SCRIPT = Path(__file__).parent.parent / "assets" / "first_screen.js"
_BEGUN = "first screen begun"


def heavy_parts_may_come() -> bool:
    """Tell whether to draw what is heavy now; if not, the page runs again as soon as its table stands.

    Call it at most once in a run of a page, where the heavy part will stand.
    """
    if _BEGUN in st.session_state:
        return True
    st.session_state[_BEGUN] = True
    _watcher()(key="first screen", on_stands_change=_nothing)
    return False


def _nothing() -> None:
    """Streamlit names the events of a component by their callbacks; the new run is all that is wanted."""


@functools.cache
def _watcher() -> ComponentRenderer:
    """Register the script once in this process."""
    return st.components.v2.component("first_screen", js=_SCRIPT.read_text(encoding="utf-8"))
