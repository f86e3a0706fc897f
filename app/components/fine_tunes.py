"""The fine-tunes of one pre-trained file: a strip of marks per data set, and the table."""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.components.charts import CHART_CONFIG
from app.components.checkpoint_table import named_rows
from app.components.palette import ACCENT, look_of
from app.components.plain_text import plain_html
from app.components.wording import percent
from vit_core.catalog.collection import label_of
from vit_core.catalog.families import family_of

OnChoose = Callable[[str], None]
_LANES = {224: -0.18, 384: 0.18}


def fine_tune_words(row: pd.Series) -> str:
    """Give a fine-tune in a line, shortest distinction first; of one of another release how it is called there."""
    accuracy = percent(row["adapt_final_test"], missing="accuracy not published")
    side, steps, rate = row["adapt_resolution"], row["adapt_steps"], row["adapt_lr"]
    family = family_of(str(row["adapt_filename"]))
    recipe = (f"{steps:,.0f} steps", f"rate {rate:g}") if family is None else (family.label or family.release,)
    return " · ".join((target_words(row), f"{side:g} px", *recipe, accuracy))


def target_words(row: pd.Series) -> str:
    """Give the data set of a fine-tune in words."""
    return label_of("adapt_ds", row["adapt_ds"])


def fine_tunes_panel(rows: pd.DataFrame, chosen: str, on_choose: OnChoose) -> None:
    """Show strip chart and table; a clicked mark or row is handed to `on_choose` by its name.

    Args:
        rows: the fine-tunes, as rows of the catalogue.
        chosen: name of the one to mark, "" for none.
        on_choose: called with a fine-tune's name, "" when the mark is taken off.
    """
    known = rows.dropna(subset="adapt_final_test")
    if known.empty:
        st.caption("The open table holds no accuracies of these fine-tunes. All of them can be used all the same.")
    else:
        _strips(known, chosen, on_choose)
    _table(rows, chosen, on_choose)


def _strips(known: pd.DataFrame, chosen: str, on_choose: OnChoose) -> None:
    key = "strips"

    def choose() -> None:
        names = [point.get("customdata") for point in st.session_state[key]["selection"]["points"]]
        if names and names[0]:
            on_choose(str(names[0] if isinstance(names[0], str) else names[0][0]))

    st.plotly_chart(
        strip_chart(known, chosen),
        key=key,
        on_select=choose,
        selection_mode="points",
        config=CHART_CONFIG,
        alt=f"Test accuracies of {len(known)} fine-tunes, one strip per data set; the table below lists them",
    )


def strip_chart(known: pd.DataFrame, chosen: str) -> go.Figure:
    """Draw one strip per data set with a mark per fine-tune: open at 224 px, filled at higher resolutions."""
    targets = [str(ds) for ds in known["adapt_ds"].cat.categories if (known["adapt_ds"] == ds).any()]
    colour = look_of(str(known["name"].iloc[0])).colour
    figure = go.Figure()
    for resolution in sorted(known["adapt_resolution"].unique()):
        rows = known[known["adapt_resolution"] == resolution]
        figure.add_trace(
            go.Scatter(
                x=(rows["adapt_final_test"] * 100).round(3).tolist(),
                y=[targets.index(str(ds)) + _LANES.get(int(resolution), 0.0) for ds in rows["adapt_ds"]],
                mode="markers",
                name=f"{resolution:g} px",
                marker={
                    "color": colour,
                    "symbol": "circle-open" if resolution == known["adapt_resolution"].min() else "circle",
                    "size": 9,
                    "line": {"width": 2, "color": colour},
                },
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
                customdata=rows["adapt_filename"].astype("str").tolist(),
                hovertext=[plain_html(fine_tune_words(row)) for _, row in rows.iterrows()],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    ringed = known[known["adapt_filename"] == chosen]
    for _, row in ringed.iterrows():
        lane = targets.index(str(row["adapt_ds"])) + _LANES.get(int(row["adapt_resolution"]), 0.0)
        marker = {"symbol": "circle-open", "size": 19, "color": ACCENT, "line": {"width": 3}}
        figure.add_trace(
            go.Scatter(
                x=[row["adapt_final_test"] * 100],
                y=[lane],
                mode="markers",
                marker=marker,
                hoverinfo="skip",
                showlegend=False,
            )
        )
    figure.update_layout(
        height=90 + 44 * len(targets),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        clickmode="event+select",
        hovermode="closest",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title="Test accuracy", ticksuffix=" %")
    figure.update_yaxes(
        tickvals=list(range(len(targets))),
        ticktext=[plain_html(label_of("adapt_ds", ds)) for ds in targets],
        range=[len(targets) - 0.5, -0.5],
    )
    return figure


def _table(rows: pd.DataFrame, chosen: str, on_choose: OnChoose) -> None:
    ordered = rows.assign(_set=rows["adapt_ds"].cat.codes).sort_values(
        ["_set", "adapt_final_test", "adapt_final_val"],
        ascending=[True, False, False],
        na_position="last",
        kind="stable",
    )
    shown = pd.DataFrame(
        {
            "Fine-tuned on": [target_words(row) for _, row in ordered.iterrows()],
            "px": ordered["adapt_resolution"],
            "Test": ordered["adapt_final_test"] * 100,
            "Validation": ordered["adapt_final_val"] * 100,
            "Steps": ordered["adapt_steps"],
            "Rate": ordered["adapt_lr"],
        }
    )
    named_rows(
        shown,
        ordered["adapt_filename"].astype("str").tolist(),
        chosen,
        on_choose,
        key=f"fine-tunes {ordered['adapt_filename'].iloc[0]} {len(ordered)}",
        config={
            "Fine-tuned on": st.column_config.TextColumn(width=108, pinned=True),
            "px": st.column_config.NumberColumn("px", width=44, format="%d", help="Side of the square input image"),
            "Test": st.column_config.NumberColumn(width=64, format="%.1f %%"),
            "Validation": st.column_config.NumberColumn(
                "Valid.", width=64, format="%.1f %%", help="On held-out training images"
            ),
            "Steps": st.column_config.NumberColumn(width=58, format="localized", help="Steps of 512 images"),
            "Rate": st.column_config.NumberColumn(width=52, format="%.3f", help="Peak learning rate"),
        },
        most_rows=7,
        alt="Fine-tunes of the chosen file",
    )
