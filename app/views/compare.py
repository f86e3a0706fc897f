"""Compare: two to four checkpoints side by side."""

import streamlit as st

st.title("Compare checkpoints")
