"""The two tables: pre-trained files, and the fine-tunes of one of them. A row is chosen by name, never by its place.

Each table's key holds what it was filtered and sorted by, so that a selection cannot come back as another row.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app.derived import once
from vit_core.catalog.collection import DROPOUT, NO_DROPOUT, label_of
from vit_core.catalog.families import SOURCE
from vit_core.catalog.releases import is_other
from vit_core.catalog.schema import ROUNDED

MAIN_TARGET = "imagenet2012"
_HEADER_PX, _ROW_PX = 38, 35
OnChoose = Callable[[str], None]
# What is known of the files of other releases, whose recipes, upstream accuracies and speeds are not.
_OF_OTHERS = ["Model", "Name", "Release", "Pre-trained on", "Fine-tuned", "Parameters", "File"]
_SHORT_REGULARISATION = {NO_DROPOUT: "no dropout", DROPOUT: "dropout 0.1"}


class _Shown(NamedTuple):
    """A table as it is shown.

    Attributes:
        rows: what the cells say.
        names: the name of each row.
        config: how columns look.
    """

    rows: pd.DataFrame
    names: Sequence[str]
    config: Mapping[str, ColumnConfig | str | None]


@dataclasses.dataclass(frozen=True)
class Ordering:
    """A way to sort the pre-trained files: the column, words for it, and whether it starts with the largest."""

    column: str
    label: str
    descending: bool


ORDERINGS: tuple[Ordering, ...] = (
    Ordering("final_val", "Upstream accuracy", True),
    Ordering("best_adapt_test", "Accuracy after fine-tuning on ImageNet", True),
    Ordering("infer_samples_per_sec", "Speed", True),
    Ordering("params", "Parameters", False),
    Ordering("size_bytes", "File size", False),
    Ordering("wd", "Weight decay", False),
    Ordering("n_fine_tunes", "Number of fine-tunes", True),
    Ordering("filename", "Name", False),
)


def orderings_of(files: pd.DataFrame) -> tuple[Ordering, ...]:
    """Give the ways to sort these files: where all are of other releases, only what is known of some of them."""
    if files.empty or not is_other(files).all():
        return ORDERINGS
    return tuple(
        dataclasses.replace(each, label="Accuracy on ImageNet") if each.column == "best_adapt_test" else each
        for each in ORDERINGS
        if files[each.column].notna().any()
    )


def order_of(files: pd.DataFrame, column: str, *, ascending: bool) -> tuple[str, bool]:
    """Give the column to sort by and whether upwards: as asked, else the first way there is to sort these files."""
    ways = orderings_of(files)
    return (column, ascending) if column in {each.column for each in ways} else (ways[0].column, not ways[0].descending)


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
        target: a fine-tuning set whose best accuracy is shown, "" for the catalogue's main one.
    """
    shown = once("shown", files, lambda: _shown(files, target), target)
    named_rows(
        shown.rows,
        shown.names,
        chosen,
        on_choose,
        key=f"files {key}",
        config=shown.config,
        most_rows=10,
        alt="Pre-trained files that pass the filters",
    )


def main_target(files: pd.DataFrame) -> str:
    """Give the fine-tuning set to look at first: ImageNet, else the first one of which an accuracy is known."""
    best = [str(name) for name in files.columns if str(name).startswith("best_")]
    known = [name.removeprefix("best_") for name in best if files[name].notna().any()]
    sets = [name for name in known if name not in ("val", "adapt_test")]
    return MAIN_TARGET if MAIN_TARGET in sets or not sets else sets[0]


def _short_set(ds: str) -> str:
    return label_of("ds", ds).replace(", 30 epochs", " · 30 ep").replace(", other recipes", " · other")


def _short_name(address: str) -> str:
    """Give what tells an address from others: the repository of the hub, or the folder and the file."""
    if address.startswith("hf:"):
        return address.rpartition("/")[2]
    return "/".join(address.removesuffix(".npz").split("/")[-2:])


def _in_words(codes: pd.Series, words: Callable[[str], str]) -> pd.Series:
    return codes.cat.rename_categories({code: words(str(code)) for code in codes.cat.categories})


