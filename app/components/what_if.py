"""What one other choice in the recipe would have changed: the sister files, by the choice that sets them apart."""

import math
from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.components.checkpoint_table import named_rows
from app.components.wording import percent
from vit_core.catalog.lookup import counterfactual

OnChoose = Callable[[str], None]


def what_if(frame: pd.DataFrame, filename: str, on_choose: OnChoose) -> None:
    """Show the files that differ from `filename` in one choice; a chosen row opens that file."""
    sisters = counterfactual(frame, filename)
    if sisters.empty:
        st.caption("No other file of this catalogue differs from this one in a single choice.")
        return
    st.caption(
        "Files with the same recipe but for one choice, and how their upstream accuracy differs in points. "
        "Tick one to open it."
    )
    shown = pd.DataFrame(
        {
            "Change": sisters["factor"].astype("str").str.capitalize(),
            "to": sisters["value"],
            "Upstream": [
                percent(value, source=str(source))
                for value, source in zip(sisters["final_val"], sisters["final_val_source"], strict=True)
            ],
            "Difference": [
                points(float(difference), exact=bool(exact))
                for difference, exact in zip(sisters["difference"], sisters["exact"], strict=True)
            ],
        }
    )
    named_rows(
        shown,
        sisters["filename"].tolist(),
        "",
        lambda name: on_choose(name) if name else None,
        key=f"what if {filename}",
        config={
            "Change": st.column_config.TextColumn(width=125),
            "to": st.column_config.TextColumn(width=150),
            "Upstream": st.column_config.TextColumn(width=80, alignment="right"),
            "Difference": st.column_config.TextColumn(width=90, alignment="right"),
        },
        height=35 * 10 + 38,
        alt="Files that differ from the chosen one in a single choice",
    )


def points(difference: float, *, exact: bool) -> str:
    """Give a difference of accuracies in points, whole ones where more is not known.

    Example:
        >>> points(-0.0149, exact=True), points(0.02, exact=False), points(math.nan, exact=False)
        ('−1.5', '≈ +2', 'not comparable')
    """
    if math.isnan(difference):
        return "not comparable"
    words = f"{difference * 100:+.1f}" if exact else f"≈ {difference * 100:+.0f}"
    return words.replace("-", "−")
