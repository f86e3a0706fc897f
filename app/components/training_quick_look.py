"""A first accuracy within seconds: how far the checkpoint's own features tell the classes apart."""

import streamlit as st

from app import resources
from app.components.plain_text import plain
from app.components.training_estimate import duration, show_progress
from app.components.wording import percent
from app.training_data import Prepared
from app.training_desk import Desk
from vit_core.training.config import TrainConfig
from vit_core.training.estimates import QuickLook


def show_quick_look(table: Desk, prepared: Prepared, config: TrainConfig | None, *, why_not: str) -> None:
    """Offer the quick look, show how far it is, or what it gave.

    Args:
        table: of this visitor.
        prepared: the data set.
        config: what a run would be told, None before that is known.
        why_not: a sentence where it cannot be had now, "" where it can.
    """
    with st.container(key="quick-look-panel", gap="small"):
        if show_progress(table, "quick look"):
            return
        now = table.estimate("quick look")
        if now and now.quick_look:
            current = config is not None and table.still_holds("quick look", config, prepared)
            _show_result(now.quick_look, current=current)
        elif not now:
            st.markdown(
                "A **quick look** tells within seconds how well these pictures can be told apart, before anything is "
                "trained for long."
            )
        st.button(
            "Take another quick look" if now and now.quick_look else "Take a quick look",
            key="quick look",
            disabled=bool(why_not) or config is None,
            on_click=table.ask,
            args=("quick look", config, prepared, resources.settings()),
        )
        if why_not:
            st.caption(f"Not yet: {plain(why_not)}")


def _show_result(look: QuickLook, *, current: bool) -> None:
    low, high = look.interval
    st.markdown(
        f"**Quick look: {percent(look.accuracy)}** of {look.num_test:,} test pictures are told apart with a new last "
        f"layer alone ({plain(duration(look.seconds))} on {plain(look.device)}). With so many pictures, the truth "
        f"lies between {percent(low)} and {percent(high)} (95 % confidence). Training usually ends above it."
    )
    if not current:
        st.caption("That was for another checkpoint, resolution or set of pictures.")
