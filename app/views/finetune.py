"""Fine-tune: teach a checkpoint classes of one's own. Three steps on one page: pictures, settings, start."""

import streamlit as st

from app import resources, state
from app.components.download_progress import show_download
from app.components.errors import show_error
from app.components.notes import show_notes
from app.components.plain_text import plain
from app.components.style import explore_style
from app.components.training_cost import show_cost, show_start_button
from app.components.training_data_card import show_data
from app.components.training_plan import planned, what_is_missing
from app.components.training_quick_look import show_quick_look
from app.components.training_session import desk, opened_data, training_style
from app.components.training_settings import show_advanced, show_settings
from app.components.training_sources import show_intake, show_sources
from app.components.training_start import show_start, sisters_of, starting_point

notes = state.open_page("finetune")
explore_style()
training_style()
st.title("Teach it my classes")
show_notes(notes)
table = desk()
prepared, coming = opened_data(table)
state.write_address("finetune")  # at once: a reload finds the pictures again that have just begun to come in
tables = resources.tables(state.address().catalogue)
demo = resources.demo_catalogue().frame
start, refusal = starting_point(tables, demo)
plan = planned(table, prepared, start, sisters_of(start, tables))
missing = what_is_missing(prepared, start, plan, coming=coming is not None)

st.header("1. Your pictures", anchor=False)
if coming:
    show_intake(coming)
elif prepared is None:
    show_sources(table)
else:
    show_data(table, prepared)
    show_quick_look(table, prepared, plan.config if plan else None, why_not=" ".join(missing))

st.header("2. Start from", anchor=False)
if refusal:
    st.warning(f"{plain(refusal)} A demo model stands in for it.")
checkpoint_side, settings_side = st.columns([2, 3], gap="large")
with checkpoint_side:
    show_start(start, tables, demo)
    if start.path is None:
        show_download(start.hand)
with settings_side:
    if start.problem:
        show_error(start.problem)
    elif plan and start.model:
        show_settings(table, plan, num_layers=start.model.num_layers)
    else:
        st.caption("The settings are proposed here as soon as your pictures are in, each with its reason.")
if plan:
    show_advanced(table, plan)

st.header("3. Cost and start", anchor=False)
cost_side, start_side = st.columns(2, gap="large")
with cost_side:
    show_cost(table, prepared, plan, why_not=missing)
with start_side:
    show_start_button(table, prepared, plan, why_not=missing)
