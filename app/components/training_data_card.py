"""The data set in hand: its name and size, where it lies, and the ways to put it away."""

import streamlit as st

from app.components.errors import show_error
from app.components.plain_text import plain
from app.components.training_classes import show_classes, show_dropped, show_every_picture
from app.components.training_deletion import kept_sentence, show_deletion
from app.components.training_health import blocks, show_advice, show_blocks
from app.components.training_session import change, put_away
from app.components.training_split import show_split
from app.components.wording import counted
from app.training_data import Prepared
from app.training_desk import Desk

ENOUGH_TESTED = 10  # test pictures; with fewer, one of them more or less right moves the accuracy by over 10 %


def show_data(table: Desk, prepared: Prepared) -> None:
    """Show the data set, what was found out about it, and what can be done with it."""
    _show_head(table, prepared)
    if table.problem:
        show_error(table.problem)
    _show_run_before(table, prepared)
    show_blocks(table, prepared)
    show_classes(table, prepared)
    show_dropped(table, prepared)
    show_split(table, prepared)
    show_advice(table, prepared)
    show_every_picture(table, prepared)


def _show_run_before(table: Desk, prepared: Prepared) -> None:
    """Say that the pictures are not those the run learned from, and give the way to them."""
    if table.as_run is None or table.as_run[0] != prepared.data_id:
        return
    st.info("These pictures were changed since that run; here they are as they were left last.")
    st.button("Use them as the run did", key="as the run", on_click=change, args=(table, prepared, table.as_run[1]))


def _show_head(table: Desk, prepared: Prepared) -> None:
    dataset = prepared.dataset
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = f"{counted(len(dataset.examples), 'picture')} of {counted(len(dataset.classes), 'class', 'classes')}"
        st.markdown(f"**{plain(dataset.name, limit=60)}** · {words}", width="content")
        num_test = len(dataset.of("test"))
        few = 0 < num_test < ENOUGH_TESTED and not blocks(prepared)
        if blocks(prepared):
            st.badge("Not ready yet", color="red")
        elif few:
            st.badge("Ready, but few test pictures", color="orange")
        else:
            st.badge("Ready to learn from", color="green")
        st.space("stretch")
        st.button("Use other pictures", key="other pictures", type="tertiary", on_click=put_away, args=(table,))
        with st.popover("Delete", type="tertiary", key="delete data"):
            show_deletion(table, prepared.data_id, prepared.whole.root)
    if table.data.keeps(prepared.whole.root):
        st.caption(f"{kept_sentence(prepared.whole.root)} The address of this page brings you back to them.")
    if few:
        st.caption(
            f"With {counted(num_test, 'test picture')} the accuracy moves in steps of {100 / num_test:.0f} %: so few "
            "tell whether it learns at all, not which of two runs is better. Bring more, or keep a larger part."
        )
