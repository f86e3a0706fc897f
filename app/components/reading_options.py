"""How pictures are read and how much of an answer is shown."""

import dataclasses

import streamlit as st

from vit_core.preprocess import METHODS

TOP_KS = (3, 5, 10, 20)
OWN = 0
RESOLUTIONS = (OWN, 224, 384)
NAMES = {"resize": "Whole picture", "crop": "Middle of the picture"}


@dataclasses.dataclass(frozen=True)
class ReadingOptions:
    """The visitor's choice.

    Attributes:
        top_k: guesses to show.
        preprocessing: how a picture becomes the model's square.
        resolution: its side in pixels; None takes what the checkpoint was trained for.
    """

    top_k: int
    preprocessing: str
    resolution: int | None


def show_reading_options() -> ReadingOptions:
    """Show the choices, and give them."""
    with st.popover("Options"):
        top_k = st.segmented_control("Guesses to show", TOP_KS, default=5, required=True, key="top k")
        methods = list(METHODS)
        preprocessing = st.radio(
            "How a picture becomes a square",
            methods,
            format_func=preprocessing_words,
            captions=[METHODS[method] for method in methods],
            key="preprocessing",
        )
        resolution = st.selectbox(
            "Resolution",
            RESOLUTIONS,
            format_func=lambda pixels: f"{pixels} px" if pixels else "The checkpoint's own",
            key="resolution",
            help="Another resolution than its own stretches the model's sense of place; it often does a little worse.",
        )
    return ReadingOptions(top_k, preprocessing, resolution or None)


def preprocessing_words(method: str) -> str:
    """Give the short name of a way to read pictures."""
    return NAMES.get(method, method)
