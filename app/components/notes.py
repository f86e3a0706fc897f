"""What could not be used of a link, said once and quietly."""

from collections.abc import Sequence

import streamlit as st

from app.components.plain_text import bullets, plain


def show_notes(notes: Sequence[str]) -> None:
    """Show the notes, if there are any."""
    if len(notes) == 1:
        st.info(plain(notes[0]))
    elif notes:
        st.info(bullets(notes))
