"""An estimate under way: what it does, how far it is, and a way to end it."""

import streamlit as st

from app.components.errors import show_error, shown_errors
from app.components.plain_text import plain
from app.training_desk import Desk, Kind

POLL_S = 0.5


def show_progress(table: Desk, kind: Kind) -> bool:
    """Show an estimate that is under way, or why it failed; give whether it is under way."""
    now = table.estimate(kind)
    if now is None:
        return False
    if now.finished:
        if now.error:
            show_error(now.error)
        return False
    st.fragment(_follow, run_every=POLL_S)(table, kind)
    return True


def duration(seconds: float) -> str:
    """Give a time as people say it.

    Example:
        >>> duration(8.2), duration(356.0), duration(30_000.0)
        ('8 s', '6 min', '8 h 20 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60:,} h {minutes % 60} min"


def _follow(table: Desk, kind: Kind) -> None:
    with shown_errors():
        now = table.estimate(kind)
        if now is None or now.finished:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", key=f"estimate-{kind.replace(' ', '-')}"):
            st.progress(now.fraction or 0.0, text=f"{plain(now.stage[:1].upper() + now.stage[1:])}…")
            st.button("Cancel", key=f"cancel {kind}", on_click=table.cancel, args=(kind,))
