"""The desk of this visitor, and the data set that the link names."""

from pathlib import Path
from typing import cast

import streamlit as st

from app import resources, state
from app.components.errors import show_error
from app.training_data import Choice, Prepared
from app.training_desk import Desk
from vit_core.errors import BadDataset, VitError

_STYLE = Path(__file__).parent.parent / "assets" / "finetune.css"
DATA_FOLDER = ".data"  # below the folder of runs, which refer to it


def training_style() -> None:
    """Load the style sheet; call it once in a page."""
    st.html(_STYLE)


def desk() -> Desk:
    """Give what this visitor has on the table."""
    if "training desk" not in st.session_state:
        st.session_state["training desk"] = Desk(resources.settings().runs_dir / DATA_FOLDER)
    return cast("Desk", st.session_state["training desk"])


def opened_data(table: Desk) -> Prepared | None:
    """Give the data set that has just come in, else the one of the link, else that of the run of the link.

    What cannot be opened gets its sentence, and the link forgets it.
    """
    if arrived := table.settle():
        state.choose_data(arrived)
    try:
        if run := state.address().run:
            _follow_run(table, run)
        if not state.address().data:
            return None
        return table.data.load(state.address().data)
    except BadDataset as error:
        state.choose_data("")
        show_error(error)
        return None


def change(table: Desk, prepared: Prepared, choice: Choice) -> None:
    """Keep a change of the data set, from a widget's callback."""
    try:
        table.data.choose(prepared.data_id, choice)
        table.problem = None
    except VitError as error:
        table.problem = error


def _follow_run(table: Desk, run: str) -> None:
    """Start from the pictures and settings of a run: the link of "duplicate with changes"."""
    state.open_run("")
    try:
        record = resources.runs().get(run)
        data_id = table.data.adopt(resources.runs().dataset(run))
    except VitError as error:
        show_error(error)
        return
    state.choose_data(data_id)
    if record.config:
        state.choose_checkpoint(record.config.checkpoint)
        table.start_from(record.config)
