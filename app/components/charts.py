"""The chart of accuracy against speed: every file a mark, the Pareto line, the chosen file ringed.

Builds plotly figures from tables; knows nothing of pages. Text and grid take their colours from the theme.
"""

import dataclasses
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from app.components.palette import ACCENT, NEUTRAL, look_of, size_order
from app.components.plain_text import plain_html
from app.components.wording import megabytes, millions, percent, speed
from vit_core.catalog.collection import label_of
from vit_core.catalog.families import SOURCE
from vit_core.catalog.query import pareto_front

MOST_POINTS = 2_000
# Files of one model have one speed: half of the way to the next model (Ti/16 to B/32) is left for telling them apart.
_SPREAD = 0.07
_MOST_ALIKE = 28  # files of one model and pre-training set
_FEW_VALUES = 3
# What a tooltip says of the one file, and what most often holds for all files of its model.
_RECIPE = ("aug", "regularisation", "wd", "final_val", "final_val_source")
_COST = ("infer_samples_per_sec", "params", "size_bytes")
_DRAWN = ["name", "filename", "source", *_RECIPE, *_COST]
_LABEL_WIDTH, _LABEL_HEIGHT = 0.13, 2.0  # in decades and points
CHART_PX = 340
_Plain = dict[str, object]  # a part of a figure
CHART_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


@dataclasses.dataclass(frozen=True)
class Axis:
    """What lies to the right: a column, its words, whether more of it is better, units per screen unit, and ticks."""

    column: str
    title: str
    more_is_better: bool
    scale: float
    steps: tuple[float, ...]


SPEED = Axis(
    "infer_samples_per_sec",
    "Speed: images per second on a V100",
    True,
    1.0,
    (50, 100, 200, 500, 1000, 2000, 5000, 10000),
)
PARAMETERS = Axis("params", "Parameters, millions", False, 1e6, (0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 50, 100, 300))


def axis_for(files: pd.DataFrame) -> Axis:
    """Give speed where it is known, else the number of parameters, for catalogues that were never timed."""
    return SPEED if files[SPEED.column].notna().any() else PARAMETERS


def accuracy_chart(files: pd.DataFrame, chosen: str, *, axis: Axis) -> go.Figure:
    """Draw upstream accuracy against `axis` for files of one pre-training set.

    Args:
        files: one row per file, of one pre-training set; rows without either number are left out.
        chosen: name of the file to ring, "" for none.
        axis: what lies to the right.
    """
    # Only what is drawn: rows of all columns are four times as much to move about.
    drawn = files[_DRAWN].dropna(subset=[axis.column, "final_val"]).head(MOST_POINTS)
    drawn = drawn.assign(x=_spread(drawn, axis), y=drawn["final_val"] * 100)
    names = sorted(drawn["name"].astype("str").unique(), key=size_order)
    marks = [_marks(drawn[drawn["name"] == name], name) for name in names]
    ringed = drawn[drawn["filename"] == chosen]
    rings = [] if ringed.empty else [_ring(ringed)]
    # In one piece, so that plotly checks it once: put together from its objects, a figure took twice the time.
    return go.Figure(
        data=[_pareto_line(drawn, axis), *marks, *rings],
        layout=_layout(axis, drawn) | {"annotations": _labels(drawn, names)},
    )


def hover_text(row: Mapping[Hashable, Any]) -> str:
    """Give a file in words for a tooltip, as HTML."""
    recipe = _recipe_lines(*(row[column] for column in _RECIPE))
    return f"<b>{plain_html(str(row['name']))}</b><br>{recipe}<br>{_cost_line(*(row[column] for column in _COST))}"


def _recipe_lines(aug: str, regularisation: str, weight_decay: float, accuracy: float, source: str) -> str:
    recipe = [f"augmentation {aug}", label_of("regularisation", regularisation)]
    if pd.notna(weight_decay):
        recipe.append(f"weight decay {weight_decay:g}")
    return f"{plain_html(' · '.join(recipe))}<br>{plain_html(percent(accuracy, source=str(source)))} upstream"


def _cost_line(images_per_s: float, params: float, size_bytes: float) -> str:
    return plain_html(f"{speed(images_per_s)} · {millions(params)} parameters · {megabytes(size_bytes)}")


def _spread(files: pd.DataFrame, axis: Axis) -> pd.Series:
    """Move files of one model apart sideways, lightest augmentation on the left, so that each can be clicked."""
    keys = ["name", "aug", "regularisation", "wd"]
    ordered = files.sort_values(keys, kind="stable")
    group = ordered.groupby(["name", axis.column], observed=True)
    place = group.cumcount() / (group["name"].transform("size") - 1).clip(lower=1)
    alone = group["name"].transform("size") == 1
    return (files[axis.column] * (1 + _SPREAD * (2 * place.mask(alone, 0.5) - 1)).reindex(files.index)).astype(
        "float64"
    )


