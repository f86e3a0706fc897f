"""What the model saw of one picture, and where it looked: a light over the picture, layer by layer.

The arrays came with the answer: moving the slider computes a small image here and asks the model nothing.
"""

from typing import Literal

import numpy as np
import streamlit as st
from jaxtyping import Float, UInt8
from PIL import Image

from app.answers import Detail
from app.components.errors import shown_errors
from app.components.plain_text import one_line

View = Literal["picture", "layer", "rollout"]
VIEWS: dict[View, str] = {"picture": "Picture", "layer": "One layer", "rollout": "All layers"}
EXPLANATIONS: dict[View, str] = {
    "picture": "Exactly the pixels the model was given.",
    "layer": "Bright: the patches this layer's attention went to. Dark: what it passed over.",
    "rollout": "Attention rollout: the layers up to the chosen one multiplied, so what reached it from each patch.",
}
LIGHT = np.array([255, 186, 84], np.float32)  # amber, told from any picture's darkened part in both themes


@st.fragment
def show_seen(detail: Detail, *, name: str) -> None:
    """Show the crop that the model saw, with a choice of what its attention went to.

    Args:
        detail: the crop and the attention arrays of one answer.
        name: of the picture, for its alternative text.
    """
    with shown_errors(), st.container(key="seen"):
        place = st.empty()
        view: View = "picture"
        if detail.heads is None or detail.rollout is None:
            st.caption("This model is an MLP-Mixer: it has no attention, so nothing shows where it looked.")
        else:
            view = _choose_view()
        weights = _weights(detail, view)
        seen = enlarged(detail.crop)
        place.image(seen if weights is None else lit(seen, weights), width="stretch", alt=_alt(name, view))
        st.caption(EXPLANATIONS[view])


def lit(picture: UInt8[np.ndarray, "H W 3"], weights: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "H W 3"]:
    """Light up a picture where `weights` are large and darken it where they are small.

    The weights are stretched from 0 to 1: the picture shows where, not how much.
    """
    low, high = float(weights.min()), float(weights.max())
    scaled = (weights - low) / (high - low) if high > low else np.ones_like(weights)
    size = (picture.shape[1], picture.shape[0])
    smooth = Image.fromarray((scaled * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    share = np.asarray(smooth, np.float32)[..., None] / 255
    brightened = picture * (0.25 + 0.55 * share) + LIGHT * (0.35 * share)
    pixels: np.ndarray = np.clip(brightened, 0, 255).astype(np.uint8)
    return pixels


def enlarged(pixels: UInt8[np.ndarray, "res res 3"], *, at_least: int = 320) -> UInt8[np.ndarray, "side side 3"]:
    """Repeat each pixel so often that the side has at least `at_least` pixels; nothing is invented between them."""
    times = -(-at_least // pixels.shape[0])
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def _choose_view() -> View:
    views: list[View] = list(VIEWS)
    return st.segmented_control(
        "Where it looked",
        views,
        default="picture",
        required=True,
        format_func=lambda view: VIEWS[view],
        key="attention view",
    )


def _weights(detail: Detail, view: View) -> Float[np.ndarray, "h w"] | None:
    if view == "picture" or detail.heads is None or detail.rollout is None:
        return None
    layers, heads = detail.heads.shape[:2]
    layer = st.slider("Layer", 1, layers, layers, key="attention layer") if layers > 1 else 1
    if view == "rollout":
        upto: np.ndarray = detail.rollout[layer - 1]
        return upto
    options = ["mean", *(str(number) for number in range(1, heads + 1))]
    head = st.selectbox("Head", options, format_func=_head_words, key="attention head")
    of_layer = detail.heads[layer - 1].astype(np.float32)
    weights: np.ndarray = of_layer.mean(axis=0) if head == "mean" else of_layer[min(int(head), heads) - 1]
    return weights


def _head_words(option: str) -> str:
    return "Mean of all heads" if option == "mean" else f"Head {option}"


def _alt(name: str, view: View) -> str:
    seen = f"What the model saw of {one_line(name, limit=60)}"
    return seen if view == "picture" else f"{seen}, lit where its attention went ({VIEWS[view].lower()})"
