"""Between chart and table: how many files are left, in which order, and the table as a file."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.components.checkpoint_table import ORDERINGS
from app.components.wording import counted

OnOrder = Callable[[str, bool], None]


def how_many(left: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Say how many files the filters leave of how many."""
    files, total = left["filename"].nunique(), frame["filename"].nunique()
    words = (
        counted(total, "pre-trained file") if files == total else f"{files:,} of {counted(total, 'pre-trained file')}"
    )
    st.markdown(f"**{words}** with {counted(len(left), 'fine-tune')}", width="content")


def order_bar(column: str, *, ascending: bool, on_order: OnOrder) -> None:
    """Let the user choose what the table is sorted by.

    Args:
        column: the column it is sorted by.
        ascending: smallest first.
        on_order: called with the column and the direction.
    """
    by_column = {ordering.column: ordering for ordering in ORDERINGS}
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
        on_change=lambda: on_order(column, st.session_state[direction] == "up"),
    )


def download(csv: Callable[[], bytes], *, rows: int) -> None:
    """Offer the filtered table as csv; it is made when it is asked for."""
    st.download_button(
        "Download CSV",
        csv,
        file_name="vit-checkpoints.csv",
        mime="text/csv",
        on_click="ignore",
        help=f"All columns of the {counted(rows, 'row')} that the filters leave, one per fine-tune",
    )
