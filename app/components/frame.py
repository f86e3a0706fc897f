"""The frame round every page: the two chips in the header, what computes and where the catalogue comes from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from app import resources, state
from app.components.catalogue_source import show_catalogue_source, source_words
from app.components.errors import shown_errors
from app.components.plain_text import plain
from app.components.run_words import LIVE, POLL_S, begins_again, share_done
from app.components.wording import counted
from vit_core.inference.service import ServiceStatus
from vit_core.runs.record import RunRecord

STYLE = Path(__file__).parent.parent / "assets" / "style.css"
STATES = {
    "cold": "asleep",
    "starting": "waking up",
    "ready": "free",
    "busy": "answering",
}


def show_chips() -> None:
    """Show both chips; while the bucket is asked, look every second, and draw the page anew when it has answered."""
    with st.container(key="chips", horizontal=True, horizontal_alignment="right", gap="xsmall"):
        alive = any(record.state in LIVE for record in resources.all_runs())
        with st.container(width="content"):  # else the fragment takes a whole line of a phone
            st.fragment(_follow_device, run_every=POLL_S if alive else None)(alive)
        _catalogue_chip()
    if _waiting():
        st.fragment(_follow, run_every=1.0)()


def _follow_device(alive: bool) -> None:
    """Show what computes; when the last run that was alive has ended, the page is drawn anew and stops looking."""
    with shown_errors():
        records = resources.all_runs()
        _device_chip(resources.service().status(), records)
        if alive and not any(record.state in LIVE for record in records):
            st.rerun()


def _follow() -> None:
    with shown_errors():
        if not _waiting():
            st.rerun()


def _waiting() -> bool:
    return resources.live_catalogue().asking or resources.own_table().loading


def device_words(status: ServiceStatus, run: RunRecord | None = None) -> str:
    """Give the device and what it does, for the chip.

    Args:
        status: of the prediction service.
        run: the one that learns now.

    Example:
        >>> device_words(ServiceStatus("ready", "CPU", (), 0))
        'CPU · free'
    """
    if run is not None:
        doing = "starting again" if begins_again(run) else f"learning, {share_done(run):.0%}".replace("%", " %")
        return f"{run.device or status.device or 'This machine'} · {doing}"
    queue = f", {status.queued} waiting" if status.queued else ""
    return f"{status.device or 'Model engine'} · {STATES[status.state]}{queue}"


def _device_chip(status: ServiceStatus, records: Sequence[RunRecord]) -> None:
    run = next((record for record in records if record.state in ("running", "stopping")), None)
    with st.popover(plain(device_words(status, run)), type="tertiary"):
        st.markdown("**What computes**")
        if run is not None:
            waiting = sum(record.state == "queued" for record in records)
            st.write(f"The run {plain(run.name)} is learning; {counted(waiting, 'run')} in the queue behind it.")
            st.page_link("views/runs.py", label="Show the run", query_params={"run": run.name})
        if status.state == "cold":
            st.write("Nothing yet. A process of its own starts with your first picture and picks the best device.")
        else:
            st.write(f"Device: {plain(status.device or 'being looked for')}.")
            holder = "this app's predictor is answering" if status.state == "busy" else "nobody is using it"
            st.write(f"Right now {holder}; {status.queued} requests wait.")
        if status.loaded:
            st.write("In memory:\n" + "\n".join(f"- {plain(name)}" for name in status.loaded))
        st.caption(f"Chosen by the operator (VIT_DEVICE): {resources.settings().device}.")


def _catalogue_chip() -> None:
    key = state.address().catalogue
    table = resources.catalogue(key)
    asking = " …" if _waiting() else ""
    with st.popover(f"{source_words(key, table, now=datetime.now(UTC))}{asking}", type="tertiary"):
        show_catalogue_source(key, table)
