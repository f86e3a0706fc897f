"""What can be done with a run: stop, resume, repeat with changes, delete, note; and what was refused."""

from collections.abc import Callable

import streamlit as st

from app import resources, state
from app.components.errors import show_error
from app.components.plain_text import plain
from app.components.run_words import LIVE
from vit_core.errors import VitError
from vit_core.runs.record import RESUMABLE, RunRecord

_PROBLEM = "run problem"
_MAX_NOTE = 300


def show_actions(record: RunRecord) -> None:
    """Show the buttons that the state of a run allows, and why the last one was refused."""
    name = record.name
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="run-actions"):
        if record.state in ("queued", "running"):
            help_text = "It saves its state first, and can be resumed."
            st.button("Stop", icon=":material/stop:", on_click=_do, args=(_stop, name), help=help_text)
        if record.state in RESUMABLE:
            st.button("Resume", icon=":material/play_arrow:", type="primary", on_click=_do, args=(_resume, name))
        if record.state != "unreadable":
            # A link: a change of page from a script writes its parameters into this page's address first, and the
            # browser's way back would lead there.
            again = {"run": name}
            st.page_link(
                "views/finetune.py", label="Repeat with changes", icon=":material/content_copy:", query_params=again
            )
        # Not through its own argument: a click must open the dialog within the script, not in a callback.
        if record.state not in LIVE and st.button("Delete…", icon=":material/delete:"):
            _confirm_delete(record)
    if problem := st.session_state.get(_PROBLEM):
        show_error(problem)


def show_note(record: RunRecord) -> None:
    """Let the user write a note to a run."""
    key = f"note of {record.name}"
    if key not in st.session_state:
        st.session_state[key] = record.note
    st.text_input(
        "Note",
        key=key,
        max_chars=_MAX_NOTE,
        placeholder="A note to yourself, such as what you wanted to find out",
        label_visibility="collapsed",
        on_change=lambda: _do(_annotate, record.name, st.session_state[key]),
    )


@st.dialog("Delete this run?")
def _confirm_delete(record: RunRecord) -> None:
    held = "its model and its curves" if record.state == "done" else "its saved states and its curves"
    st.markdown(f"**{plain(record.name)}**, {held} are gone for good then. Your pictures are kept.")
    with st.container(horizontal=True):
        if st.button("Delete it", type="primary", key="delete it"):
            _do(_delete, record.name)
            st.rerun()
        if st.button("Keep it", key="keep it"):
            st.rerun()


def _do(action: Callable[..., None], *arguments: str) -> None:
    """Do something with a run; a refusal stays on the page until the next action."""
    st.session_state.pop(_PROBLEM, None)
    try:
        action(*arguments)
    except VitError as error:
        st.session_state[_PROBLEM] = error
    resources.all_runs.clear()


def _stop(name: str) -> None:
    resources.runs().stop(name)


def _resume(name: str) -> None:
    resources.runs().resume(name)


def _annotate(name: str, note: str) -> None:
    resources.runs().annotate(name, note)


def _delete(name: str) -> None:
    resources.runs().delete(name)
    if state.address().checkpoint == f"run:{name}":
        state.choose_checkpoint("")
    state.open_run("")
