"""Which pictures are learned from and which are kept for the test: shown, and drawn anew on demand."""

import dataclasses

import streamlit as st

from app.components.plain_text import plain
from app.components.training_session import change
from app.components.wording import counted
from app.training_data import Prepared
from app.training_desk import Desk

MOST_SEED = 2**31 - 1


def split_words(prepared: Prepared) -> str:
    """Give the split as a sentence."""
    dataset = prepared.dataset
    train, test = len(dataset.of("train")), len(dataset.of("test"))
    counts = f"{counted(train, 'picture')} to learn from and {test:,} to test on"
    if dataset.split == "folders":
        return f"{counts}, as in your folders."
    share = round(100 * dataset.test_share)
    return f"{counts}. The test gets about {share} % of each class, drawn at random with seed {dataset.seed}."


def show_split(table: Desk, prepared: Prepared) -> None:
    """Show the split and the way to another one."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(plain(split_words(prepared)), width="content")
        with st.popover("Change the split", type="tertiary", key="split"):
            _show_choice(table, prepared)


def _show_choice(table: Desk, prepared: Prepared) -> None:
    st.markdown(
        "The test pictures are never learned from; they tell how good the result is. Which ones they are depends on "
        "their content and the seed alone, so that pictures you add later do not move the others."
    )
    with st.form(f"split form {prepared.data_id}", border=False):
        share = st.slider(
            "Kept for the test (%)",
            5,
            50,
            min(50, max(5, round(prepared.dataset.test_share * 100))),
            step=5,
            help="Of each class. More makes the accuracy surer, and leaves less to learn from.",
        )
        seed = st.number_input(
            "Seed",
            0,
            MOST_SEED,
            prepared.dataset.seed,
            step=1,
            help="Another number draws other test pictures; the same number draws the same ones.",
        )
        if st.form_submit_button("Draw the split"):
            change(table, prepared, dataclasses.replace(prepared.choice, seed=int(seed), test_share=share / 100))
            st.rerun()
    if prepared.choice.seed is not None and prepared.whole.split == "folders":
        st.button("Back to my folders", key="split back", on_click=_go_back, args=(table, prepared))


def _go_back(table: Desk, prepared: Prepared) -> None:
    change(table, prepared, dataclasses.replace(prepared.choice, seed=None, test_share=None))
