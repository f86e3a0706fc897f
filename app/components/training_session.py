"""The desk of this visitor, and the data set that the link names."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import streamlit as st

from app import resources, state
from app.training_data import Choice, Prepared
from app.training_desk import Desk
from app.training_intake import Intake
from vit_core.errors import VitError

_STYLE = Path(__file__).parent.parent / "assets" / "finetune.css"


def training_style() -> None:
    """Load the style sheet; call it once in a page."""
    st.html(_STYLE)


def desk() -> Desk:
    """Give what this visitor has on the table."""
    if "training desk" not in st.session_state:
        st.session_state["training desk"] = Desk(resources.training_data())
    return cast("Desk", st.session_state["training desk"])


def opened_data(table: Desk) -> tuple[Prepared | None, Intake | None]:
    """Give the data set of the link, or of the run of the link; while it is on its way in, how far that is.

    What cannot be opened leaves its sentence on the table, and the link forgets it.
    """
    try:
        if state.address().run and not state.address().data:
            _follow_run(table, state.address().run)
        data_id = state.address().data
        if not data_id:
            return None, None
        intake = resources.intakes().get(data_id)
        if intake and not intake.state().ended:
            return None, intake
        return table.data.load(intake.outcome() if intake else data_id), None
    except VitError as error:
        put_away(table)
        table.problem = error
        return None, None


def take_in(table: Desk, start: Callable[[], Intake]) -> None:
    """Start to take pictures in, from a widget's callback; the link names them from here on."""
    if intake := table.take_in(start):
        resources.intakes().add(intake)
        state.choose_data(intake.data_id)


def use(table: Desk, data_id: str) -> None:
    """Turn to other pictures that are here, or on their way in, from a widget's callback."""
    table.problem = None
    state.choose_data(data_id)


def put_away(table: Desk) -> None:
    """Have no pictures in hand, from a widget's callback; they stay where they are."""
    use(table, "")


def change(table: Desk, prepared: Prepared, choice: Choice) -> None:
    """Keep a change of the data set, from a widget's callback; the link names the data set from here on."""
    try:
        table.data.choose(prepared.data_id, choice)
        use(table, prepared.data_id)
        table.as_run = None
    except VitError as error:
        table.problem = error


def _follow_run(table: Desk, run: str) -> None:
    """Start from the pictures and settings of a run: the link of "duplicate with changes".

    Raises:
        VitError: there is no such run, or its pictures are gone.
    """
    record, dataset = resources.runs().get(run), resources.runs().dataset(run)
    data_id = table.data.adopt(dataset)
    use(table, data_id)
    learned, in_hand = (
        {(each.name, each.part) for each in of.examples} for of in (dataset, table.data.load(data_id).dataset)
    )
    table.as_run = None if in_hand == learned else (data_id, table.data.choice_of(data_id, dataset))
    state.repeat_run(run, data=data_id, checkpoint=record.config.checkpoint if record.config else "")
    if record.config:
        table.start_from(record.config)
