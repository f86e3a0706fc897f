"""What was found out about the pictures, worst first, each with what can be done about it at once."""

import dataclasses
from collections.abc import Container

import streamlit as st

from app.components.plain_text import bullets, plain
from app.components.training_classes import drop, show_picture
from app.components.training_session import change
from app.components.wording import counted
from app.training_data import Prepared
from app.training_desk import Desk
from vit_core.datasets.health import Finding, Severity

ACCEPTABLE = frozenset({"leak", "near-leak"})  # a person may know better; no class or no test picture is final
SHOWN_NAMES = 20
PAIRS_A_PAGE = 4
_WORDS: dict[Severity, str] = {"block": "Solve this first", "warning": "Worth a look", "info": "Good to know"}
_COLOURS: dict[Severity, str] = {"block": "red", "warning": "orange", "info": "gray"}
# What a finding's one button says; `Finding.names` are then the pictures to drop.
_DROPS = {
    "tiny": "Drop the tiny ones",
    "duplicate": "Drop all duplicates",
    "near-duplicate": "Drop one of each pair",
    "leak": "Drop them from learning",
    "near-leak": "Drop them from learning",
}


def show_blocks(table: Desk, prepared: Prepared) -> None:
    """Show what keeps a run from starting, each with its action."""
    _show_findings(table, prepared, {"block"})
    _show_acceptance(table, prepared)


def show_advice(table: Desk, prepared: Prepared) -> None:
    """Show the other findings with their actions, and the files that were left out."""
    _show_findings(table, prepared, {"warning", "info"})
    _show_left_out(prepared)


def blocks(prepared: Prepared) -> list[str]:
    """Give a sentence for each finding that keeps a run from starting; none where the visitor accepted it."""
    return [
        finding.text
        for finding in prepared.health.findings
        if finding.severity == "block" and not (prepared.choice.accepted and finding.kind in ACCEPTABLE)
    ]


def _show_findings(table: Desk, prepared: Prepared, severities: Container[Severity]) -> None:
    for number, finding in enumerate(prepared.health.findings):
        if finding.severity in severities and finding.kind != "left-out":  # those are listed with their sentences
            _show_finding(table, prepared, finding, number)


def _show_finding(table: Desk, prepared: Prepared, finding: Finding, number: int) -> None:
    with st.container(border=True, key=f"finding-{finding.kind}-{number}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(_WORDS[finding.severity], color=_COLOURS[finding.severity])  # type: ignore[arg-type]  # three of its colours
            st.markdown(plain(finding.text, limit=600), width="stretch")
            _show_action(table, prepared, finding, number)
        if finding.pairs:
            _show_pairs(table, prepared, finding, number)
        elif len(finding.names) > 1:
            with st.expander(f"Which {len(finding.names)}"):
                st.markdown(bullets(finding.names[:SHOWN_NAMES]))
                if len(finding.names) > SHOWN_NAMES:
                    st.caption(f"… and {len(finding.names) - SHOWN_NAMES} more.")


def _show_action(table: Desk, prepared: Prepared, finding: Finding, number: int) -> None:
    present = {example.name for example in prepared.dataset.examples}
    names = [name for name in finding.names if name in present]
    if names and finding.kind in _DROPS:
        words = f"{_DROPS[finding.kind]} ({len(names):,})"
        st.button(words, key=f"finding drop {number}", on_click=drop, args=(table, prepared, names))


def _show_pairs(table: Desk, prepared: Prepared, finding: Finding, number: int) -> None:
    present = {example.name: example for example in prepared.dataset.examples}
    pairs = [(present[a], present[b]) for a, b in finding.pairs if a in present and b in present]
    fold = st.expander(f"See {counted(len(pairs), 'pair')} side by side", key=f"pairs {number}", on_change="rerun")
    with fold:
        if not fold.open or not pairs:
            return
        pages = -(-len(pairs) // PAIRS_A_PAGE)
        page = st.pagination(pages, key=f"pairs page {number} {pages}") if pages > 1 else 1
        grid = st.grid("auto", min_column_width=240, gap="small", border=True)
        for place, pair in enumerate(pairs[(page - 1) * PAIRS_A_PAGE : page * PAIRS_A_PAGE]):
            with grid.cell():
                halves = st.grid(2, min_column_width=96, gap="small")
                for side in pair:
                    with halves.cell():
                        st.caption(plain(prepared.dataset.classes[side.label], limit=30))
                        show_picture(table, prepared, side, key=f"pair {number} {place}")


def _show_acceptance(table: Desk, prepared: Prepared) -> None:
    leaks = [each for each in prepared.health.findings if each.severity == "block" and each.kind in ACCEPTABLE]
    if not leaks:
        return
    key = f"accept leaks {prepared.data_id}"
    st.session_state[key] = prepared.choice.accepted
    st.checkbox(
        "I know that the test shows some of what is learned from, and that its accuracy will look too good",
        key=key,
        on_change=_accept,
        args=(table, prepared, key),
    )


def _accept(table: Desk, prepared: Prepared, key: str) -> None:
    change(table, prepared, dataclasses.replace(prepared.choice, accepted=bool(st.session_state[key])))


def _show_left_out(prepared: Prepared) -> None:
    left_out, notes = prepared.whole.left_out, prepared.whole.notes
    if left_out:
        with st.expander(
            f"{counted(len(left_out), 'file')} left out", key="left out files", expanded=len(left_out) < 6
        ):
            st.markdown(bullets(each.reason for each in left_out[:SHOWN_NAMES]))
            if len(left_out) > SHOWN_NAMES:
                st.caption(f"… and {len(left_out) - SHOWN_NAMES} more.")
    if notes:
        st.caption(bullets(notes))
