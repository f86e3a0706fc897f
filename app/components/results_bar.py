"""Between chart and table: how many files are left, in which order, and the table as a file."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.components.checkpoint_card import CARD_ANCHOR
from app.components.checkpoint_table import orderings_of
from app.components.facts import jump
from app.components.wording import counted
from app.derived import once
from vit_core.catalog.releases import is_other
from vit_core.catalog.schema import to_csv_bytes

OnOrder = Callable[[str, bool], None]


def how_many(left: pd.DataFrame, frame: pd.DataFrame) -> str:
    """Say how many pre-trained files the filters leave of how many, of AugReg and of the other releases: Markdown."""
    of_others, left_of_others = is_other(frame), is_other(left)
    main = _files_with_tunes(_counts(left, ~left_of_others), _files(frame, ~of_others))
    others = f"{_files_with_tunes(_counts(left, left_of_others), _files(frame, of_others))} of other releases"
    if left_of_others.all() == (~left_of_others).all():  # files of both, or none at all
        return f"{main} of AugReg, and {others}" if of_others.any() else main
    return others if left_of_others.all() else main


def _counts(frame: pd.DataFrame, rows: pd.Series) -> tuple[int, int]:
    return _files(frame, rows), int((frame["adapt_ds"].notna() & rows).sum())


def _files(frame: pd.DataFrame, rows: pd.Series) -> int:
    return int(frame["filename"][rows].nunique())


def _files_with_tunes(left: tuple[int, int], whole: int) -> str:
    files, tunes = left
    return f"**{_of(files, whole, 'pre-trained file')}**" + (f" with {counted(tunes, 'fine-tune')}" if tunes else "")


def _of(count: int, total: int, noun: str) -> str:
    return counted(total, noun) if count == total else f"{count:,} of {counted(total, noun)}"


def results_bar(
    files: pd.DataFrame, left: pd.DataFrame, column: str, *, ascending: bool, chosen: bool, on_order: OnOrder
) -> None:
    """Let the user choose the order of the table, and take the table home.

    Args:
        files: the pre-trained files that are shown.
        left: their fine-tunes.
        column: the column the table is sorted by.
        ascending: smallest first.
        chosen: whether a file is chosen, so that there is a card to go to.
        on_order: called with a column and a direction.
    """
    if chosen:
        jump("To the chosen checkpoint", CARD_ANCHOR)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        _order(files, column, ascending=ascending, on_order=on_order)
        with st.popover("Download CSV"):
            _download(files, "pre-trained file", "vit-pretrained-files.csv")
            # A file of another release that was not fine-tuned is a row of its own.
            all_tuned = once("all tuned", files, lambda: bool(left["adapt_ds"].notna().all()))
            noun = "fine-tune" if all_tuned else "checkpoint"
            _download(left, noun, "vit-fine-tunes.csv")


def _order(files: pd.DataFrame, column: str, *, ascending: bool, on_order: OnOrder) -> None:
    by_column = {ordering.column: ordering for ordering in orderings_of(files)}
    key, direction = "order by", "order direction"
    st.session_state[key], st.session_state[direction] = column, "up" if ascending else "down"

    def changed() -> None:
        wanted = by_column[st.session_state[key]]
        on_order(wanted.column, not wanted.descending)

    st.selectbox(
        "Sort by",
        list(by_column),
        key=key,
        format_func=lambda each: by_column[each].label,
        on_change=changed,
        width=270,
    )
    st.segmented_control(
        "Direction",
        ("down", "up"),
        key=direction,
        required=True,
        format_func=lambda each: {"down": "↓ high to low", "up": "↑ low to high"}[each],
        label_visibility="collapsed",
        on_change=lambda: on_order(column, st.session_state[direction] == "up"),
    )


def _download(rows: pd.DataFrame, noun: str, file_name: str) -> None:
    st.download_button(
        f"CSV of {counted(len(rows), noun)}",
        lambda: to_csv_bytes(rows),
        file_name=file_name,
        mime="text/csv",
        on_click="ignore",
        width="stretch",
    )
