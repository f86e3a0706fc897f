"""The answer for the picture in focus: what the model saw on one side, what it guesses on the other."""

import streamlit as st

from app.answers import AnswerBook, Detail, PictureAnswer, Question
from app.components.attention import show_seen
from app.components.plain_text import plain
from app.components.predictions import how_it_was_made, show_predictions
from app.pictures import Picture


def show_answer(book: AnswerBook, question: Question, focus: Picture | None, *, top_k: int) -> None:
    """Show the answer for the picture in focus, or its shape in grey as long as it is awaited."""
    if focus is None:
        return
    answer = next(iter(book.answers(question, [focus])), None)
    if answer is not None and answer.error:
        return
    with st.container(key="answer"):
        seen, guesses = st.columns([2, 3], gap="large")
    with seen:
        _show_seen(book.detail(question, focus), focus, awaited=book.failure is None)
    with guesses:
        if answer is not None:
            _show_guesses(answer, question, top_k)
        elif book.failure is None:
            for _ in range(top_k):
                st.skeleton(height=40)


def _show_seen(detail: Detail | None, focus: Picture, *, awaited: bool) -> None:
    if detail is not None:
        show_seen(detail, name=focus.name)
    elif awaited:
        st.skeleton(height=320)


def _show_guesses(answer: PictureAnswer, question: Question, top_k: int) -> None:
    show_predictions(answer.predictions, answer.facts, top_k=top_k)
    st.caption(how_it_was_made(answer.facts, question.preprocessing))
    with st.expander("Where these names and numbers come from"):
        st.markdown(plain(answer.facts.label_source))
        for note in answer.facts.notes:
            st.markdown(plain(note))
