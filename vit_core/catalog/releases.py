"""Joins the files of the other releases to the table of AugReg, as further rows with the same columns.

A file that was not fine-tuned is a row, too: its `adapt_ds` is empty and both of its names are its address. Upstream
accuracies stay empty, since no two releases measured theirs alike; the accuracy on ImageNet stands where AugReg's test
accuracy does.
"""

import functools

import numpy as np
import pandas as pd

from vit_core.catalog.families import SOURCE, Family, families
from vit_core.catalog.schema import COLUMNS, PUBLISHED
from vit_core.catalog.table import complete


def with_other_releases(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of `frame` and after them those of the other releases.

    Args:
        frame: columns of `schema.COLUMNS`; not changed.
    """
    other = _other_releases()
    columns = {column.name: _joined(frame[column.name], other[column.name]) for column in COLUMNS}
    return pd.DataFrame(columns)


def is_other(frame: pd.DataFrame) -> pd.Series:
    """Tell which rows, or pre-trained files, are of a release beside AugReg."""
    return frame["source"] == SOURCE


def model_of(family: Family) -> str:
    """Give the model's name for filters: what reads the tokens, and LayerScale, are no part of it.

    Example:
        >>> model_of(families()["gs://vit_models/gsam/ViT-S_16.npz"])
        'S/16'
    """
    return family.architecture.removesuffix("-gap").removeprefix("DeiT3-")


@functools.lru_cache(maxsize=1)
def _other_releases() -> pd.DataFrame:
    rows = list(families().values())
    raw = pd.DataFrame([_row(family) for family in rows], columns=[*PUBLISHED, "note", "release", "top5"])
    table = complete(raw, source=SOURCE)
    size = np.array([family.size_bytes for family in rows], dtype=float)
    return table.assign(size_bytes=size, upstream_size_bytes=size)


def _row(family: Family) -> dict[str, object]:
    return dict.fromkeys(PUBLISHED, np.nan) | {
        "name": model_of(family),
        "ds": family.ds,
        "epochs": family.epochs,
        "aug": "",
        "adapt_ds": family.adapt_ds,
        "adapt_resolution": family.resolution,
        "adapt_final_test": family.top1,
        "top5": family.top5,
        "params": family.params,
        "filename": family.pretrained,
        "adapt_filename": family.name,
        "release": family.release,
        "note": family.note,
    }


def _joined(first: pd.Series, second: pd.Series) -> pd.Series:
    if not isinstance(first.dtype, pd.CategoricalDtype):
        return pd.concat([first, second], ignore_index=True)
    # The first one's categories in their order, then what is new; its codes stay, so that 51,509 rows cost nothing.
    known, theirs = first.cat.categories, second.cat.categories.astype(first.cat.categories.dtype)
    categories = known.append(theirs[~theirs.isin(known)])
    places = np.append(categories.get_indexer(theirs), -1)  # the last one for missing values, whose code is -1
    codes = np.concatenate([first.cat.codes.to_numpy(dtype=np.int32), places[second.cat.codes.to_numpy()]])
    return pd.Series(pd.Categorical.from_codes(codes, categories=categories))
