"""Each column of a catalogue: dtype, unit, meaning, valid range and where its values come from.

Knows what a table must look like; reads none. Categories are open: a catalogue of other checkpoints may hold models
and data sets that AugReg does not, and only rows of AugReg are held against AugReg's ranges.
"""

import dataclasses
from typing import Literal

import pandas as pd

from vit_core.catalog.collection import AUGMENTATIONS, MODEL_FACTS, PRETRAINING_SETS, TRANSFER_SETS

__all__ = [
    "CATEGORIES",
    "COLUMNS",
    "DERIVED",
    "EXTRA",
    "MODEL_FACTS",
    "NUMBERS",
    "PUBLISHED",
    "Column",
    "column",
    "to_csv_bytes",
]

EXACT = "exact"
ROUNDED = "figure 4, rounded to 1 point"
UNKNOWN = "unknown"
FINAL_VAL_SOURCES = (EXACT, ROUNDED, UNKNOWN)
# What makes a spreadsheet read a cell as a formula (OWASP, "CSV injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SOURCES = ("augreg", "families", "demo", "yours")
AUGREG = "AugReg"
"""The release of the catalogue's main rows, as its column `release` has it."""
# What `release` says where the table itself does not; rows of `vit_core.catalog.families` bring their own.
RELEASES = {"augreg": AUGREG, "demo": "demo", "yours": "yours"}

_INDEX = "the collection's index.csv"
_INDEX_AND_PAPER = "the collection's index.csv; upstream values also from figure 4 of arXiv 2106.10270"
_OURS = "computed when the table is loaded"


@dataclasses.dataclass(frozen=True)
class Column:
    """What one column holds.

    Attributes:
        name: the published name.
        dtype: "category", "string", "float64" or "int64" ("float64" too where a table leaves an int cell empty).
        unit: "" where there is none; accuracies are fractions here and per cent on screens.
        label: words for screens.
        meaning: one sentence.
        valid: the range as text.
        source: where the values come from.
        low: least value a number may have, None for text.
        high: greatest value.
        choices: what AugReg's rows may hold, () for anything.
    """

    name: str
    dtype: Literal["category", "string", "float64", "int64"]
    unit: str
    label: str
    meaning: str
    valid: str
    source: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str | float, ...] = ()


def _text(name: str, label: str, meaning: str, *, choices: tuple[str, ...] = (), source: str = _INDEX) -> Column:
    valid = f"one of {', '.join(choices)}" if choices else "text"
    return Column(name, "category", "", label, meaning, valid, source, choices=choices)


def _accuracy(name: str, label: str, meaning: str, *, source: str = _INDEX) -> Column:
    return Column(name, "float64", "fraction", label, meaning, "0 to 1", source, 0.0, 1.0)


def _rate(name: str, label: str, meaning: str, *, choices: tuple[float, ...] = ()) -> Column:
    valid = f"one of {', '.join(str(choice) for choice in choices)}" if choices else "0 to 1"
    return Column(name, "float64", "", label, meaning, valid, _INDEX, 0.0, 1.0, choices)


_UPSTREAM: tuple[Column, ...] = (
    _text("name", "Model", "Architecture: size, then patch size in pixels.", choices=tuple(MODEL_FACTS)),
    _text("ds", "Pre-trained on", "Data set and length of the pre-training.", choices=tuple(PRETRAINING_SETS)),
    Column(
        "epochs",
        "float64",
        "passes over the data",
        "Pre-training epochs",
        "How many times the pre-training saw each image.",
        "30 or 300",
        _INDEX,
        1.0,
        1e6,
        (30.0, 300.0),
    ),
    _rate("lr", "Pre-training learning rate", "Peak learning rate of the pre-training (Adam)."),
    _text(
        "aug",
        "Augmentation",
        "How strongly pre-training images were altered; light0 and light1 are the paper's light1 and light2.",
        choices=tuple(AUGMENTATIONS),
    ),
    _rate(
        "wd", "Weight decay", "Weight decay of the pre-training, multiplied by the learning rate.", choices=(0.03, 0.1)
    ),
    _rate("do", "Dropout", "Share of activations dropped in pre-training.", choices=(0.0, 0.1)),
    _rate("sd", "Stochastic depth", "Share of layers skipped in pre-training, rising with depth.", choices=(0.0, 0.1)),
    _accuracy("best_val", "Best upstream accuracy", "Highest validation accuracy during the pre-training."),
    _accuracy(
        "final_val",
        "Upstream accuracy",
        "Validation accuracy at the end of the pre-training, on the pre-training set itself: compare only where ds is "
        "the same. Where final_val_source says figure 4 it is a whole per cent, presumably of the better of the two "
        "weight decays, so an upper value for the pair.",
        source=_INDEX_AND_PAPER,
    ),
    _accuracy("final_test", "Upstream test accuracy", "Test accuracy at the end of the pre-training; rarely given."),
)

