"""Runs: what was learned and what is being learned; one run with its curves, or all of them."""

import streamlit as st

from app import resources, state
from app.components.errors import shown_errors
from app.components.notes import show_notes
from app.components.plain_text import plain
from app.components.run_list import no_runs, run_list
from app.components.run_page import show_run
from app.components.run_style import runs_style
from app.components.run_words import LIVE, POLL_S
from app.components.style import explore_style
from vit_core.errors import UnknownName
from vit_core.runs.record import RunRecord

SHOWN = "run shown last"


def find(name: str) -> RunRecord | None:
    """Give the run that was asked for; one that is not there, or no longer, is said, and all are shown."""
    try:
        return resources.runs().get(name) if name else None
    except UnknownName as error:
        if st.session_state.get(SHOWN) == name:
            resources.all_runs.clear()
            st.info(f"The run {plain(name)} is gone: it was deleted elsewhere, such as in another tab.")
            return None
        st.info(f"{plain(str(error))} These are the runs that there are.")
        return None


def follow(live: bool) -> None:
    """Show all runs; when the last one that was alive has ended, the page is drawn anew and stops looking."""
    with shown_errors():
        records = resources.all_runs()
        if live and not any(record.state in LIVE for record in records):
            st.rerun()
        run_list(records, state.open_run)


explore_style()
runs_style()
notes = state.open_page("runs")
heading = st.container()
show_notes(notes)
record = find(state.address().run)
if record is not None:
    st.session_state[SHOWN] = record.name
    with heading:
        st.button("← All runs", type="tertiary", on_click=state.open_run, args=("",))
        st.title(plain(record.name))
    show_run(record)
else:
    if state.address().run:
        state.open_run("")
    heading.title("Runs")
    if records := resources.all_runs():
        live = any(each.state in LIVE for each in records)
        st.fragment(follow, run_every=POLL_S if live else None)(live)
    else:
        no_runs()
state.write_address("runs")
