"""All runs, newest first: state, place, progress, time left, accuracy so far, device, start and note of each."""

import time
from collections.abc import Callable, Sequence

import streamlit as st

from app.components.plain_text import plain, plain_html
from app.components.run_words import (
    LIVE,
    accuracy_html,
    accuracy_words,
    progress_facts,
    progress_html,
    silence_words,
    since_words,
    state_badge,
    words_line,
)
from app.components.wording import counted
from vit_core.runs.names import is_run_name
from vit_core.runs.record import RunRecord

PAGE_SIZE = 20
OnOpen = Callable[[str], None]


def no_runs() -> None:
    """Say what will stand here, and lead to where a run begins."""
    st.markdown(
        "Nothing has been taught yet. Bring pictures in folders, one folder per class; a checkpoint learns to tell "
        "them apart, and here you follow how it goes. A run goes on when you close the page."
    )
    st.page_link("views/finetune.py", label="Teach a checkpoint your own classes →")


def run_list(records: Sequence[RunRecord], on_open: OnOpen) -> None:
    """Show the runs a page at a time; a clicked one is handed to `on_open` by its name."""
    alive = sum(record.state in LIVE for record in records)
    st.caption(words_line([counted(len(records), "run"), f"{alive} running or waiting" if alive else ""]))
    pages = max(1, -(-len(records) // PAGE_SIZE))
    page = st.pagination(pages, key=f"runs page {pages}") if pages > 1 else 1
    for record in records[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]:
        _row(record, on_open)


def _row(record: RunRecord, on_open: OnOpen) -> None:
    with st.container(border=True, key=f"run-row-{record.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if is_run_name(record.name):
                key = f"open-run-{record.name}"
                # Not by on_click: the list is a fragment, and after a callback only the fragment would be drawn anew.
                if st.button(f"**{plain(record.name)}**", type="tertiary", key=key):
                    on_open(record.name)
                    st.rerun()
            else:
                st.markdown(f"**{plain(record.name)}**", width="content")
            state_badge(record)
            st.space("stretch")
            if accuracy := accuracy_words(record):
                st.html(accuracy_html(accuracy), width="content")
        if record.state not in ("unreadable", "draft", "done"):
            st.html(progress_html(record))
        st.html(f'<p class="vx-run">{_line(record)}</p>')


def _line(record: RunRecord) -> str:
    now = time.time()  # for the screen only
    reason = silence_words(record) or record.reason
    facts = [*progress_facts(record), record.device, record.dataset_name, since_words(record, now)]
    lines = [plain_html(words_line(facts), limit=300)]
    lines += [f"<small>{plain_html(text, limit=300)}</small>" for text in (reason, _quoted(record.note)) if text]
    return "".join(lines)


def _quoted(note: str) -> str:
    return f"“{note}”" if note else ""
