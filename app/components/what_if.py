"""What one other choice in the recipe would have changed: the sister files, by the choice that sets them apart."""

import math
from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.components.checkpoint_table import named_rows
from app.components.wording import percent
from vit_core.catalog.families import family_of
from vit_core.catalog.lookup import counterfactual

OnChoose = Callable[[str], None]


def what_if(frame: pd.DataFrame, filename: str, on_choose: OnChoose) -> None:
    """Show the files that differ from `filename` in one choice; a chosen row opens that file."""
    if family_of(filename):
        st.caption("Recipes are known choice by choice for AugReg alone, so there is nothing to say of this file.")
        return
    sisters = counterfactual(frame, filename)
    # Choices of the recipe first; another model is another budget.
    sisters = sisters.sort_values("factor", key=lambda factors: factors == "model", kind="stable")
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
            "to": [_short(str(value)) for value in sisters["value"]],
            "Upstream": [
                percent(value, source=str(source), missing="–")
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
            "Change": st.column_config.TextColumn(width=112),
            "to": st.column_config.TextColumn(width=125),
            "Upstream": st.column_config.TextColumn(width=70, alignment="right"),
            "Difference": st.column_config.TextColumn(
                "Points", width=64, alignment="right", help="– where sets differ or a value is unknown"
            ),
        },
        most_rows=10,
        alt="Files that differ from the chosen one in a single choice",
    )


def _short(value: str) -> str:
    """Leave out of a choice what explains it."""
    for explains in (" (", ": ", " + "):
        value = value.partition(explains)[0]
    return value


def points(difference: float, *, exact: bool) -> str:
    """Give a difference of accuracies in points, whole ones where more is not known.

    Example:
        >>> points(-0.0149, exact=True), points(0.02, exact=False), points(math.nan, exact=False)
        ('−1.5', '≈ +2', '–')
    """
    if math.isnan(difference):
        return "–"
    words = f"{difference * 100:+.1f}" if exact else f"≈ {difference * 100:+.0f}".replace("+0", "0").replace("-0", "0")
    return words.replace("-", "−")
