"""One picture through several checkpoints: their guesses next to each other, and whether they agree.

One checkpoint is asked at a time; each answer appears as it comes. A checkpoint that fails does not stop the others.
"""

from collections.abc import Sequence

import streamlit as st

from app import resources
from app.answers import AnswerBook, Detail, PictureAnswer, Question
from app.components.attention import enlarged, lit
from app.components.compact_download import compact_download
from app.components.errors import show_error, shown_errors
from app.components.facts import model_title
from app.components.image_upload import focus_on
from app.components.line_up import Contestant
from app.components.plain_text import one_line, plain
from app.components.predictions import how_it_was_made, show_predictions
from app.components.working import stage_words
from app.pictures import Picture, PictureBox
from vit_core.errors import VitError

POLL_S = 0.4
TOP_K = 3
_FAILURES = "compare failures"


def choose_picture(box: PictureBox, focus: Picture) -> None:
    """Let the user choose which picture goes through, where there are several."""
    if len(box.pictures) < 2:
        return
    by_digest = {picture.digest: picture for picture in box.pictures}
    key = "compare picture"
    st.session_state[key] = focus.digest
    st.selectbox(
        "Picture",
        list(by_digest),
        key=key,
        format_func=lambda digest: one_line(by_digest[digest].name),
        on_change=lambda: focus_on(by_digest[st.session_state[key]]),
    )


def side_by_side(contestants: Sequence[Contestant], box: PictureBox, focus: Picture) -> None:
    """Ask every checkpoint that is here about `focus` and show the answers; the page runs anew as they come."""
    busy = _advance(contestants, box, focus) or _downloading(contestants)
    st.fragment(_columns, run_every=POLL_S if busy else None)(contestants, box, focus, busy)


def _columns(contestants: Sequence[Contestant], box: PictureBox, focus: Picture, was_busy: bool) -> None:
    with shown_errors():
        busy = _advance(contestants, box, focus) or _downloading(contestants)
        if busy != was_busy or _arrived(contestants):
            st.rerun()
        looks = st.toggle("Show where each one looked", key="compare looks")
        if words := agreement(_answers(contestants, focus)):
            st.markdown(f"**{plain(words)}**")
        panels = st.grid(len(contestants), min_column_width=240, gap="small", border=True)
        for contestant in contestants:
            with panels.cell():
                model_title(str(contestant.row["name"]), contestant.hand.title, level=3)
                _panel(contestant, focus, looks=looks)


def agreement(answers: Sequence[tuple[str, PictureAnswer]]) -> str:
    """Say in a sentence whether the best guesses are the same; "" while fewer than two are known.

    Args:
        answers: title and answer of each checkpoint that has answered.
    """
    guesses = [(title, answer.predictions[0].label) for title, answer in answers if answer.predictions]
    if len(guesses) < 2:
        return ""
    sets = {answer.facts.label_set for _, answer in answers if answer.predictions}
    labels = {label for _, label in guesses}
    if len(labels) == 1:
        return f"{'Both' if len(guesses) == 2 else f'All {len(guesses)}'} agree: {one_line(labels.pop())}."
    if len(sets) > 1:
        return "They know different classes, so their words cannot agree; compare how sure each one is."
    return "They disagree: " + "; ".join(f"{title} says {one_line(label)}" for title, label in guesses) + "."


def _panel(contestant: Contestant, focus: Picture, *, looks: bool) -> None:
    failures = st.session_state.setdefault(_FAILURES, {})
    if contestant.question is None:
        compact_download(contestant.hand)
        return
    failure = failures.get((contestant.question, focus.digest))
    if failure is not None:
        show_error(failure)
        st.button("Try again", key=f"again {contestant.hand.name}", on_click=failures.clear)
        return
    book = resources.answers()
    answer = _answer(book, contestant, focus)
    if answer is None:
        status, name = resources.service().status(), contestant.question.checkpoint
        st.caption(stage_words(status, checkpoint=name, place=book.place()))
        st.skeleton(height=150)
        return
    _answered(book, contestant.question, answer, focus, looks=looks)


def _answered(book: AnswerBook, question: Question, answer: PictureAnswer, focus: Picture, *, looks: bool) -> None:
    if answer.error:
        show_error(answer.error)
        return
    detail = book.detail(question, focus)
    if looks and detail is not None:
        _show_looks(detail, focus)
    show_predictions(answer.predictions, answer.facts, top_k=TOP_K)
    st.caption(how_it_was_made(answer.facts, question.preprocessing))


def _show_looks(detail: Detail, focus: Picture) -> None:
    seen, name = enlarged(detail.crop), one_line(focus.name)
    if detail.rollout is None:
        st.image(seen, width=220, alt=f"What the checkpoint saw of {name}")
        st.caption("An MLP-Mixer has no attention to show.")
    else:
        st.image(lit(seen, detail.rollout[-1]), width=220, alt=f"Where the checkpoint looked in {name}")


def _advance(contestants: Sequence[Contestant], box: PictureBox, focus: Picture) -> bool:
    """Ask the first checkpoint that has not answered; give whether any answer is still awaited."""
    book, failures = resources.answers(), st.session_state.setdefault(_FAILURES, {})
    for contestant in contestants:
        question = contestant.question
        if question is None or (question, focus.digest) in failures:
            continue
        if _is_done(book, question, focus):
            continue
        book.advance(resources.service(), box, question, focus)
        if book.failure is not None:
            failures[question, focus.digest] = _taken_failure(book)
        elif not _is_done(book, question, focus):
            return True
    return False


def _is_done(book: AnswerBook, question: Question, focus: Picture) -> bool:
    answer = next(iter(book.answers(question, [focus])), None)
    return answer is not None and (answer.error is not None or book.detail(question, focus) is not None)


def _taken_failure(book: AnswerBook) -> VitError | None:
    failure = book.failure
    book.forgive()
    return failure


def _answer(book: AnswerBook, contestant: Contestant, focus: Picture) -> PictureAnswer | None:
    return next(iter(book.answers(contestant.question, [focus])), None) if contestant.question else None


def _answers(contestants: Sequence[Contestant], focus: Picture) -> list[tuple[str, PictureAnswer]]:
    book = resources.answers()
    found = ((contestant.hand.title, _answer(book, contestant, focus)) for contestant in contestants)
    return [(title, answer) for title, answer in found if answer is not None]


def _downloading(contestants: Sequence[Contestant]) -> bool:
    states = (resources.downloads().state(each.hand.name) for each in contestants if each.question is None)
    return any(state is not None and state.status == "running" for state in states)


def _arrived(contestants: Sequence[Contestant]) -> bool:
    away = (each.hand.name for each in contestants if each.question is None)
    return any(resources.store().local_path(name) for name in away)
