"""Which checkpoint a run starts from: the one in hand, else the best that is on this machine, with a way to another."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from app import resources, state
from app.components.address_input import show_address_input
from app.components.checkpoint_in_hand import InHand, choose, here_already
from app.components.own_heads import show_heads
from app.components.plain_text import one_line, plain
from app.model_shape import shape_in_table, shape_of_file
from vit_core.catalog.hub_copies import original_of
from vit_core.catalog.query import fine_tunes, pretrained_files
from vit_core.errors import VitError
from vit_core.models.config import ModelConfig


@dataclasses.dataclass(frozen=True)
class Start:
    """The checkpoint that a run starts from.

    Attributes:
        hand: what it is, for people.
        checkpoint: what the run is told: a name, or the path of an own file.
        path: of its file, None while it is not on this machine.
        model: its architecture, None where neither the file nor the table tells.
        problem: why the file cannot be used, "" where it can.
        is_default: nobody chose it.
        is_demo: it is one of the tiny models that come with the app.
    """

    hand: InHand
    checkpoint: str
    path: Path | None
    model: ModelConfig | None
    problem: str = ""
    is_default: bool = False
    is_demo: bool = False


def starting_point(tables: Sequence[pd.DataFrame], demo: pd.DataFrame) -> tuple[Start, str | None]:
    """Give the checkpoint in hand, else the best one of this machine; and why it is not the one asked for.

    Args:
        tables: where to look for it, in this order.
        demo: the table of the demo models.
    """
    asked = state.address().checkpoint
    # The demo's few names first: a table that lacks a name looks for close ones, which takes a while among 51,509.
    hand, refusal = choose(asked or best_here(tables, demo), (demo, *tables), demo)
    own = resources.own_checkpoints().path(hand.name)
    path = own or resources.store().local_path(hand.name)
    start = Start(
        hand,
        str(own) if own else hand.name,
        path,
        model=None,
        is_default=not asked,
        is_demo=hand.name in {*demo["filename"].astype("str"), *demo["adapt_filename"].astype("str")},
    )
    if path is None:
        found = (shape_in_table(table, original_of(hand.name) or hand.name) for table in tables)
        return dataclasses.replace(start, model=next((model for model in found if model), None)), refusal
    try:
        return dataclasses.replace(start, model=shape_of_file(path)), refusal
    except VitError as error:
        return dataclasses.replace(start, problem=str(error)), refusal


def best_here(tables: Sequence[pd.DataFrame], demo: pd.DataFrame) -> str:
    """Give the pre-trained file of this machine with the highest upstream accuracy, else the best one of the demo."""
    here = {entry.name for entry in resources.store().cached() if entry.is_whole}
    for table in (*tables, demo):
        names = set(demo["filename"].astype("str")) if table is demo else here - set(demo["filename"].astype("str"))
        rows = table[table["filename"].isin(names)]
        if not rows.empty:
            return str(pretrained_files(rows).iloc[0]["filename"])  # the best first
    return str(demo.iloc[0]["filename"])


def sisters_of(start: Start, tables: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
    """Give the published fine-tunes of the pre-trained file behind a checkpoint, None where no table has it."""
    name = original_of(start.hand.name) or start.hand.name
    for table in tables:
        rows = table[(table["adapt_filename"] == name) | (table["filename"] == name)]
        if not rows.empty:
            return fine_tunes(table, str(rows.iloc[0]["filename"]))
    return None


def show_start(start: Start, tables: Sequence[pd.DataFrame], demo: pd.DataFrame) -> None:
    """Show the checkpoint and the way to another one."""
    hand = start.hand
    with st.container(border=True, key="start-card", gap="small"):
        st.caption("Checkpoint to start from" + (", the best on this machine" if start.is_default else ""))
        st.markdown(f"**{plain(hand.title)}**")
        st.markdown(
            f"It knows {plain(hand.knows)}. For your classes its head, the last layer, which can only name those, is "
            "replaced by a new one; all other layers start from what they have learned."
        )
        if start.is_demo:
            st.caption(
                "A tiny model that comes with the app, good for practice. For photos, take one from Explore: it has "
                "seen millions of them."
            )
        st.code(hand.name, language=None, wrap_lines=True)
        show_heads(hand.name, lambda name: state.update(checkpoint=name, run=""))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            change = st.popover("Change", key="start change", on_change="rerun")
            with change:
                if change.open:
                    _show_choice(hand, here_already(tables, demo))
            st.page_link("views/explore.py", label="Find one in Explore")


def _show_choice(hand: InHand, choices: Sequence[InHand]) -> None:
    by_name = {choice.name: choice for choice in (hand, *choices)}
    key = "start choice"
    st.session_state[key] = hand.name
    st.selectbox(
        "On this machine already",
        list(by_name),
        format_func=lambda name: one_line(by_name[name].title, limit=100),
        key=key,
        on_change=lambda: state.update(checkpoint=str(st.session_state[key]), run=""),
    )
    show_address_input("start address", forget_run=True)
    st.caption(
        "A file of weights of your own can be brought on Classify, under “Change”; it is then in hand here, too."
    )
