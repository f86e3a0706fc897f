"""The curves of a run as plotly figures: accuracy, loss, learning rate. Text and grid take the theme's colours.

Builds figures from rows of `metrics.jsonl`; knows nothing of pages.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import plotly.graph_objects as go

from app.components.palette import ACCENT, NEUTRAL
from app.components.run_chart_text import chart_text
from app.components.run_sisters import Band
from app.components.wording import percent
from vit_core.training.estimates import QuickLook

Axis = Literal["step", "seconds"]
AXES: dict[Axis, str] = {"step": "Steps", "seconds": "Time"}
MOST_POINTS = 600
_BAND = "rgba(127, 135, 148, 0.22)"
_QUICK = "#008F68"
_CLEAR = "rgba(0,0,0,0)"


@dataclasses.dataclass(frozen=True)
class Curves:
    """The rows of one run, and what they are called beside another's."""

    name: str
    rows: Sequence[Mapping[str, float | int]]


@dataclasses.dataclass(frozen=True)
class View:
    """How curves are drawn.

    Attributes:
        axis: what lies to the right.
        smoothing: 0 shows every value; near 1, a long running average.
        last_step: where the step axis ends at least.
    """

    axis: Axis = "step"
    smoothing: float = 0.6
    last_step: int = 0


def accuracy_chart(runs: Sequence[Curves], view: View, *, band: Band | None, quick_look: QuickLook | None) -> go.Figure:
    """Draw test accuracy as marked lines and accuracy while learning as thin ones, on what was to be expected.

    Args:
        runs: the run, and where wished another one, whose lines are dashed.
        view: how.
        band: range of the published fine-tunes.
        quick_look: the linear classifier's accuracy, as a dotted line.
    """
    figure = go.Figure()
    end = _end(runs, view)
    if band is not None:
        _add_band(figure, band, end)
    if quick_look is not None:
        figure.add_trace(_quick_line(quick_look, view, end))
    for place, run in enumerate(runs):
        learned = _series(run, "accuracy", view, smooth=True, factor=100)
        tested = _series(run, "test_accuracy", view, factor=100)
        figure.add_trace(_line(learned, f"while learning{_of(run, runs)}", place, thin=True))
        figure.add_trace(_line(tested, f"test{_of(run, runs)}", place, marks=True))
    _lay_out(figure, view, end, title="Accuracy", suffix=" %")
    # No zooming either: points at an edge are drawn whole, and so would be those beyond it.
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(range=[0, 100], fixedrange=True)
    figure.update_traces(cliponaxis=False)
    return figure


def loss_chart(runs: Sequence[Curves], view: View) -> go.Figure:
    """Draw the loss while learning, smoothed, and that of the tests."""
    figure = go.Figure()
    for place, run in enumerate(runs):
        learned, tested = _series(run, "loss", view, smooth=True), _series(run, "test_loss", view)
        figure.add_trace(_line(learned, f"while learning{_of(run, runs)}", place, thin=True))
        figure.add_trace(_line(tested, f"test{_of(run, runs)}", place, marks=True))
    _lay_out(figure, view, _end(runs, view), title="Loss")
    figure.update_yaxes(rangemode="tozero")
    return figure


