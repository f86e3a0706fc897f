"""What is taken for what: the confusion matrix, whose cells open their pictures."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from app.components.charts import CHART_CONFIG
from app.components.plain_text import one_line, plain
from app.components.run_chart_text import chart_text, middle_cut
from app.components.run_pictures import examples_by_file, show_pictures
from app.components.wording import counted
from vit_core.datasets.dataset import DataSet
from vit_core.training.report import Answered, Report

Theme = Literal["light", "dark"]
MOST_CLASSES = 30
_FEW_CLASSES = 12
_LONGEST_LABEL = 22  # letters beside the matrix; a cell gives the whole names
_SCALE = [[0.0, "rgba(108,114,232,0.05)"], [1.0, "rgba(79,70,229,1)"]]
_INK: dict[Theme, str] = {"light": "#1B2033", "dark": "#E7EAF3"}


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of the matrix: the place of the true class and of the answered one."""

    truth: int
    answer: int


def show_confusion(report: Report, dataset: DataSet, *, key: str) -> None:
    """Show the matrix beside the pictures of the chosen cell; to begin with, of the most frequent mistake.

    Args:
        report: of the run.
        dataset: that it was tested on.
        key: tells this run from others, so that each keeps its own choice.
    """
    names = [each.name for each in report.classes]
    shown = shown_classes(report.confusion)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        if len(shown) < len(names):
            st.caption(f"The {len(shown)} classes with the most mistakes, of {len(names):,}.")
        st.plotly_chart(
            confusion_chart(
                report.confusion, names, shown, theme="dark" if st.context.theme.type == "dark" else "light"
            ),
            key=f"confusion {key}",
            on_select=lambda: _take_cell(key),
            selection_mode="points",
            config=CHART_CONFIG,
            alt="Confusion matrix: a row for each true class, a column for each answer; "
            "choose a cell in the two boxes to see its pictures",
        )
    with right:
        cell = _choose_cell(names, first_cell(report.confusion), key)
        answered = answers_of(report, cell)
        st.markdown(plain(_cell_words(len(answered), names, cell)))
        show_pictures(answered, dataset, examples_by_file(dataset), key="confused")


