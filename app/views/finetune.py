"""Fine-tune: teach a checkpoint classes of one's own."""

import streamlit as st

from app import state
from app.components.notes import show_notes

notes = state.open_page("finetune")
st.title("Teach it my classes")
show_notes(notes)
state.write_address("finetune")
