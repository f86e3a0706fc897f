"""One run: how it goes while it learns, and what came of it."""

import streamlit as st

from app import resources, state
from app.components.errors import show_error, shown_errors
from app.components.plain_text import plain, plain_html
from app.components.run_actions import show_actions, show_note
from app.components.run_charts import Curves
from app.components.run_classes import show_classes
from app.components.run_confusion import show_confusion
from app.components.run_curves import curve_controls, show_curves
from app.components.run_head import show_head
from app.components.run_mistakes import show_mistakes
from app.components.run_result import show_files, show_summary, show_use
from app.components.run_settings import show_changes, show_settings
from app.components.run_sisters import bands
from app.components.run_words import (
    LIVE,
    LOOKS,
    POLL_S,
    memory_words,
    progress_facts,
    progress_html,
    silence_words,
    words_line,
)
from vit_core.errors import UnknownName
from vit_core.runs.record import RunRecord

_LOG_LINES = 200
_LOG_PX = 320
_FEW_LINES = 12


def show_run(record: RunRecord) -> None:
    """Show a run."""
    show_head(record)
    show_actions(record)
    if record.state == "unreadable":
        show_error(record.reason or LOOKS[record.state].meaning)
        return
    show_note(record)
    if record.state == "done":
        _show_result(record)
    st.fragment(_follow, run_every=POLL_S if record.state in LIVE else None)(record.name, record.state)
    if record.state == "done":
        with st.expander("Files and code"):
            show_files(record)
    with st.expander("Settings"):
        show_settings(record)


def _show_result(record: RunRecord) -> None:
    report = resources.run_report(record.name, record.created)
    if report is None:
        show_error("The report of this run was deleted a moment ago. Load the page anew; then it can be resumed.")
        return
    show_summary(report)
    show_use(record)
    dataset = resources.run_dataset(record.name, record.created)
    st.subheader("What is taken for what", anchor=False)
    show_confusion(report, dataset, key=record.name)
    classes, wrong = st.columns([1, 1], gap="medium")
    with classes:
        st.subheader("Each class", anchor=False)
        show_classes(report)
    with wrong:
        st.subheader("Most confident mistakes", anchor=False)
        show_mistakes(report, dataset)


def _choose_other(others: tuple[RunRecord, ...]) -> RunRecord | None:
    known = {other.name: other for other in others if other.state != "unreadable"}
    if not known:
        return None
    key = "run against"
    asked = state.address().against
    st.session_state[key] = asked if asked in known else None
    st.selectbox(
        "Compare with another run",
        list(known),
        key=key,
        placeholder="None",
        width=260,
        help="Draws its curves dashed, and lists what was set differently.",
        on_change=lambda: state.update(against=st.session_state[key] or ""),
    )
    return known.get(asked)


def _follow(name: str, was: str) -> None:
    """Show how the run stands now; when its state has changed, the whole page is drawn anew."""
    with shown_errors():
        try:
            record = resources.runs().get(name)
        except UnknownName:  # deleted elsewhere, and the page says so
            st.rerun()
        if record.state != was:
            st.rerun()
        _show_standing(record)
        _show_curves(record)
        _show_log(record)
        state.write_address("runs")


def _show_curves(record: RunRecord) -> None:
    st.subheader("Curves", anchor=False)
    checkpoint = record.config.checkpoint if record.config else ""
    found = bands(resources.tables(state.address().catalogue), checkpoint, num_classes=record.num_classes)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        choice = curve_controls(found)
        other = _choose_other(tuple(each for each in resources.all_runs() if each.name != record.name))
    shown = [record, other] if other else [record]
    if other:
        show_changes(shown)
    curves = [Curves(each.name, resources.run_metrics(each.name)) for each in shown]
    show_curves(record, curves, choice, bands=found, quick_look=resources.runs().quick_look(record.name))


def _show_log(record: RunRecord) -> None:
    with st.expander("Log", key="run log", on_change="rerun") as log:
        if log.open:
            said = resources.runs().log(record.name, lines=_LOG_LINES)
            st.code(
                said or "Nothing yet.", language=None, height=_LOG_PX if said.count("\n") > _FEW_LINES else "content"
            )


def _show_standing(record: RunRecord) -> None:
    if record.state == "done":
        return
    st.html(progress_html(record))
    doing = record.reason if record.state in LIVE else ""
    facts = [*progress_facts(record), memory_words(record.progress.memory_bytes), doing]
    st.html(f'<p class="vx-run">{plain_html(words_line(facts), limit=400)}</p>')
    if silence := silence_words(record):
        st.warning(f"{plain(silence)} It may be busy with a long step, or it hangs; stopping it ends it for certain.")
    elif record.reason and record.state not in LIVE:
        (st.error if record.state == "failed" else st.info)(plain(record.reason))
