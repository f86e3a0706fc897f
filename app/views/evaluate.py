"""Evaluate: how right is a checkpoint on pictures whose classes are known?"""

from typing import cast

import streamlit as st

from app import resources, state
from app.components.checkpoint_in_hand import choose, here_already, show_in_hand
from app.components.download_progress import show_download
from app.components.evaluate_result import show_evaluation
from app.components.evaluate_sources import show_sources
from app.components.notes import show_notes
from app.components.plain_text import plain
from app.evaluation_desk import EvaluationDesk

notes = state.open_page("evaluate")
asked = state.address().checkpoint
demo = resources.demo_catalogue().frame
tables = resources.tables(state.address().catalogue)
hand, refusal = choose(asked, tables, demo)
desk = cast("EvaluationDesk", st.session_state.setdefault("evaluation desk", EvaluationDesk()))

st.title("How right is it?")
show_notes(notes)
if refusal:
    st.warning(f"{plain(refusal)} A demo model is evaluated instead.")

pictures_side, checkpoint_side = st.columns([3, 2], gap="large")
with checkpoint_side:
    show_in_hand(hand, here_already(tables, demo), is_default=not asked or refusal is not None)
with pictures_side:
    if resources.checkpoint_path(hand.name) is None:
        show_download(hand)
    else:
        own = resources.own_checkpoints().path(hand.name)
        show_sources(desk, hand, str(own) if own else hand.name, resources.samples())
show_evaluation(desk)
state.write_address("evaluate")
