"""Tabs whose choice stands in the address; only the open one is drawn."""

from collections.abc import Callable, Mapping

import streamlit as st


def one_of_tabs(tabs: Mapping[str, tuple[str, Callable[[], None]]], shown: str, on_show: Callable[[str], None]) -> None:
    """Draw the tabs and what the open one holds.

    Args:
        tabs: for each tab by its name in links, its words and what draws it.
        shown: the name of the open one.
        on_show: called with the name of the one that the user turns to.
    """
    names = {words: name for name, (words, _) in tabs.items()}
    key = "tab"
    st.session_state[key] = tabs[shown][0]
    containers = st.tabs(list(names), key=key, on_change=lambda: on_show(names[st.session_state[key]]))
    for container, (_, draw) in zip(containers, tabs.values(), strict=True):
        if container.open:
            with container:
                draw()
