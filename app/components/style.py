"""The style sheet of Explore and Compare, beside that of the frame."""

from pathlib import Path

import streamlit as st

_STYLE = Path(__file__).parent.parent / "assets" / "explore.css"


def explore_style() -> None:
    """Load the style sheet; call it once in a page."""
    st.html(_STYLE)
