"""The settings of a run in words, and what differs between two runs."""

import dataclasses
from collections.abc import Sequence

import streamlit as st

from app.components.facts import facts_list
from app.components.plain_text import plain_html
from app.components.run_words import accuracy_words, data_words
from vit_core.runs.record import RunRecord
from vit_core.training.config import FIELDS, TrainConfig


def show_settings(record: RunRecord) -> None:
    """Show what a run was told, each setting with its sentence of explanation."""
    if record.config is not None:
        facts_list([(FIELDS[name].label, text, FIELDS[name].help) for name, text in _texts(record.config).items()])


def changes(records: Sequence[RunRecord]) -> list[tuple[str, tuple[str, ...]]]:
    """Give what differs between runs: the label of a setting and its value in each; data and accuracy first."""
    configs = [_texts(record.config) if record.config else {} for record in records]
    rows = [("Data", tuple(map(data_words, records))), ("Best test accuracy", tuple(map(accuracy_words, records)))]
    rows += [(field.label, tuple(config.get(name, "unknown") for config in configs)) for name, field in FIELDS.items()]
    return [(label, values) for label, values in rows if len(set(values)) > 1]


def show_changes(records: Sequence[RunRecord]) -> None:
    """Show a table of what differs between runs, one column each."""
    rows = changes(records)
    if not rows:
        st.caption("Both runs were told the same, and they learned from the same data.")
        return
    head = "".join(f'<th scope="col">{plain_html(record.name)}</th>' for record in records)
    body = "".join(
        f'<tr><th scope="row">{plain_html(label)}</th>'
        + "".join(f"<td>{plain_html(value) or '–'}</td>" for value in values)
        + "</tr>"
        for label, values in rows
    )
    table = f"<thead><tr><th>Differs in</th>{head}</tr></thead><tbody>{body}</tbody>"
    st.html(f'<div class="vx-scroll" tabindex="0"><table class="vx-changes">{table}</table></div>')


def _texts(config: TrainConfig) -> dict[str, str]:
    return {field.name: _text(field.name, getattr(config, field.name)) for field in dataclasses.fields(config)}


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if name == "seed" else f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return FIELDS[name].choices.get(str(value), str(value))
