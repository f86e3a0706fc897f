"""While a model works: what it is doing, how far it is, how many wait before you, and what went wrong."""

import streamlit as st

from app import resources
from app.answers import AnswerBook, Question
from app.components.errors import show_error, shown_errors
from app.components.wording import counted
from app.pictures import Picture, PictureBox
from vit_core.inference.service import ServiceStatus

POLL_S = 0.4


def show_work(question: Question, box: PictureBox, focus: Picture | None) -> None:
    """Ask what is left to ask and show how it goes; the page runs anew as answers come in."""
    book = resources.answers()
    book.advance(resources.service(), box, question, focus)
    if book.failure:
        _show_failure(book)
    elif not book.is_complete(question, box.pictures, focus):
        st.fragment(_poll, run_every=POLL_S)(question, box, focus)


def _poll(question: Question, box: PictureBox, focus: Picture | None) -> None:
    with shown_errors():
        book = resources.answers()
        if book.advance(resources.service(), box, question, focus) or not book.waits:
            st.rerun()
        done, total = len(book.answers(question, box.pictures)), len(box.pictures)
        words = stage_words(resources.service().status(), checkpoint=question.checkpoint, place=book.place())
        with st.container(horizontal=True, vertical_alignment="center", key="working"):
            st.progress(done / total, text=book.busy or f"{words} {done} of {counted(total, 'picture')} done.")
            if total > 1:
                st.button("Stop", on_click=_stop, args=(book, question, box), help="Keeps what is answered so far.")


def stage_words(status: ServiceStatus, *, checkpoint: str, place: int) -> str:
    """Give what happens now, as a sentence.

    Args:
        status: of the prediction service.
        checkpoint: the file's name.
        place: in the queue; 0 when it is being computed.
    """
    if status.state in ("cold", "starting"):
        return "Waking up the model engine; this takes some seconds after a start."
    if place > 0:
        return f"Place {place} in the queue."
    if checkpoint not in status.loaded:
        return "Loading and compiling this model; its first picture takes longest."
    return "Looking…"


def _stop(book: AnswerBook, question: Question, box: PictureBox) -> None:
    book.cancel()
    answered = {answer.picture.digest for answer in book.answers(question, box.pictures)}
    for picture in box.pictures:
        if picture.digest not in answered:
            box.remove(picture.digest)


def _show_failure(book: AnswerBook) -> None:
    if book.failure:
        show_error(book.failure)
    st.button("Try again", on_click=book.forgive)
