"""Turns columns as published into a catalogue's table: dtypes, corrections with a note, derived columns, doubts.

Knows what AugReg's rows should hold; knows neither files nor networks.
"""

import re

import numpy as np
import pandas as pd

from vit_core.catalog.collection import (
    AUGMENTATIONS,
    DROPOUT,
    MODEL_FACTS,
    NO_DROPOUT,
    OTHER_SETS,
    PRETRAINING_SETS,
    TRANSFER_SETS,
)
from vit_core.catalog.families import RELEASES as OTHER_RELEASES
from vit_core.catalog.families import families
from vit_core.catalog.naming import is_published, parse_name
from vit_core.catalog.schema import AUGREG, COLUMNS, EXACT, FINAL_VAL_SOURCES, RELEASES, UNKNOWN, Column
from vit_core.errors import BadInput

INDEX_HEAD_CLASSES = 1000  # the index counts every model with ImageNet's head, whatever it was fine-tuned on
_ROUNDED_TO = -4  # and to 10,000 parameters
_TOLERANCE = 0.05
_ORDERS: dict[str, tuple[str, ...]] = {
    "name": tuple(MODEL_FACTS),
    "ds": (*PRETRAINING_SETS, *OTHER_SETS),
    "aug": tuple(AUGMENTATIONS),
    "adapt_ds": tuple(TRANSFER_SETS),
    "family": ("ViT", "Hybrid", "Mixer"),
    "regularisation": (NO_DROPOUT, DROPOUT),
    "final_val_source": FINAL_VAL_SOURCES,
    "release": (AUGREG, *OTHER_RELEASES),
}


def complete(raw: pd.DataFrame, *, source: str | None = None) -> pd.DataFrame:
    """Add the extra and the derived columns and set every dtype of the schema.

    Args:
        raw: the published columns, numbers as float64; those of `schema.EXTRA` may be there and are kept.
        source: the catalogue that all rows are from; None tells AugReg's rows from others by their file names.

    Returns:
        A new table with the columns of `schema.COLUMNS` in that order and a range index.
    """
    frame = raw.reset_index(drop=True).copy()
    if source is not None:
        frame["source"] = source
    elif "source" not in frame:
        frame["source"] = np.where(_is_augreg(frame), "augreg", "yours")
    if "final_val_source" not in frame:
        frame["final_val_source"] = np.where(frame["final_val"].notna(), EXACT, UNKNOWN)
    if "note" not in frame:
        frame["note"] = ""
    if "params_published" not in frame:
        frame["params_published"] = frame["params"]
    _correct_params(frame)
    _derive(frame)
    return pd.DataFrame({column.name: _typed(frame[column.name], column) for column in COLUMNS})


def range_notes(frame: pd.DataFrame) -> tuple[str, ...]:
    """List, a sentence per column, how many values lie outside the range of the schema; they are kept.

    Least and greatest values hold for every row, the lists of known values for AugReg's rows only.
    """
    notes = []
    augreg = frame["source"] == "augreg"
    for column in COLUMNS:
        values = frame[column.name]
        strange = pd.Series(False, index=frame.index)
        if column.low is not None and column.high is not None:
            strange |= (values < column.low) | (values > column.high)
        if column.choices:
            strange |= augreg & values.notna() & ~values.isin(list(column.choices))
        count = int(strange.sum())
        if count:
            first = int(np.flatnonzero(strange)[0])
            what = f"1 value of {column.name} is" if count == 1 else f"{count} values of {column.name} are"
            notes.append(
                f"{what} not {column.valid} (the first is {str(values.iloc[first])!r} in row {first + 1}); "
                "shown as in the table."
            )
    return tuple(notes)


def add_note(frame: pd.DataFrame, rows: pd.Series, text: str) -> None:
    """Append a sentence to the note of the chosen rows, in place; `note` holds plain text at this point."""
    old = frame.loc[rows, "note"].astype("str")
    frame.loc[rows, "note"] = (old + " " + text).str.strip()


def true_params(name: str, resolution: int) -> float:
    """Count the parameters of an AugReg model with a 1000-class head, rounded as in the index; NaN if not known.

    Example:
        >>> true_params("R50+L/32", 384)
        329090000.0
    """
    facts = MODEL_FACTS.get(name)
    backbone = facts.backbone_params.get(resolution) if facts else None
    if facts is None or backbone is None:
        return float("nan")
    return float(round(backbone + (facts.width + 1) * INDEX_HEAD_CLASSES, _ROUNDED_TO))


def _is_augreg(frame: pd.DataFrame) -> np.ndarray:
    filenames = frame["filename"].astype("category")
    known = pd.Series([_named_as_augreg(str(name)) for name in filenames.cat.categories], dtype=bool)
    return known.to_numpy()[filenames.cat.codes]


