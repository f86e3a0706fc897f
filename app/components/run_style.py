"""The style sheet of Runs, and of the runs that Explore lists."""

from pathlib import Path

import streamlit as st

_STYLE = Path(__file__).parent.parent / "assets" / "runs.css"


def runs_style() -> None:
    """Load the style sheet; call it once in a page."""
    st.html(_STYLE)
