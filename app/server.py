"""What `vit-explorer app` serves: the pages, and beside them the zips of finished runs."""

from pathlib import Path

import streamlit as st
from streamlit.starlette import App

from app.result_zip import zip_route
from app.upkeep import upkeep

app = App(
    Path(__file__).with_name("main.py"),
    lifespan=upkeep,
    routes=[zip_route(below=st.get_option("server.baseUrlPath"))],
)
