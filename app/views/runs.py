"""Runs: what was learned and what is being learned; one run with its curves, or all of them."""

import streamlit as st

from app import state
from app.components.notes import show_notes

notes = state.open_page("runs")
st.title("Runs")
show_notes(notes)
state.write_address("runs")
