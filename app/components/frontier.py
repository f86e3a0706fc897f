"""The chart of accuracy and speed with its choice of pre-training set: one at a time, since sets cannot be compared."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import state
from app.components.charts import CHART_CONFIG, SPEED, Axis, accuracy_chart, axis_for
from app.components.errors import shown_errors
from app.components.first_screen import heavy_parts_may_come
from app.components.palette import size_order
from app.components.plain_text import plain
from app.derived import once
from app.turns import in_turn
from vit_core.catalog.collection import label_of
from vit_core.catalog.releases import is_other

OnChoose = Callable[[str], None]


class _Seen(NamedTuple):
    """What there is to draw.

    Attributes:
        counts: files of each pre-training set.
        shown: the set that is drawn.
        drawn: its files.
        axis: what lies to the right.
        ring: name of the file to ring, "" for none.
        silent: models of which a number is not known.
    """

    counts: Mapping[str, int]
    shown: str
    drawn: pd.DataFrame
    axis: Axis
    ring: str
    silent: tuple[str, ...]


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
    seen = once("frontier", files, lambda: _look_at(files, chosen, upstream), chosen, upstream)
    if not seen.counts:
        st.caption("The chart shows upstream accuracies, which were published for AugReg alone.")
        return
    _choose_set(seen.counts, seen.shown, on_show)
    with st.container(key="frontier place"):  # as high as the chart, also before it is there
        _chart(
            lambda: once(
                "chart", files, lambda: accuracy_chart(seen.drawn, seen.ring, axis=seen.axis), seen.shown, seen.ring
            ),
            _alternative(seen),
            on_choose,
        )
    _caption(seen)


def _look_at(files: pd.DataFrame, chosen: str, upstream: str) -> _Seen:
    # Other releases have no upstream accuracy in print, so there is nothing of them to draw.
    ours = files[~is_other(files)]
    counts = ours["ds"].value_counts()
    there = {str(ds): int(counts[ds]) for ds in ours["ds"].cat.categories if counts[ds]}
    shown = shown_set(ours, chosen, upstream) if there else ""
    drawn = ours[ours["ds"] == shown]
    axis = axis_for(drawn)
    silent = drawn[drawn[axis.column].isna() | drawn["final_val"].isna()]
    return _Seen(
        counts=there,
        shown=shown,
        drawn=drawn,
        axis=axis,
        ring=chosen if (drawn["filename"] == chosen).any() else "",
        silent=tuple(sorted(silent["name"].astype("str").unique(), key=size_order)),
    )


@st.fragment
def _chart(draw: Callable[[], go.Figure], words: str, on_choose: OnChoose) -> None:
    """Show the chart; by itself, so that its coming after the first screen draws nothing else anew."""
    with shown_errors(), in_turn():
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


def _choose_set(counts: Mapping[str, int], shown: str, on_show: Callable[[str], None]) -> None:
    key = "frontier set"
    st.session_state[key] = shown
    st.segmented_control(
        "Pre-trained on",
        list(counts),
        key=key,
        required=True,
        format_func=lambda ds: f"{plain(label_of('ds', ds))} ({counts[ds]:,})",
        label_visibility="collapsed",
        wrap=True,
        on_change=lambda: on_show(str(st.session_state[key])),
    )


def _caption(seen: _Seen) -> None:
    words = "faster" if seen.axis is SPEED else "smaller"
    missing = f" Not drawn, as a number is not published: {plain(', '.join(seen.silent))}." if seen.silent else ""
    st.caption(
        f"Click a mark to open its file. On the dotted line, nothing {words} is better.{missing}",
        help="One mark is one pre-trained file. The colour says the size: Tiny, Small, Base or Large; diamonds are "
        "hybrids, squares have patches of 32 px. All files of a model have one speed; their marks are spread sideways, "
        "the lightest augmentation on the left.",
    )


def _alternative(seen: _Seen) -> str:
    quantity, label = "speed" if seen.axis is SPEED else "number of parameters", label_of("ds", seen.shown)
    return (
        f"Upstream accuracy against {quantity} of {len(seen.drawn)} files pre-trained on {label}; the table below "
        "lists them"
    )
