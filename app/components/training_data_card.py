"""The data set in hand: its name and size, where it lies, and the ways to put it away."""

import streamlit as st

from app import resources, state
from app.components.errors import show_error
from app.components.plain_text import plain
from app.components.training_classes import show_classes, show_dropped, show_every_picture
from app.components.training_health import blocks, show_advice, show_blocks
from app.components.training_split import show_split
from app.components.wording import counted
from app.training_data import KEPT_DAYS, Prepared
from app.training_desk import Desk
from vit_core.errors import BadRun
from vit_core.runs.record import FINAL

ENOUGH_TESTED = 10  # test pictures; with fewer, one of them more or less right moves the accuracy by over 10 %


def show_data(table: Desk, prepared: Prepared) -> None:
    """Show the data set, what was found out about it, and what can be done with it."""
    _show_head(table, prepared)
    if table.problem:
        show_error(table.problem)
    show_blocks(table, prepared)
    show_classes(table, prepared)
    show_dropped(table, prepared)
    show_split(table, prepared)
    show_advice(table, prepared)
    show_every_picture(table, prepared)


def _show_head(table: Desk, prepared: Prepared) -> None:
    dataset = prepared.dataset
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = f"{counted(len(dataset.examples), 'picture')} of {len(dataset.classes):,} classes"
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
        st.button("Use other pictures", key="other pictures", type="tertiary", on_click=_put_away, args=(table,))
        with st.popover("Delete", type="tertiary", key="delete data"):
            _show_deletion(table, prepared)
    if few:
        st.caption(
            f"With {counted(num_test, 'test picture')} the accuracy moves in steps of {100 / num_test:.0f} %: so few "
            "tell whether it learns at all, not which of two runs is better. Bring more, or keep a larger part."
        )


def _show_deletion(table: Desk, prepared: Prepared) -> None:
    if table.data.is_copy(prepared):
        st.markdown(
            "The pictures lie on this machine only. They are kept for the runs that learn from them; without a run "
            f"they are deleted after {KEPT_DAYS} days."
        )
        st.caption("Runs that have ended keep their results, but cannot show these pictures any more or learn on.")
    else:
        st.markdown("The pictures stay in the server's folder; what is deleted is the list of them made here.")
    st.button("Delete now", key="delete data now", type="primary", on_click=_delete, args=(table, prepared))


def _put_away(table: Desk) -> None:
    table.problem = None
    state.choose_data("")


def _delete(table: Desk, prepared: Prepared) -> None:
    folder = table.data.folder(prepared.data_id)
    busy = [
        record.name
        for record in resources.runs().all()
        if record.state not in FINAL | {"unreadable"} and resources.runs().dataset(record.name).root == folder
    ]
    if busy:
        table.problem = BadRun(
            f"The run {busy[0]!r} still needs these pictures; let it end, stop it or delete it first."
        )
        return
    table.cancel("trial")
    table.cancel("quick look")
    table.data.delete(prepared.data_id)
    _put_away(table)
