"""What the paper found, for the files that the filters leave: accuracy by augmentation and dropout, as heat maps.

A cell is a square mark, not a pixel of an image, because marks can be clicked: a click filters the table.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.components.charts import CHART_CONFIG
from app.components.palette import size_order
from app.components.plain_text import plain, plain_html
from app.components.wording import counted, percent
from vit_core.catalog.collection import DROPOUT, NO_DROPOUT, label_of
from vit_core.catalog.query import Filters, upstream_grid
from vit_core.catalog.schema import EXACT, ROUNDED

OnChange = Callable[[Filters], None]
DROPOUT_WORDS = {NO_DROPOUT: "no dropout", DROPOUT: "dropout"}
# One hue, so that the order shows without colour vision: towards the best it moves away from the background.
ON_LIGHT = ((0.0, "#D5DCF3"), (0.5, "#7F8FDB"), (1.0, "#3A2F9C"))
ON_DARK = ((0.0, "#2B3252"), (0.5, "#5E66B8"), (1.0, "#B9BEFF"))


def paper_findings(left: pd.DataFrame, filters: Filters, on_change: OnChange) -> None:
    """Show one heat map per pre-training set, each with its finding in words.

    Args:
        left: the rows of the catalogue that pass the filters.
        filters: what is on.
        on_change: called with the filters that a clicked cell stands for.
    """
    st.markdown(
        "Does stronger augmentation help? Does dropout? Each square is the mean upstream accuracy of the files with "
        "that recipe. **The stronger the colour, the closer to the best of its row.** Click a square to filter by it."
    )
    grids = {str(ds): upstream_grid(left, str(ds)).dropna(subset="mean") for ds in left["ds"].cat.categories}
    grids = {ds: grid for ds, grid in grids.items() if not grid.empty}
    if not grids:
        st.info("No file that passes the filters has a published upstream accuracy; take a filter off.")
        return
    panels = st.grid(len(grids), min_column_width=400, gap="medium")
    for ds, grid in grids.items():
        with panels.cell():
            _panel(ds, grid, left["aug"].cat.categories.tolist(), filters, on_change)


def finding(grid: pd.DataFrame) -> str:
    """Say which augmentation and which dropout are best on average, and by how much.

    Args:
        grid: of one pre-training set, as `upstream_grid` gives it.
    """
    cells = grid.groupby(["aug", "regularisation"], observed=True)["mean"].mean()
    aug, side = cast("tuple[str, str]", cells.idxmax())
    rounded = bool(grid["rounded"].any())
    source = ROUNDED if rounded else EXACT
    words = f"Best on average: {aug}, {DROPOUT_WORDS.get(side, side)} ({percent(cells.max(), source=source)})"
    parts = [words]
    by_dropout = cells.groupby("regularisation", observed=True).mean()
    if {NO_DROPOUT, DROPOUT} <= set(by_dropout.index):
        gain = (by_dropout[DROPOUT] - by_dropout[NO_DROPOUT]) * 100
        parts.append(f"dropout changes the mean by {gain:+.1f} points".replace("-", "−"))
    return "; ".join(parts) + "."


def _panel(ds: str, grid: pd.DataFrame, augs: Sequence[str], filters: Filters, on_change: OnChange) -> None:
    words = finding(grid)
    st.markdown(f"**{plain(label_of('ds', ds))}**")
    st.caption(plain(words))
    key = f"heat map {ds}"

    def choose() -> None:
        points = st.session_state[key]["selection"]["points"]
        cell = points[0].get("customdata") if points else None
        if cell:
            name, aug, regularisation = cell[:3]
            on_change(
                dataclasses.replace(filters, names=(name,), ds=(ds,), augs=(aug,), regularisations=(regularisation,))
            )

    st.plotly_chart(
        heat_map(grid, [aug for aug in augs if (grid["aug"] == aug).any()], dark=st.context.theme.type == "dark"),
        key=key,
        on_select=choose,
        selection_mode="points",
        config=CHART_CONFIG,
        alt=f"Upstream accuracy by model, augmentation and dropout, pre-trained on {label_of('ds', ds)}. {words}",
    )


def heat_map(grid: pd.DataFrame, augs: Sequence[str], *, dark: bool = False) -> go.Figure:
    """Draw a row per model and a column per augmentation, left without and right with dropout.

    Args:
        grid: of one pre-training set, as `upstream_grid` gives it.
        augs: the augmentation levels in order.
        dark: whether the background is.
    """
    names = sorted(grid["name"].astype("str").unique(), key=size_order)
    sides = [side for side in (NO_DROPOUT, DROPOUT) if (grid["regularisation"] == side).any()]
    cells = grid.assign(
        x=[_column(row, augs, sides) for _, row in grid.iterrows()],
        y=[names.index(str(name)) for name in grid["name"]],
        behind=(grid["mean"] - grid.groupby("name", observed=True)["mean"].transform("max")) * 100,
    )
    figure = go.Figure(_squares(cells, ON_DARK if dark else ON_LIGHT))
    width = len(augs) * len(sides) + (len(sides) - 1) * 0.5
    figure.update_layout(
        height=110 + 30 * len(names),
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        dragmode=False,
        clickmode="event+select",
        hovermode="closest",
        showlegend=False,
    )
    for number, side in enumerate(sides):
        middle = number * (len(augs) + 0.5) + (len(augs) - 1) / 2
        figure.add_annotation(x=middle, y=1, yref="paper", yanchor="bottom", text=DROPOUT_WORDS[side], showarrow=False)
    positions = [number * (len(augs) + 0.5) + place for number in range(len(sides)) for place in range(len(augs))]
    figure.update_xaxes(
        tickvals=positions,
        ticktext=[plain_html(aug) for aug in augs] * len(sides),
        tickangle=-60,
        range=[-0.6, width - 0.4],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[plain_html(name) for name in names],
        range=[len(names) - 0.4, -0.7],
        showgrid=False,
        zeroline=False,
    )
    return figure


def _column(row: pd.Series, augs: Sequence[str], sides: Sequence[str]) -> float:
    side = sides.index(row["regularisation"]) if row["regularisation"] in sides else 0
    return side * (len(augs) + 0.5) + list(augs).index(row["aug"])


def _squares(cells: pd.DataFrame, scale: tuple[tuple[float, str], ...]) -> go.Scatter:
    low = min(float(cells["behind"].min()), -1.0)
    return go.Scatter(
        x=cells["x"].tolist(),
        y=cells["y"].tolist(),
        mode="markers",
        marker={
            "symbol": "square",
            "size": 22,
            "color": cells["behind"].round(2).tolist(),
            "colorscale": scale,
            "cmin": low,
            "cmax": 0,
            "line": {"width": 0},
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        customdata=[[str(row["name"]), str(row["aug"]), str(row["regularisation"])] for _, row in cells.iterrows()],
        hovertext=[_hover(row) for _, row in cells.iterrows()],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _hover(row: pd.Series) -> str:
    accuracy = percent(row["mean"], source=ROUNDED if row["rounded"] else EXACT)
    behind = "best of its row" if row["behind"] > -0.05 else f"{-row['behind']:.1f} points below the best of its row"
    words = f"{row['aug']}, {DROPOUT_WORDS.get(str(row['regularisation']), str(row['regularisation']))}"
    files = counted(int(row["files"]), "file")
    return f"<b>{plain_html(str(row['name']))}</b><br>{plain_html(words)}<br>{accuracy}, {behind}<br>mean of {files}"
