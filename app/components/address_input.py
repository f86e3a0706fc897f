"""A box for the name or the address of a checkpoint: of the Hugging Face Hub, of a web server, of a public bucket."""

import streamlit as st

from app import resources, state
from app.components.errors import show_error
from vit_core.errors import VitError
from vit_core.store.address import is_address

_PROBLEM = "address problem"
EXAMPLE = "hf:timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def show_address_input(key: str, *, forget_run: bool = False) -> None:
    """Let a person type or paste an address, and take it in hand; a wrong one gives a sentence.

    Args:
        key: of the box; one per page.
        forget_run: whether the page stops repeating the run of its link.
    """
    st.text_input(
        "Or type a name or an address",
        key=key,
        placeholder=EXAMPLE,
        on_change=_take,
        args=(key, forget_run),
        help="`hf:OWNER/REPO` of the Hugging Face Hub (`@REVISION` behind it for another one than main), or the "
        "`https://` or `gs://` address of an .npz or .safetensors file on a host or in a bucket that this server "
        "allows.",
    )
    if problem := st.session_state.get(_PROBLEM):
        show_error(problem)


def refusal_of(name: str) -> VitError | None:
    """Say why an address is refused here; None where it is not, or where the name is none."""
    if not is_address(name):
        return None
    try:
        resources.store().locate(name)
    except VitError as error:
        return error
    return None


def _take(key: str, forget_run: bool) -> None:
    st.session_state[_PROBLEM] = None
    text = str(st.session_state[key]).strip()
    if not text:
        return
    if problem := refusal_of(text):
        st.session_state[_PROBLEM] = problem
        return
    st.session_state[key] = ""
    name = resources.store().locate(text).name if is_address(text) else text
    state.update(checkpoint=name, **({"run": ""} if forget_run else {}))
