"""The curves of a run on the page: what is drawn and how, and the three charts."""

import dataclasses
from collections.abc import Sequence

import streamlit as st

from app.components.charts import CHART_CONFIG
from app.components.plain_text import one_line, plain
from app.components.run_charts import AXES, Axis, Curves, View, accuracy_chart, learning_rate_chart, loss_chart
from app.components.run_sisters import Band
from app.components.wording import percent
from vit_core.runs.record import RunRecord
from vit_core.training.estimates import QuickLook

_NO_BAND = "none"
_LEAST_STEPS = 10  # or a tenth of the run: the axis is not to jump with each of the first steps


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the user chose to see: the axis, the smoothing, and the data set of the band, "" for none."""

    axis: Axis
    smoothing: float
    band: str


def curve_controls(bands: Sequence[Band]) -> Choice:
    """Show the controls of the charts and give what they say."""
    axis = st.segmented_control(
        "Along", list(AXES), default="step", required=True, format_func=lambda each: AXES[each], key="run axis"
    )
    smoothing = st.slider(
        "Smoothing",
        0.0,
        0.99,
        0.6,
        key="run smoothing",
        width=220,
        help="Evens out the curves of learning; 0 shows every value. Tests are never smoothed.",
    )
    band = _band_choice(bands) if bands else ""
    return Choice(axis, smoothing, band)


def show_curves(
    record: RunRecord, runs: Sequence[Curves], choice: Choice, *, bands: Sequence[Band], quick_look: QuickLook | None
) -> None:
    """Draw accuracy, loss and learning rate of a run, and of another one beside it."""
    if not any(run.rows for run in runs):
        st.caption("The curves begin with the first step.")
        return
    view = View(choice.axis, choice.smoothing, max(_LEAST_STEPS, record.progress.total_steps // 10))
    band = next((band for band in bands if band.dataset == choice.band), None)
    left, middle, right = st.columns([2, 1.5, 1.1], gap="small")
    with left:
        figure = accuracy_chart(runs, view, band=band, quick_look=quick_look)
        alt = f"Accuracy of {record.name} by {AXES[view.axis].lower()}: {_spoken(record)}"
        st.plotly_chart(figure, key="chart accuracy", config=CHART_CONFIG, alt=one_line(alt, limit=300))
    with middle:
        figure = loss_chart(runs, view)
        st.plotly_chart(figure, key="chart loss", config=CHART_CONFIG, alt="Loss while learning and of the tests")
    with right:
        figure = learning_rate_chart(runs, view)
        st.plotly_chart(figure, key="chart rate", config=CHART_CONFIG, alt="Learning rate")
    _legend(band, quick_look)


def _band_choice(bands: Sequence[Band]) -> str:
    labels = {band.dataset: f"{band.label}, {band.range_words}" for band in bands}
    labels[_NO_BAND] = "nothing"
    chosen = st.selectbox(
        "Published fine-tunes on",
        list(labels),
        key="run band",
        format_func=lambda each: one_line(labels[each], limit=60),
        width=300,
        help="The grey band behind the curve: what the same pre-trained file reached on other data sets. That is "
        "another task than yours, easier or harder; the one with the nearest number of classes comes first.",
    )
    return "" if chosen == _NO_BAND else str(chosen)


def _legend(band: Band | None, quick_look: QuickLook | None) -> None:
    sentences = [f"Grey band: {band.sentence}"] if band else []
    if quick_look:
        sentences.append(
            f"Dotted: the quick look, a linear classifier on the features as they were, {percent(quick_look.accuracy)}."
        )
    if sentences:
        st.caption(plain(" ".join(sentences)))


def _spoken(record: RunRecord) -> str:
    progress = record.progress
    if progress.accuracy is None:
        return "no test yet"
    return f"{percent(progress.accuracy)} at the last test, {percent(progress.best_accuracy)} at best"
