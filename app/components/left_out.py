"""The files that got no answer, each with the reason; the others are answered all the same."""

from collections.abc import Sequence

import streamlit as st

from app.answers import PictureAnswer
from app.components.plain_text import bullets
from app.components.wording import counted
from app.pictures import PictureBox

SHOWN = 20


def show_left_out(box: PictureBox, answers: Sequence[PictureAnswer] = ()) -> None:
    """Show a sentence for each file that was refused, was given twice, or could not be read as a picture."""
    broken = [answer for answer in answers if answer.error]
    sentences = [*box.notes, *(answer.error or "" for answer in broken)]
    if not sentences:
        return
    with st.container(border=True, key="left-out"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{counted(len(sentences), 'file')} left out**")
            st.space("stretch")
            st.button("Dismiss", on_click=_dismiss, args=(box, broken), type="tertiary")
        st.markdown(bullets(sentences[:SHOWN]))
        if len(sentences) > SHOWN:
            st.caption(f"… and {len(sentences) - SHOWN} more.")


def _dismiss(box: PictureBox, broken: Sequence[PictureAnswer]) -> None:
    box.notes.clear()
    for answer in broken:
        box.remove(answer.picture.digest)
