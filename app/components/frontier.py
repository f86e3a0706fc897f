"""The chart of accuracy and speed with its choice of pre-training set: one at a time, since sets cannot be compared."""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import state
from app.components.charts import CHART_CONFIG, SPEED, accuracy_chart, axis_for
from app.components.errors import shown_errors
from app.components.first_screen import heavy_parts_may_come
from app.components.palette import size_order
from app.components.plain_text import plain
from app.derived import once
from vit_core.catalog.collection import label_of
from vit_core.catalog.releases import is_other

OnChoose = Callable[[str], None]


def frontier(
    files: pd.DataFrame, chosen: str, upstream: str, *, on_choose: OnChoose, on_show: Callable[[str], None]
) -> None:
    """Show the chart; a clicked mark is handed to `on_choose` by its file name.

    Args:
        files: one row per file that passes the filters.
        chosen: name of the file to ring, "" for none.
        upstream: the pre-training set to show, "" for that of the chosen file or the first one.
        on_choose: called with a file name.
        on_show: called with the pre-training set that the user wants to see.
    """
    # Other releases have no upstream accuracy in print, so there is nothing of them to draw.
    ours = files[~is_other(files)]
    if ours.empty:
        st.caption("The chart shows upstream accuracies, which were published for AugReg alone.")
        return
    shown = shown_set(ours, chosen, upstream)
    _choose_set(ours, shown, on_show)
    drawn = ours[ours["ds"] == shown]
    axis = axis_for(drawn)
    ring = chosen if (drawn["filename"] == chosen).any() else ""
    with st.container(key="frontier place"):  # as high as the chart, also before it is there
        _chart(
            lambda: once("chart", files, lambda: accuracy_chart(drawn, ring, axis=axis), shown, ring),
            _alternative(drawn, label_of("ds", shown), axis.column),
            on_choose,
        )
    _caption(drawn, axis.column)


@st.fragment
def _chart(draw: Callable[[], go.Figure], words: str, on_choose: OnChoose) -> None:
    """Show the chart; by itself, so that its coming after the first screen draws nothing else anew."""
    with shown_errors():
        state.run_page_if_changed()
        if heavy_parts_may_come():
            _marks(draw(), words, on_choose)


def _marks(figure: go.Figure, words: str, on_choose: OnChoose) -> None:
    key = "frontier"

    def choose() -> None:
        points = st.session_state[key]["selection"]["points"]
        names = [point["customdata"] for point in points if point.get("customdata")]
        if names:
            on_choose(str(names[0] if isinstance(names[0], str) else names[0][0]))

    st.plotly_chart(
        figure,
        key=key,
        on_select=choose,
        selection_mode="points",
        config=CHART_CONFIG,
        alt=words,
    )


def shown_set(files: pd.DataFrame, chosen: str, upstream: str) -> str:
    """Give the pre-training set to draw: the one asked for, that of the chosen file, or the first of the catalogue."""
    there = [str(ds) for ds in files["ds"].cat.categories if (files["ds"] == ds).any()]
    own = files.loc[files["filename"] == chosen, "ds"]
    wanted = [upstream, *(str(ds) for ds in own)]
    return next((ds for ds in wanted if ds in there), there[0])


def _choose_set(files: pd.DataFrame, shown: str, on_show: Callable[[str], None]) -> None:
    counts = files["ds"].value_counts()
    there = [str(ds) for ds in files["ds"].cat.categories if counts[ds]]
    key = "frontier set"
    st.session_state[key] = shown
    st.segmented_control(
        "Pre-trained on",
        there,
        key=key,
        required=True,
        format_func=lambda ds: f"{plain(label_of('ds', ds))} ({counts[ds]:,})",
        label_visibility="collapsed",
        wrap=True,
        on_change=lambda: on_show(str(st.session_state[key])),
    )


def _caption(files: pd.DataFrame, column: str) -> None:
    silent = files[files[column].isna() | files["final_val"].isna()]
    names = sorted(silent["name"].astype("str").unique(), key=size_order)
    words = "faster" if column == SPEED.column else "smaller"
    missing = f" Not drawn, as a number is not published: {plain(', '.join(names))}." if names else ""
    st.caption(
        f"Click a mark to open its file. On the dotted line, nothing {words} is better.{missing}",
        help="One mark is one pre-trained file. The colour says the size: Tiny, Small, Base or Large; diamonds are "
        "hybrids, squares have patches of 32 px. All files of a model have one speed; their marks are spread sideways, "
        "the lightest augmentation on the left.",
    )


def _alternative(files: pd.DataFrame, label: str, column: str) -> str:
    quantity = "speed" if column == SPEED.column else "number of parameters"
    return (
        f"Upstream accuracy against {quantity} of {len(files)} files pre-trained on {label}; the table below lists them"
    )
