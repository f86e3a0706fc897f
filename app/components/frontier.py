"""The chart of accuracy and speed with its choice of pre-training set: one at a time, since sets cannot be compared."""

from collections.abc import Callable, Collection, Mapping, Sequence
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
        num_files: of the set that is drawn.
        axis: what lies to the right.
        silent: models of which a number is not known.
    """

    num_files: int
    axis: Axis
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
    counts = once("sets", files, lambda: sets_to_draw(files))
    if not counts:
        st.caption("The chart shows upstream accuracies, which were published for AugReg alone.")
        return
    own = own_set(files, chosen)
    shown = shown_set(counts, own, upstream)
    ring = chosen if shown in own else ""
    seen = once("set", files, lambda: _look_at(_of_set(files, shown)), shown)
    _choose_set(counts, shown, on_show)
    with st.container(key="frontier place"):  # as high as the chart, also before it is there
        _chart(
            lambda: once(
                "chart", files, lambda: accuracy_chart(_of_set(files, shown), ring, axis=seen.axis), shown, ring
            ),
            _alternative(seen, label_of("ds", shown)),
            on_choose,
        )
    _caption(seen)


def sets_to_draw(files: pd.DataFrame) -> dict[str, int]:
    """Give the pre-training sets in the catalogue's order, each with the number of its files.

    Other releases have no upstream accuracy in print, so there is nothing of them to draw.
    """
    counts = files.loc[~is_other(files), "ds"].value_counts()
    return {str(ds): int(counts[ds]) for ds in files["ds"].cat.categories if counts[ds]}


def own_set(files: pd.DataFrame, chosen: str) -> list[str]:
    """Give the pre-training set of the chosen file; none where no file is, or one that cannot be drawn."""
    return [str(ds) for ds in files.loc[(files["filename"] == chosen) & ~is_other(files), "ds"]] if chosen else []


def _of_set(files: pd.DataFrame, ds: str) -> pd.DataFrame:
    return files[(files["ds"] == ds) & ~is_other(files)]


def _look_at(drawn: pd.DataFrame) -> _Seen:
    axis = axis_for(drawn)
    silent = drawn[drawn[axis.column].isna() | drawn["final_val"].isna()]
    names = sorted(silent["name"].astype("str").unique(), key=size_order)
    return _Seen(num_files=len(drawn), axis=axis, silent=tuple(names))


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


def shown_set(there: Collection[str], own: Sequence[str], upstream: str) -> str:
    """Give the pre-training set to draw: the one asked for, that of the chosen file, or the first that is there.

    Args:
        there: sets to choose from, at least one.
        own: that of the chosen file, as `own_set` gives it.
        upstream: the one asked for, "" for none.
    """
    return next((ds for ds in (upstream, *own) if ds in there), next(iter(there)))


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


def _alternative(seen: _Seen, label: str) -> str:
    quantity = "speed" if seen.axis is SPEED else "number of parameters"
    of = f"{seen.num_files} files pre-trained on {label}"
    return f"Upstream accuracy against {quantity} of {of}; the table below lists them"
