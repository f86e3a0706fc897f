"""Pictures that were brought to this server before: the newest first, to use once more or to delete."""

import time

import streamlit as st

from app import resources
from app.components.plain_text import one_line, plain
from app.components.run_words import started_words
from app.components.training_deletion import kept_words, show_deletion
from app.components.training_session import use
from app.components.wording import counted
from app.training_desk import Desk
from app.training_heads import Head
from app.training_intake import Intake
from vit_core.runs.leftovers import KEPT_DAYS

SHOWN = 20  # more at a click
_SHOWN = "earlier pictures shown"


def show_earlier(table: Desk) -> None:
    """Show what is here and what is on its way in, folded; nothing where there is neither."""
    every, coming = table.data.all_ids(), resources.intakes().under_way()
    every = [each for each in every if each[0] not in {intake.data_id for intake in coming}]
    if not every and not coming:
        return
    fold = st.expander("Your earlier pictures", key="earlier pictures", on_change="rerun")
    with fold:
        if not fold.open:
            return
        st.caption(
            f"Pictures that no run uses are deleted {KEPT_DAYS} days after they were last opened. "
            "Everyone who uses this server sees the same list."
        )
        for intake in coming:
            _show_coming(table, intake)
        shown = st.session_state.get(_SHOWN, SHOWN)
        for data_id, created in every[:shown]:
            _show_row(table, table.data.head(data_id, created))
        if len(every) > shown:
            st.button(f"Show more ({len(every) - shown:,})", key="earlier more", type="tertiary", on_click=_show_more)


def _show_coming(table: Desk, intake: Intake) -> None:
    now = intake.state()
    far = f": {now.done:,} of {now.total:,}" if now.total else ""
    with _row(intake.data_id):
        st.markdown(f"**{plain(now.name, limit=60)}** · being checked now{far}", width="stretch")
        st.button(
            "See how far it is",
            key=f"use {intake.data_id}",
            type="tertiary",
            on_click=use,
            args=(table, intake.data_id),
        )


def _show_row(table: Desk, head: Head) -> None:
    now = time.time()
    facts = [
        f"**{plain(head.name or 'Cannot be read', limit=60)}**",
        f"{counted(head.pictures, 'picture')} of {counted(head.classes, 'class', 'classes')}",
        started_words(head.created, now),
        kept_words(head.root, opened=head.opened, now=now) if table.data.keeps(head.root) else "a folder of the server",
    ]
    name = one_line(head.name, limit=40)
    with _row(head.data_id):
        st.markdown(" · ".join(facts), width="stretch")
        st.button("Use", key=f"use {head.data_id}", help=plain(f"Use {name}"), on_click=use, args=(table, head.data_id))
        with st.popover("Delete", type="tertiary", key=f"delete {head.data_id}"):
            show_deletion(table, head.data_id, head.root)


def _row(data_id: str) -> "st.delta_generator.DeltaGenerator":
    return st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"earlier-{data_id}")


def _show_more() -> None:
    st.session_state[_SHOWN] = st.session_state.get(_SHOWN, SHOWN) + SHOWN