def confusion_chart(
    confusion: Sequence[Sequence[int]], names: Sequence[str], shown: Sequence[int], *, theme: Theme
) -> go.Figure:
    """Draw the matrix: the colour is the share of a row, the number counts pictures.

    A heat map cannot be selected; a mark without a colour on each cell that has pictures takes the clicks.

    Args:
        confusion: test pictures by true class and answered class.
        names: of the classes.
        shown: places of the classes that are drawn.
        theme: "light" or "dark".
    """
    counts = [[confusion[truth][answer] for answer in shown] for truth in shown]
    totals = [max(1, sum(confusion[truth])) for truth in shown]
    shares = [[count / total for count in row] for row, total in zip(counts, totals, strict=True)]
    whole = [chart_text(names[place], limit=200) for place in shown]
    hover = [
        [f"{count:,} of {whole[row]}<br>answered as {whole[column]}" for column, count in enumerate(line)]
        for row, line in enumerate(counts)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            zmin=0,
            zmax=1,
            colorscale=_SCALE,
            showscale=False,
            hovertext=hover,  # an empty cell, too, tells whose row and column it is in
            hovertemplate="%{hovertext}<extra></extra>",
            xgap=2,
            ygap=2,
        )
    )
    cells = [(row, column) for row in range(len(shown)) for column in range(len(shown)) if counts[row][column]]
    size = max(14, min(44, 400 // max(1, len(shown))))
    figure.add_trace(
        go.Scatter(
            x=[column for _, column in cells],
            y=[row for row, _ in cells],
            mode="markers",
            marker={"symbol": "square", "size": size, "color": "rgba(0,0,0,0)"},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
            customdata=[[shown[row], shown[column]] for row, column in cells],
            hovertext=[hover[row][column] for row, column in cells],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    for ink, strong in ((_INK[theme], False), ("#FFFFFF", True)):
        figure.add_trace(
            _numbers(
                [(row, column, counts[row][column]) for row, column in cells if (shares[row][column] > 0.5) == strong],
                ink,
                size=13 if len(shown) <= _FEW_CLASSES else 10,
            )
        )
    _lay_out(figure, [names[place] for place in shown])
    return figure


def shown_classes(confusion: Sequence[Sequence[int]]) -> list[int]:
    """Give the places of the classes to draw: all, or the `MOST_CLASSES` that take part in the most mistakes."""
    count = len(confusion)
    if count <= MOST_CLASSES:
        return list(range(count))
    columns = [sum(column) for column in zip(*confusion, strict=True)]
    mistakes = [sum(row) + columns[place] - 2 * row[place] for place, row in enumerate(confusion)]
    return sorted(sorted(range(count), key=lambda place: -mistakes[place])[:MOST_CLASSES])


def first_cell(confusion: Sequence[Sequence[int]]) -> Cell:
    """Give the most frequent mistake; where there is none, the first class answered rightly."""
    mistakes = [
        (count, -truth, -answer)
        for truth, row in enumerate(confusion)
        for answer, count in enumerate(row)
        if count and truth != answer
    ]
    if not mistakes:
        return Cell(0, 0)
    _, truth, answer = max(mistakes)
    return Cell(-truth, -answer)


def answers_of(report: Report, cell: Cell) -> list[Answered]:
    """Give the pictures of a cell, the most confident answers first."""
    found = [each for each in report.answered if (each.label, each.predicted) == (cell.truth, cell.answer)]
    return sorted(found, key=lambda each: -each.probability)


def _choose_cell(names: Sequence[str], first: Cell, run: str) -> Cell:
    places = range(len(names))
    truth_key, answer_key = _cell_keys(run)
    for key, start in ((truth_key, first.truth), (answer_key, first.answer)):
        if st.session_state.get(key) not in places:
            st.session_state[key] = start
    with st.container(horizontal=True):
        labels = [one_line(name, limit=60) for name in names]
        truth = st.selectbox("True class", places, key=truth_key, format_func=lambda place: labels[place])
        answer = st.selectbox("Answered with", places, key=answer_key, format_func=lambda place: labels[place])
    return Cell(truth, answer)


def _cell_keys(run: str) -> tuple[str, str]:
    return f"true class {run}", f"answered with {run}"


def _take_cell(run: str) -> None:
    """Take the clicked cell over into the two boxes."""
    selection: Mapping[str, Any] = st.session_state[f"confusion {run}"]["selection"]
    for point in selection["points"]:
        if point.get("customdata"):
            for box, place in zip(_cell_keys(run), point["customdata"], strict=True):
                st.session_state[box] = int(place)


def _cell_words(count: int, names: Sequence[str], cell: Cell) -> str:
    truth, answer = one_line(names[cell.truth], limit=60), one_line(names[cell.answer], limit=60)
    pictures = counted(count, "test picture")
    if cell.truth == cell.answer:
        return f"{pictures} of {truth} answered rightly."
    return f"{pictures} of {truth} answered as {answer}."


def _numbers(cells: Sequence[tuple[int, int, int]], ink: str, *, size: int) -> go.Scatter:
    """Write the counts of cells (row, column, count) in one colour: plotly keeps only a single one from fading."""
    return go.Scatter(
        x=[column for _, column, _ in cells],
        y=[row for row, _, _ in cells],
        mode="text",
        text=[f"{count:,}" for _, _, count in cells],
        textfont={"size": size, "color": ink},
        selected={"textfont": {"color": ink}},
        unselected={"textfont": {"color": ink}},
        hoverinfo="skip",
    )


def _lay_out(figure: go.Figure, names: Sequence[str]) -> None:
    side = max(24, min(46, 460 // max(1, len(names))))
    labels = [chart_text(middle_cut(name, limit=_LONGEST_LABEL)) for name in names]
    figure.update_layout(
        height=110 + side * len(names),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        clickmode="event+select",
        hovermode="closest",
        hoverdistance=-1,
        showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)",
    )
    places = list(range(len(names)))
    axis = {"tickvals": places, "ticktext": labels, "showgrid": False, "zeroline": False}
    figure.update_xaxes(title="Answered with", side="bottom", range=[-0.5, len(names) - 0.5], **axis)
    figure.update_yaxes(title="True class", range=[len(names) - 0.5, -0.5], automargin=True, **axis)
