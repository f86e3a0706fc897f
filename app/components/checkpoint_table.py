"""The two tables: pre-trained files, and the fine-tunes of one of them. A row is chosen by name, never by its place.

Each table's key holds what it was filtered and sorted by, so that a selection cannot come back as another row.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler
from streamlit.elements.lib.column_types import ColumnConfig

from app.components.wording import percent
from vit_core.catalog.collection import DROPOUT, NO_DROPOUT, label_of
from vit_core.catalog.schema import EXACT, ROUNDED

OnChoose = Callable[[str], None]
_SHORT_REGULARISATION = {NO_DROPOUT: "no dropout", DROPOUT: "dropout 0.1"}


@dataclasses.dataclass(frozen=True)
class Ordering:
    """A way to sort the pre-trained files: the column, words for it, and whether it starts with the largest."""

    column: str
    label: str
    descending: bool


ORDERINGS: tuple[Ordering, ...] = (
    Ordering("final_val", "Upstream accuracy", True),
    Ordering("best_adapt_test", "ImageNet accuracy after fine-tuning", True),
    Ordering("infer_samples_per_sec", "Speed", True),
    Ordering("params", "Parameters", False),
    Ordering("size_bytes", "File size", False),
    Ordering("wd", "Weight decay", False),
    Ordering("n_fine_tunes", "Number of fine-tunes", True),
    Ordering("filename", "Name", False),
)


def in_order(files: pd.DataFrame, column: str, *, ascending: bool) -> pd.DataFrame:
    """Sort pre-trained files by one column, missing values last, ties in their old order.

    Upstream accuracy orders within a pre-training set only: across sets it compares different questions.
    """
    if column == "final_val":
        keyed = files.assign(_set=files["ds"].cat.codes)
        order = keyed.sort_values(["_set", column], ascending=[True, ascending], na_position="last", kind="stable")
        # The catalogue's own order breaks ties better than a second sort could: it knows which values are rounded.
        order = keyed.sort_values("_set", kind="stable") if not ascending else order
        return files.loc[order.index]
    return files.sort_values(column, ascending=ascending, na_position="last", kind="stable")


def files_table(files: pd.DataFrame, chosen: str, on_choose: OnChoose, *, key: str, target: str = "") -> None:
    """Show pre-trained files; a chosen row is handed to `on_choose` by its file name.

    Args:
        files: one row per file, in the order to show.
        chosen: name of the file to mark, "" for none.
        on_choose: called with the name, "" when the mark is taken off.
        key: what the rows depend on, as text.
        target: a fine-tuning set whose best accuracy is shown, "" for ImageNet.
    """
    best = f"best_{target}" if target and f"best_{target}" in files else "best_adapt_test"
    shown = pd.DataFrame(
        {
            "Model": files["name"].astype("str"),
            "Pre-trained on": [label_of("ds", ds).replace(", 30 epochs", " · 30 ep") for ds in files["ds"]],
            "Augmentation": files["aug"].astype("str").replace("nan", None),
            "Regularisation": [_SHORT_REGULARISATION.get(str(each), str(each)) for each in files["regularisation"]],
            "Weight decay": files["wd"],
            "Upstream": files["final_val"] * 100,
            "Fine-tuned": files[best] * 100,
            "Speed": files["infer_samples_per_sec"].round(),
            "Parameters": files["params"] / 1e6,
            "File": files["size_bytes"] / 1e6,
        }
    )
    label = label_of("adapt_ds", target or "imagenet2012")
    config = {
        "Model": st.column_config.TextColumn("Model", width=78, pinned=True),
        "Pre-trained on": st.column_config.TextColumn(width=114),
        "Augmentation": st.column_config.TextColumn(width=100),
        "Regularisation": st.column_config.TextColumn("Dropout", width=82),
        "Weight decay": st.column_config.NumberColumn("Decay", width=54, format="%.2f", help="Weight decay"),
        "Upstream": st.column_config.NumberColumn(
            "Upstream",
            width=72,
            help="Accuracy on held-out images of the pre-training set: compare only within one set. "
            "≈ means that only a whole per cent is published.",
        ),
        "Fine-tuned": st.column_config.NumberColumn(
            label.removesuffix("-1k").removeprefix("Oxford-IIIT ").removesuffix(" distance"),
            width=76,
            format="%.1f %%",
            help=f"Highest test accuracy of this file's fine-tunes on {label}",
        ),
        "Speed": st.column_config.NumberColumn(
            "img/s", width=60, format="localized", help="Images per second on a V100 at 224 px"
        ),
        "Parameters": st.column_config.NumberColumn(
            "Params", width=68, format="%.1f M", help="Parameters with a head of 1,000 classes"
        ),
        "File": st.column_config.NumberColumn("File", width=70, format="%.0f MB"),
    }
    named_rows(
        _with_rounded_marked(shown, files["final_val_source"]),
        files["filename"].astype("str").tolist(),
        chosen,
        on_choose,
        key=f"files {key}",
        config=config,
        height=35 * 10 + 38,
        alt="Pre-trained files that pass the filters",
    )


def _with_rounded_marked(shown: pd.DataFrame, sources: pd.Series) -> Styler:
    """Write upstream accuracies as they are known, "50.6 %" or "≈ 50 %"; the cells keep numbers, for sorting."""
    exact = set(shown.loc[sources == EXACT, "Upstream"])

    def words(value: object) -> str:
        return percent(cast("float", value) / 100, source=EXACT if value in exact else ROUNDED)

    return shown.style.format({"Upstream": words}, na_rep="–")


def named_rows(
    shown: pd.DataFrame | Styler,
    names: Sequence[str],
    chosen: str,
    on_choose: OnChoose,
    *,
    key: str,
    config: Mapping[str, ColumnConfig | str | None],
    height: int,
    alt: str,
) -> None:
    """Show a table in which a chosen row is known by its name.

    Args:
        shown: what the cells say.
        names: the name of each row.
        chosen: the name of the row to mark, "" or an absent one for none.
        on_choose: called with the name, "" when the mark is taken off.
        key: what the rows depend on, as text: another text is another table, without a selection from before.
        config: how columns look.
        height: of the table, in pixels.
        alt: name for screen readers.
    """
    state_key = f"table {hashlib.sha256(key.encode()).hexdigest()[:16]}"
    wanted = [names.index(chosen)] if chosen in names else []

    def choose() -> None:
        rows = st.session_state[state_key]["selection"]["rows"]
        on_choose(names[rows[0]] if rows else "")

    if state_key in st.session_state and st.session_state[state_key]["selection"]["rows"] != wanted:
        st.session_state[state_key] = {"selection": {"rows": wanted, "columns": [], "cells": []}}
    st.dataframe(
        shown,
        key=state_key,
        hide_index=True,
        height=height,
        column_config=config,
        on_select=choose,
        selection_mode="single-row",
        selection_default={"selection": {"rows": wanted}} if wanted else None,
        placeholder="–",
        alt=alt,
    )