_ADAPT: tuple[Column, ...] = (
    _text("adapt_ds", "Fine-tuned on", "Data set of the fine-tuning.", choices=tuple(TRANSFER_SETS)),
    _rate(
        "adapt_lr",
        "Fine-tuning learning rate",
        "Peak learning rate of the fine-tuning (SGD with momentum).",
        choices=(0.001, 0.003, 0.01, 0.03),
    ),
    Column(
        "adapt_steps",
        "int64",
        "steps of 512 images",
        "Fine-tuning steps",
        "Length of the fine-tuning.",
        "500, 2500, 10000 or 20000",
        _INDEX,
        1.0,
        1e9,
        (500.0, 2500.0, 10000.0, 20000.0),
    ),
    Column(
        "adapt_resolution",
        "int64",
        "px",
        "Resolution",
        "Side of the square images of the fine-tuning.",
        "224 or 384",
        _INDEX,
        1.0,
        16384.0,
        (224.0, 384.0),
    ),
    _accuracy(
        "adapt_final_val",
        "Fine-tuned validation accuracy",
        "Validation accuracy after the fine-tuning; on ImageNet too high for models pre-trained on ImageNet-21k.",
    ),
    _accuracy("adapt_final_test", "Fine-tuned test accuracy", "Test accuracy after the fine-tuning."),
)

_SIZE: tuple[Column, ...] = (
    Column(
        "params",
        "float64",
        "parameters",
        "Parameters",
        "Number of parameters with a 1000-class head at the row's resolution; wrong published numbers are corrected.",
        "1 to 1e12",
        "the collection's index.csv; timm's counts where it is wrong or empty",
        1.0,
        1e12,
    ),
    Column(
        "infer_samples_per_sec",
        "float64",
        "img/s",
        "Speed",
        "Images per second on one V100 (16 GB) with timm at the row's resolution.",
        "above 0",
        _INDEX,
        1e-6,
        1e9,
    ),
    _text("filename", "Pre-trained file", "Name of the pre-trained file."),
    Column(
        "adapt_filename", "string", "", "Fine-tuned file", "Name of the fine-tuned file; one per row.", "text", _INDEX
    ),
)

EXTRA: tuple[Column, ...] = (
    _text("source", "Catalogue", "Which catalogue the row is from.", choices=SOURCES, source=_OURS),
    _text(
        "final_val_source",
        "Upstream accuracy from",
        "How final_val is known.",
        choices=FINAL_VAL_SOURCES,
        source=_OURS,
    ),
    _text("note", "Note", "Corrections and doubts about this row; empty if none.", source=_OURS),
    Column(
        "params_published",
        "float64",
        "parameters",
        "Parameters as published",
        "The index's own number, empty where it is empty or was never seen in print.",
        "1 to 1e12",
        _INDEX,
        1.0,
        1e12,
    ),
)

DERIVED: tuple[Column, ...] = (
    _text("release", "Release", "What the file was published with, such as AugReg, SAM or timm.", source=_OURS),
    _accuracy(
        "top5",
        "Top-5 accuracy",
        "Share of ImageNet's validation images whose class is among the best five guesses; of other releases only.",
        source="data/families/families.csv",
    ),
    _text("family", "Family", "ViT, Hybrid (a ResNet makes the patches), Mixer or Other.", source=_OURS),
    _text("regularisation", "Regularisation", "Dropout and stochastic depth in words.", source=_OURS),
    Column(
        "size_bytes",
        "float64",
        "bytes",
        "Size of the fine-tuned file",
        "4 bytes per parameter with the row's real head; empty where the parameters are unknown.",
        "above 0",
        _OURS,
        1.0,
        1e13,
    ),
    Column(
        "upstream_size_bytes",
        "float64",
        "bytes",
        "Size of the pre-trained file",
        "4 bytes per parameter with the pre-trained head; a few ImageNet-1k files have one more hidden layer.",
        "above 0",
        _OURS,
        1.0,
        1e13,
    ),
)

_ALL_PUBLISHED = _UPSTREAM + _ADAPT + _SIZE
PUBLISHED: tuple[str, ...] = tuple(column.name for column in _ALL_PUBLISHED)
COLUMNS: tuple[Column, ...] = _ALL_PUBLISHED + EXTRA + DERIVED
UPSTREAM: tuple[str, ...] = tuple(column.name for column in _UPSTREAM)
CATEGORIES: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.dtype == "category")
NUMBERS: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.dtype in ("float64", "int64"))
_BY_NAME = {each.name: each for each in COLUMNS}


def column(name: str) -> Column:
    """Give the description of a column.

    Raises:
        KeyError: no such column; names from users are checked before.

    Example:
        >>> column("adapt_resolution").unit
        'px'
    """
    return _BY_NAME[name]


def to_csv_bytes(frame: pd.DataFrame) -> bytes:
    """Write a table as a csv to download, UTF-8; text that a spreadsheet would run as a formula gets a quote before it.

    Example:
        >>> to_csv_bytes(pd.DataFrame({"name": ["=HYPERLINK(1)", "B/16"]})).decode().split()
        ['name', "'=HYPERLINK(1)", 'B/16']
    """
    safe = {}
    for name in frame.columns:
        values = frame[name]
        if not pd.api.types.is_numeric_dtype(values.dtype):
            text = values.astype("str")
            values = text.where(~text.str.startswith(_FORMULA_STARTS, na=False), "'" + text)
        safe[name] = values
    return pd.DataFrame(safe).to_csv(index=False).encode()