def named_rows(
    shown: pd.DataFrame,
    names: Sequence[str],
    chosen: str,
    on_choose: OnChoose,
    *,
    key: str,
    config: Mapping[str, ColumnConfig | str | None],
    most_rows: int,
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
        most_rows: how many are seen at once.
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
        height=_HEADER_PX + _ROW_PX * min(len(names), most_rows),
        column_config=config,
        on_select=choose,
        selection_mode="single-row",
        selection_default={"selection": {"rows": wanted}} if wanted else None,
        placeholder="–",
        alt=alt,
    )


def _shown(files: pd.DataFrame, target: str) -> _Shown:
    target = target or main_target(files)
    best = f"best_{target}" if f"best_{target}" in files else "best_adapt_test"
    rows = _files_shown(files, best)
    published = bool(files["source"].isin(["augreg", SOURCE]).all())
    return _Shown(
        rows=rows[_OF_OTHERS] if is_other(files).all() else rows.drop(columns="Name"),
        names=files["filename"].astype("str").tolist(),
        config=_files_config(label_of("adapt_ds", target), published=published, several=files["release"].nunique() > 1),
    )


def _files_shown(files: pd.DataFrame, best: str) -> pd.DataFrame:
    """Give the table of `files_table`; `best` is the column of the fine-tuned accuracy."""
    # Categories and short floats: the first screen sends every row.
    return pd.DataFrame(
        {
            "Model": files["name"],
            "Name": pd.Categorical([_short_name(str(name)) for name in files["filename"]]),
            "Release": files["release"],
            "Pre-trained on": _in_words(files["ds"], _short_set),
            "Augmentation": files["aug"],
            "Regularisation": _in_words(files["regularisation"], lambda each: _SHORT_REGULARISATION.get(each, each)),
            "Weight decay": files["wd"].astype("float32"),
            "Rounded": pd.Categorical((files["final_val_source"] == ROUNDED).map({True: "≈", False: ""})),
            "Upstream": (files["final_val"] * 100).round(2).astype("float32"),
            "Fine-tuned": (files[best] * 100).round(2).astype("float32"),
            "Speed": files["infer_samples_per_sec"].round().astype("float32"),
            "Parameters": (files["params"] / 1e6).astype("float32"),
            "File": (files["size_bytes"] / 1e6).astype("float32"),
        }
    )


def _files_config(label: str, *, published: bool, several: bool) -> dict[str, ColumnConfig | str | None]:
    """Give the columns of `files_table`.

    Args:
        label: of the fine-tuning set that is shown.
        published: whether all figures are of a published release.
        several: whether the files are of several releases; the column that says so is hidden otherwise.
    """
    return {
        "Model": st.column_config.TextColumn("Model", width=76, pinned=True),
        "Name": st.column_config.TextColumn(width=284),
        "Release": st.column_config.TextColumn(width=80) if several else None,
        "Pre-trained on": st.column_config.TextColumn(width=108),
        "Augmentation": st.column_config.TextColumn(width=96),
        "Regularisation": st.column_config.TextColumn("Dropout", width=80),
        "Weight decay": st.column_config.NumberColumn("Decay", width=50, format="%.2f", help="Weight decay"),
        "Rounded": st.column_config.TextColumn("", width=24, help="≈ means that only a whole per cent is published"),
        "Upstream": st.column_config.NumberColumn(
            "Upstream",
            width=72,
            format="%.3g %%",
            help="Accuracy on held-out images of the pre-training set: compare only within one set. "
            "≈ means that only a whole per cent is published.",
        ),
        "Fine-tuned": st.column_config.NumberColumn(
            label.removesuffix("-1k").removeprefix("Oxford-IIIT ").removesuffix(" distance"),
            width=70,
            format="%.1f %%",
            help=f"Highest test accuracy of this file's fine-tunes on {label}, or its own if trained on that alone",
        ),
        "Speed": st.column_config.NumberColumn(
            "img/s",
            width=60,
            format="localized",
            help="Images per second" + (" on a V100 at 224 px" if published else ""),
        ),
        "Parameters": st.column_config.NumberColumn(
            "Params",
            width=66,
            format="%.1f M",
            help="Parameters" + ("; of AugReg's with a head of 1,000 classes" if published else ""),
        ),
        "File": st.column_config.NumberColumn("File", width=64, format="%.0f MB"),
    }