def _named_as_augreg(filename: str) -> bool:
    if not is_published(filename):
        return True
    try:
        parsed = parse_name(filename)
    except BadInput:
        return False
    return parsed.name in MODEL_FACTS and parsed.ds in PRETRAINING_SETS


def _correct_params(frame: pd.DataFrame) -> None:
    """Put the true number where the index has none or a wrong one, and say so; R50+L/32 is wrong by a factor of 3."""
    pairs = frame.loc[frame["source"] == "augreg", ["name", "adapt_resolution"]].drop_duplicates()
    for name, resolution in pairs.itertuples(index=False):
        true = true_params(str(name), int(resolution)) if pd.notna(resolution) else float("nan")
        if np.isnan(true):
            continue
        rows = (frame["source"] == "augreg") & (frame["name"] == name) & (frame["adapt_resolution"] == resolution)
        empty = rows & frame["params"].isna()
        wrong = rows & ((frame["params"] - true).abs() > _TOLERANCE * true)
        if wrong.any():
            published = frame.loc[wrong, "params"].iloc[0]
            add_note(frame, wrong, f"The index gives {published:,.0f} parameters; the model has {true:,.0f}.")
        if empty.any():
            add_note(frame, empty, f"The index gives no number of parameters; the model has {true:,.0f}.")
        frame.loc[empty | wrong, "params"] = true


def _derive(frame: pd.DataFrame) -> None:
    frame["family"] = frame["name"].map({name: _family(str(name)) for name in frame["name"].unique()})
    frame["regularisation"] = _regularisation(frame["do"], frame["sd"])
    if "release" not in frame:
        own = {name: family.release for name, family in families().items()}
        frame["release"] = frame["source"].map(RELEASES).fillna(frame["adapt_filename"].map(own))
    if "top5" not in frame:
        frame["top5"] = np.nan
    known = frame["source"] == "augreg"
    width = frame["name"].map({name: float(facts.width) for name, facts in MODEL_FACTS.items()}).astype("float64")
    heads = {code: float(facts.num_classes) for code, facts in TRANSFER_SETS.items()}
    upstream_heads = {code: float(facts.num_classes) for code, facts in PRETRAINING_SETS.items()}
    backbone = {side: frame["name"].map(_backbones(side)).astype("float64") for side in (224, 384)}
    at_row = backbone[224].where(frame["adapt_resolution"] == 224, backbone[384])
    at_row = at_row.where(frame["adapt_resolution"].isin([224, 384]))
    adapt_head = frame["adapt_ds"].map(heads).astype("float64")
    upstream_head = frame["ds"].map(upstream_heads).astype("float64")
    otherwise = 4.0 * frame["params"]
    frame["size_bytes"] = (4.0 * (at_row + (width + 1) * adapt_head)).where(known, otherwise)
    frame["upstream_size_bytes"] = (4.0 * (backbone[224] + (width + 1) * upstream_head)).where(known, otherwise)


def _backbones(side: int) -> dict[str, float]:
    return {name: float(facts.backbone_params.get(side, float("nan"))) for name, facts in MODEL_FACTS.items()}


def _family(name: str) -> str:
    facts = MODEL_FACTS.get(name)
    if facts is not None:
        return facts.family
    if re.match(r"R\d*\+", name):
        return "Hybrid"
    if name.startswith("Mixer-"):
        return "Mixer"
    return "ViT" if re.fullmatch(r"(timm-)?[A-Za-z]+/\d+", name) else "Other"


def _regularisation(dropout: pd.Series, depth: pd.Series) -> np.ndarray:
    return np.select(
        [
            dropout.isna() | depth.isna(),
            (dropout == 0) & (depth == 0),
            (dropout > 0) & (depth > 0),
            dropout > 0,
        ],
        [UNKNOWN, NO_DROPOUT, DROPOUT, "dropout"],
        default="stochastic depth",
    )


def _typed(values: pd.Series, column: Column) -> pd.Series:
    if column.dtype == "string":
        return values.astype("str")
    if column.dtype == "category":
        filled = values if column.name == "note" else values.replace("", np.nan)
        return _categorical(filled, _ORDERS.get(column.name, ()))
    numbers = values.astype("float64")
    if column.dtype == "int64" and numbers.notna().all():
        return numbers.astype("int64")
    return numbers


def _categorical(values: pd.Series, order: tuple[str, ...]) -> pd.Series:
    text = values.astype("category")
    present = [str(each) for each in text.cat.categories]
    ordered = [each for each in order if each in present] + [each for each in present if each not in order]
    return text.cat.set_categories(ordered)
