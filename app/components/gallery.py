"""Many pictures at a glance: thumbnail, first guess, confidence; sorted, filtered, taken along as CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from app.answers import PictureAnswer, Question
from app.components.image_upload import focus_on
from app.components.plain_text import one_line, plain
from app.components.predictions import doubt_about, percent
from app.components.wording import counted
from app.pictures import Picture, PictureBox

PAGE_SIZE = 24
CSV_GUESSES = 5
Order = Literal["added", "least", "most"]
ORDERS: dict[Order, str] = {"added": "As added", "least": "Least sure first", "most": "Most sure first"}


def show_gallery(box: PictureBox, answers: Sequence[PictureAnswer], focus: Picture | None, question: Question) -> None:
    """Show all answered pictures; a click makes one the picture in focus."""
    answered = [answer for answer in answers if answer.error is None]
    to_come = len(box.pictures) - len(answers)
    st.subheader(counted(len(answered), "picture") + (f", {to_come} to come" if to_come else ""))
    order, wanted = _show_controls(answers, answered, question)
    shown = sort_answers([answer for answer in answered if not wanted or _label(answer) in wanted], order)
    pages = max(1, -(-len(shown) // PAGE_SIZE))
    page = st.pagination(pages, key=f"gallery page {pages}") if pages > 1 else 1
    with st.container(key="gallery"):
        grid = st.grid("auto", min_column_width=132, gap="small")
        for answer in shown[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]:
            with grid.cell():
                _show_card(answer, in_focus=focus is not None and answer.picture.digest == focus.digest)


def sort_answers(answers: Sequence[PictureAnswer], order: Order) -> list[PictureAnswer]:
    """Give the answers in that order; equal confidence keeps the order they were added in."""
    if order == "added":
        return list(answers)
    return sorted(answers, key=_confidence, reverse=order == "most")


def answers_csv(answers: Sequence[PictureAnswer], *, checkpoint: str, preprocessing: str) -> str:
    """Give a CSV table with a row per picture: the best guesses, or the reason why there are none.

    A cell that a spreadsheet would run as a formula starts with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    guesses = [f"{column}_{rank}" for rank in range(1, CSV_GUESSES + 1) for column in ("class", "probability")]
    writer.writerow(["file", *guesses, "error", "checkpoint", "resolution", "preprocessing"])
    for answer in answers:
        cells: list[str] = []
        for guess in answer.predictions[:CSV_GUESSES]:
            cells += [guess.label, f"{guess.probability:.6f}"]
        cells += [""] * (len(guesses) - len(cells))
        row = [
            answer.picture.name,
            *cells,
            answer.error or answer.facts.no_classes,
            checkpoint,
            str(answer.facts.resolution),
            preprocessing,
        ]
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def _show_controls(
    answers: Sequence[PictureAnswer], answered: Sequence[PictureAnswer], question: Question
) -> tuple[Order, list[str]]:
    orders: list[Order] = list(ORDERS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.segmented_control(
            "Order",
            orders,
            default="added",
            required=True,
            format_func=lambda order: ORDERS[order],
            key="gallery order",
        )
        labels = sorted({_label(answer) for answer in answered if answer.predictions})
        wanted = st.multiselect("Only these classes", labels, key="gallery classes", placeholder="All classes")
        st.space("stretch")
        st.download_button(
            "Download CSV",
            answers_csv(answers, checkpoint=question.checkpoint, preprocessing=question.preprocessing),
            file_name="vit-explorer-answers.csv",
            mime="text/csv",
            on_click="ignore",
        )
    return order, [label for label in wanted if label in labels]


def _show_card(answer: PictureAnswer, *, in_focus: bool) -> None:
    name = one_line(answer.picture.name, limit=60)
    if answer.thumbnail:
        st.image(answer.thumbnail, width="stretch", alt=f"{name}: {one_line(_label(answer), limit=60)}")
    unsure = " · not sure" if doubt_about(answer.predictions) else ""
    st.button(
        plain(_label(answer) or one_line(answer.picture.name), limit=40),
        key=f"card {answer.picture.digest}",
        type="primary" if in_focus else "secondary",
        width="stretch",
        on_click=focus_on,
        args=(answer.picture,),
        help=plain(name),
    )
    if answer.predictions:
        st.caption(f"{percent(_confidence(answer))}{unsure}")


def _label(answer: PictureAnswer) -> str:
    return answer.predictions[0].label if answer.predictions else ""


def _confidence(answer: PictureAnswer) -> float:
    return answer.predictions[0].probability if answer.predictions else 0.0


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
