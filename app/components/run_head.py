"""The head of a run's page: what it learns, from which model, how long ago; the file's name small, to be copied."""

import time

import streamlit as st

from app import resources, state
from app.components.errors import shown_errors
from app.components.plain_text import one_line, plain, plain_html
from app.components.run_source import source_words
from app.components.run_words import LIVE, POLL_S, since_words, state_badge, words_line
from app.components.wording import counted
from vit_core.errors import UnknownName, VitError, shorten
from vit_core.runs.record import RunRecord

_NAMED_CLASSES = 8


def show_head(record: RunRecord) -> None:
    """Show what a run learns and from which model; what changes with time follows by itself while it lives."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        state_badge(record)
        st.markdown(f"**{plain(task_words(record, _class_names(record)), limit=600)}**", width="content")
    if record.config is None:
        return
    checkpoint = record.config.checkpoint
    words = f"From {source_words(checkpoint, resources.tables(state.address().catalogue))}"
    every = POLL_S if record.state in LIVE else None
    st.fragment(_follow, run_every=every)(record.name, f"{counts_words(record)} · {words}")
    with st.container(key="run-source"):
        st.code(checkpoint, language=None, wrap_lines=True)


def task_words(record: RunRecord, classes: tuple[str, ...]) -> str:
    """Give what a run learns to tell apart.

    Example:
        >>> from pathlib import Path
        >>> task_words(RunRecord("pets", Path("pets"), "running", num_classes=2), ("cat", "dog"))
        'Learns to tell 2 classes apart: cat, dog'
    """
    count = f"{record.num_classes:,} {'class' if record.num_classes == 1 else 'classes'}"
    if not classes:
        return f"Learns {count}" + (f" of {one_line(record.dataset_name, limit=60)}" if record.dataset_name else "")
    named = ", ".join(shorten(name, 40) for name in classes[:_NAMED_CLASSES])
    more = f" and {len(classes) - _NAMED_CLASSES:,} more" if classes[_NAMED_CLASSES:] else ""
    if len(classes) == 1:
        return f"Knows {count}: {named}"
    return f"{'Tells' if record.state == 'done' else 'Learns to tell'} {count} apart: {named}{more}"


def counts_words(record: RunRecord) -> str:
    """Give from how many pictures a run learns, and of which data set."""
    counts = f"{counted(record.num_train, 'picture')} to learn from, {record.num_test:,} to test on"
    return f"{one_line(record.dataset_name, limit=60)}: {counts}" if record.dataset_name else counts


def _class_names(record: RunRecord) -> tuple[str, ...]:
    try:
        return resources.run_dataset(record.name, record.created).classes
    except VitError:  # a run that cannot be read, which the page says by itself
        return ()


def _follow(name: str, words: str) -> None:
    with shown_errors():
        try:
            record = resources.runs().get(name)
        except UnknownName:  # deleted elsewhere, and the page says so
            st.rerun()
        facts = [words, record.device, since_words(record, time.time())]
        st.html(f'<p class="vx-run">{plain_html(words_line(facts), limit=600)}</p>')
