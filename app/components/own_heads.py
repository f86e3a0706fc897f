"""How many attention heads a visitor's own file has, asked for in one small field where nothing tells it."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app import resources
from app.components.errors import show_error
from app.components.wording import counted
from app.model_shape import shape_of_file
from app.own_checkpoints import bare_name, told_heads
from vit_core.errors import UntoldHeads, VitError

_PROBLEM = "own heads problem"
_MOST = 128


def show_heads(name: str, take: Callable[[str], None]) -> None:
    """Ask for the heads of a file that does not tell them, or show what was told and the way back.

    Args:
        name: of a checkpoint; shows nothing for what is no visitor's file, or tells its heads itself.
        take: gets the file's other name, from then on that of the checkpoint.
    """
    path = resources.own_checkpoints().path(name)
    if path is None:
        return
    heads = told_heads(name)
    if heads is not None:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.caption(f"{counted(heads, 'attention head')}, as you said.", width="content")
            st.button(
                "Say another number", key=f"heads anew {name}", type="tertiary", on_click=_forget, args=(name, take)
            )
    elif _are_untold(path):
        _ask(name, take)


def _ask(name: str, take: Callable[[str], None]) -> None:
    key = f"heads {name}"
    st.number_input(
        "How many attention heads does it have?",
        min_value=1,
        max_value=_MOST,
        value=None,
        step=1,
        placeholder="such as 12",
        key=key,
        on_change=_take,
        args=(name, key, take),
        help="Nothing in the file tells it, and no published model has its shape. Whoever trained it knows; with a "
        "wrong number its answers are wrong.",
    )
    problem = st.session_state.get(_PROBLEM, {}).get(name)
    if problem is not None:
        show_error(problem)


def _take(name: str, key: str, take: Callable[[str], None]) -> None:
    st.session_state[_PROBLEM] = {}
    heads = st.session_state[key]
    path = resources.own_checkpoints().path(name)
    if heads is None or path is None:
        return
    try:
        shape_of_file(path, num_heads=int(heads))
        take(resources.own_checkpoints().with_heads(name, int(heads)))
    except VitError as error:
        st.session_state[_PROBLEM] = {name: error}


def _forget(name: str, take: Callable[[str], None]) -> None:
    take(bare_name(name))


def _are_untold(path: Path) -> bool:
    try:
        shape_of_file(path)
    except UntoldHeads:
        return True
    except VitError:  # said where the file is used
        return False
    return False