def _marks(files: pd.DataFrame, name: str) -> _Plain:
    look = look_of(name)
    tips = [_recipe_lines(*row) for row in _rows(files, _RECIPE)]
    costs = [_cost_line(*row) for row in _rows(files, _COST)]
    # What all marks share is sent once, not with each of some 250 marks.
    alike = len(set(costs)) == 1
    return {
        "type": "scatter",
        "x": files["x"].round(4).tolist(),
        "y": files["y"].round(3).tolist(),
        "mode": "markers",
        "name": name,
        "marker": {"color": look.colour, "symbol": look.symbol, "size": 8, "opacity": 0.85, "line": {"width": 0}},
        "selected": {"marker": {"opacity": 0.85}},
        "unselected": {"marker": {"opacity": 0.85}},
        "customdata": files["filename"].astype("str").tolist(),
        "hovertext": tips if alike else [f"{tip}<br>{cost}" for tip, cost in zip(tips, costs, strict=True)],
        "meta": [plain_html(name), f"<br>{costs[0]}" if alike else ""],
        "hovertemplate": "<b>%{meta[0]}</b><br>%{hovertext}%{meta[1]}<extra></extra>",
    }


def _rows(files: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(files[column].tolist() for column in columns), strict=True)


def _pareto_line(files: pd.DataFrame, axis: Axis) -> _Plain:
    gains = files.assign(gain=files[axis.column] * (1 if axis.more_is_better else -1))
    front = gains[pareto_front(gains, "gain", "final_val")].sort_values(axis.column)
    return {
        "type": "scatter",
        "x": front[axis.column].tolist(),
        "y": front["y"].tolist(),
        "mode": "lines",
        "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot", "shape": "vh" if axis.more_is_better else "hv"},
        "hoverinfo": "skip",
        "name": "best for its speed",
    }


def _ring(ringed: pd.DataFrame) -> _Plain:
    return {
        "type": "scatter",
        "x": ringed["x"].tolist(),
        "y": ringed["y"].tolist(),
        "mode": "markers",
        "name": "chosen",
        "marker": {"symbol": "circle-open", "size": 19, "color": ACCENT, "line": {"width": 3}},
        "hoverinfo": "skip",
    }


def _labels(files: pd.DataFrame, names: Sequence[str]) -> list[_Plain]:
    """Write each model's name over its best mark, moved where it would cover a neighbour's name or marks."""
    best = files.sort_values("y", ascending=False).drop_duplicates("name").set_index("name")
    middle = files.groupby("name", observed=True)["x"].median().map(math.log10)
    placed: list[tuple[float, float]] = []
    labels: list[_Plain] = []
    for name in sorted(names, key=lambda each: float(middle[each])):
        x, y = float(middle[name]), float(best["y"][name])
        near = [other_y for other_x, other_y in placed if x - other_x < _LABEL_WIDTH]
        lines = sum(abs(y - other_y) < _LABEL_HEIGHT for other_y in near)
        placed.append((x, y))
        label: _Plain = {"x": x, "y": y, "yshift": 15 + 14 * lines, "showarrow": False}
        if any(other_y > y + _LABEL_HEIGHT for other_y in near):  # a neighbour's marks stand to the left
            label |= {"x": math.log10(best["x"][name]), "xanchor": "left", "xshift": 5, "yshift": 8}
        # On a log axis, labels take the exponent.
        labels.append(
            label | {"text": f"<b>{plain_html(name)}</b>", "font": {"color": look_of(name).colour, "size": 12}}
        )
    return labels


def _layout(axis: Axis, files: pd.DataFrame) -> _Plain:
    values = sorted(float(value) for value in files[axis.column].unique())
    ticks = values if len(values) <= _FEW_VALUES else [step * axis.scale for step in axis.steps]
    across = axis.title if files["source"].isin(["augreg", SOURCE]).all() else axis.title.removesuffix(" on a V100")
    low, high = (files["y"].min(), files["y"].max()) if len(files) else (0.0, 100.0)
    room = max((high - low) * 0.14, 1.0)
    return {
        "height": CHART_PX,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
        "clickmode": "event+select",
        "hoverlabel": {"align": "left"},
        "xaxis": {
            "type": "log",
            "title": {"text": across},
            "range": [math.log10(files["x"].min()) - 0.1, math.log10(files["x"].max()) + 0.1] if len(files) else None,
            "tickvals": ticks,
            "ticktext": [_tick_words(tick / axis.scale) for tick in ticks],
            "showgrid": True,
        },
        "yaxis": {
            "title": {"text": "Upstream accuracy"},
            "ticksuffix": " %",
            "range": [low - room / 2, high + 1.6 * room],
        },
    }


def _tick_words(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
