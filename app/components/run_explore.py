"""Finished runs as checkpoints: what each can tell apart and how well, and the ways to use it."""

import time

import streamlit as st

from app import resources
from app.components.plain_text import plain, plain_html
from app.components.run_list import no_runs
from app.components.run_style import runs_style
from app.components.run_words import LIVE, accuracy_html, accuracy_words, data_words, since_words, words_line
from app.components.wording import counted
from vit_core.runs.record import RunRecord

MOST_SHOWN = 50


def your_runs() -> None:
    """Show the finished ones, newest first, and lead to the others."""
    runs_style()
    records = resources.all_runs()
    done = [record for record in records if record.state == "done"]
    if not records:
        no_runs()
        return
    others = len(records) - len(done)
    alive = sum(record.state in LIVE for record in records)
    under_way = f", {alive} of them running or waiting" if alive else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{counted(len(done), 'finished run')}**", width="content")
        label = f"All runs, {others} unfinished{under_way} →" if others else "All runs →"
        st.page_link("views/runs.py", label=label)
    for record in done[:MOST_SHOWN]:
        _row(record)


def _row(record: RunRecord) -> None:
    now = time.time()  # for the screen only
    with st.container(border=True, key=f"your-run-{record.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(record.name)}**", width="content")
            st.html(accuracy_html(accuracy_words(record)), width="content")
            st.space("stretch")
            checkpoint = {"checkpoint": f"run:{record.name}"}
            with st.container(key=f"run-links-{record.name}", horizontal=True, gap="xsmall", width="content"):
                st.page_link("views/classify.py", label="Classify with this", query_params=checkpoint)
                st.page_link("views/finetune.py", label="Fine-tune", query_params=checkpoint, help="Teach it further")
                st.page_link("views/runs.py", label="Open the run", query_params={"run": record.name})
        facts = [data_words(record), since_words(record, now), f"“{record.note}”" if record.note else ""]
        st.html(f'<p class="vx-run">{plain_html(words_line(facts), limit=400)}</p>')