def learning_rate_chart(runs: Sequence[Curves], view: View) -> go.Figure:
    """Draw the learning rate."""
    figure = go.Figure()
    for place, run in enumerate(runs):
        figure.add_trace(_line(_series(run, "learning_rate", view), run.name, place))
    _lay_out(figure, view, _end(runs, view), title="Learning rate")
    figure.update_yaxes(rangemode="tozero", exponentformat="power")
    figure.update_layout(showlegend=len(runs) > 1)
    return figure


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Give the running average, each value weighing `weight` times the next; free of the pull towards a start.

    Example:
        >>> [round(value, 2) for value in smoothed([1.0, 1.0, 4.0], 0.5)]
        [1.0, 1.0, 2.71]
    """
    average, total, result = 0.0, 0.0, []
    for value in values:
        average = weight * average + (1 - weight) * value
        total = weight * total + (1 - weight)
        result.append(average / total)
    return result


def _series(
    run: Curves, column: str, view: View, *, smooth: bool = False, factor: float = 1.0
) -> tuple[list[float], list[float]]:
    rows = [row for row in run.rows if column in row and view.axis in row]
    values = [float(row[column]) * factor for row in rows]
    if smooth and view.smoothing:
        values = smoothed(values, view.smoothing)
    kept = _thinned(len(rows))
    return [float(rows[place][view.axis]) for place in kept], [values[place] for place in kept]


def _thinned(count: int) -> list[int]:
    """Give the places of at most `MOST_POINTS` values, evenly, the last one among them."""
    if count <= MOST_POINTS:
        return list(range(count))
    return sorted({round(place * (count - 1) / (MOST_POINTS - 1)) for place in range(MOST_POINTS)})


def _of(run: Curves, runs: Sequence[Curves]) -> str:
    return f", {run.name}" if len(runs) > 1 else ""


def _end(runs: Sequence[Curves], view: View) -> float:
    last = max((float(run.rows[-1].get(view.axis, 0)) for run in runs if run.rows), default=0.0)
    return max(last, float(view.last_step)) if view.axis == "step" else last


def _line(
    series: tuple[list[float], list[float]], name: str, place: int, *, marks: bool = False, thin: bool = False
) -> go.Scatter:
    colour = NEUTRAL if place or thin else ACCENT
    return go.Scatter(
        x=series[0],
        y=series[1],
        name=chart_text(name),
        mode="lines+markers" if marks else "lines",
        line={"color": colour, "width": 1.5 if thin else 2.5, "dash": "dash" if place else "solid"},
        marker={"size": 5 if thin else 7, "symbol": "square" if place else "circle", "color": colour},
        showlegend=not (place and thin),  # a dashed line says whose it is; the names of four lines would fill the chart
        hovertemplate="%{y:.4g}",
    )


def _add_band(figure: go.Figure, band: Band, end: float) -> None:
    low, high = band.low * 100, band.high * 100
    if high - low < 0.8:  # a band of one fine-tune is seen as well
        low, high = low - 0.4, high + 0.4
    right = end or 1.0
    figure.add_trace(
        go.Scatter(
            x=[0, right, right, 0, 0],
            y=[low, low, high, high, low],
            fill="toself",
            mode="lines",
            line={"width": 0, "color": NEUTRAL},
            fillcolor=_BAND,
            name=chart_text(f"another task, {band.label}: published"),
            hoverinfo="skip",
        )
    )


def _quick_line(look: QuickLook, view: View, end: float) -> go.Scatter:
    """Give the look's own curve on the axis of steps, then its accuracy to the right end; on that of time, a level."""
    points = [point for point in look.curve if point[0] <= end] if view.axis == "step" else []
    start = points or [(0, look.accuracy)]
    return go.Scatter(
        x=[*(float(step) for step, _ in start), end or 1.0],
        y=[*(accuracy * 100 for _, accuracy in start), look.accuracy * 100],
        mode="lines",
        line={"color": _QUICK, "width": 2, "dash": "dot"},
        name=f"quick look {percent(look.accuracy)}",
        hovertemplate="%{y:.4g}",
    )


def _lay_out(figure: go.Figure, view: View, end: float, *, title: str, suffix: str = "") -> None:
    figure.update_layout(
        height=300,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hovermode="x unified",
        dragmode=False,
        uirevision=view.axis,
        paper_bgcolor=_CLEAR,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    unit = "s" if view.axis == "seconds" else ""
    figure.update_xaxes(title=AXES[view.axis] + (", seconds" if unit else ""), range=[0, end or 1.0])
    figure.update_yaxes(title=title, ticksuffix=suffix, showgrid=True)
