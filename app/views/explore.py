"""Explore: which checkpoint should I start from? The recommended ones, then all, with filters, chart and card."""

import contextlib

import pandas as pd
import streamlit as st

from app import resources, state
from app.components.checkpoint_card import Actions, checkpoint_card, no_checkpoint_card
from app.components.checkpoint_table import files_table, in_order, order_of
from app.components.errors import shown_errors
from app.components.filters import filter_bar, filters_on, nothing_left
from app.components.frontier import frontier
from app.components.known_names import file_of, known_names
from app.components.notes import show_notes
from app.components.paper_findings import paper_findings
from app.components.recommended import recommended_cards, recommended_heading
from app.components.results_bar import how_many, results_bar
from app.components.run_explore import your_runs
from app.components.style import explore_style
from app.components.tabs import one_of_tabs
from app.derived import facets, files_of, once, once_filtered, recommended, recommended_set
from app.turns import in_turn
from vit_core.catalog.query import apply_filters
from vit_core.catalog.recommend import RULE, comparability_notes

ACTIONS = Actions(
    choose_file=state.choose_file,
    choose_checkpoint=state.choose_checkpoint,
    compare=state.toggle_compared,
    go=lambda page, name: st.switch_page(f"views/{page}.py", query_params={"checkpoint": name}),
)


@st.fragment
def browse() -> None:
    """Show what follows from the filters; redrawn without the rest of the page."""
    # The tab of runs reads a disk, for which nobody else should wait.
    with shown_errors(), contextlib.nullcontext() if state.address().tab == "runs" else in_turn():
        state.write_address("explore")
        address = state.address()
        frame = resources.catalogue(address.catalogue).frame
        room = resources.room()
        left = apply_filters(frame, address.filters, room=room)
        recommended_heading(recommended_set(frame), RULE, comparability_notes())
        recommended_cards(recommended(frame), address.file, state.choose_file)
        filter_bar(address.filters, facets(frame, address.filters, room), state.update_filters, room)
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            words = once_filtered("how many", frame, address.filters, lambda: how_many(left, frame))
            st.markdown(words, width="content")
            filters_on(address.filters, state.update_filters)
        find = ("Find a checkpoint", lambda: find_one(left, frame))
        paper = ("What did the paper find?", lambda: paper_findings(left, address.filters, state.update_filters))
        one_of_tabs({"find": find, "paper": paper, "runs": ("Your runs", your_runs)}, address.tab, state.show_tab)


def find_one(left: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Show chart and table beside the card of the chosen file."""
    address = state.address()
    found = files_of(left, frame, address.filters)
    sort, upwards = order_of(found, address.sort, ascending=address.ascending)
    files = once("ordered", found, lambda: in_order(found, sort, ascending=upwards), sort, upwards)
    overview, detail = st.columns([1.8, 1], gap="medium")
    with overview:
        if files.empty:
            nothing_left(address.filters, state.update_filters)
        else:
            frontier(files, address.file, address.upstream, on_choose=state.choose_file, on_show=state.show_upstream)
            chosen = bool(address.file)
            results_bar(files, left, sort, ascending=upwards, chosen=chosen, on_order=state.order_by)
            shown = repr((address.catalogue, address.filters, sort, upwards))
            target = next(iter(address.filters.adapt_ds), "")
            files_table(files, address.file, state.choose_file, key=shown, target=target)
    with detail:
        if not address.file:
            no_checkpoint_card()
        else:
            bucket, compared = resources.settings().bucket, address.compare
            checkpoint_card(frame, address.file, address.checkpoint, compared=compared, bucket=bucket, actions=ACTIONS)


explore_style()
st.title("Which checkpoint should I start from?")
state.open_page("explore")
table = resources.catalogue(state.address().catalogue).frame
show_notes(state.forget_unknown(known_names(table, lambda: resources.tables(state.address().catalogue))))
state.settle_file(file_of(table, state.address().checkpoint))
browse()
