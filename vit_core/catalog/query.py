"""Questions to a catalogue: filters, facet counts, the two-level table, the Pareto line, the heat map.

Pure functions of a table; the table is never changed. Texts are compared through their categories, so 51,509 rows
take a few milliseconds.
"""

import dataclasses
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from vit_core.catalog.ranking import ranked
from vit_core.catalog.schema import UPSTREAM
from vit_core.catalog.search import matches
from vit_core.catalog.where import apply_where, parse_where
from vit_core.errors import UnknownName

__all__ = [
    "FACETS",
    "Filters",
    "Room",
    "apply_filters",
    "apply_where",
    "facet_counts",
    "fine_tunes",
    "pareto_front",
    "parse_where",
    "pretrained_files",
    "sort_frame",
    "upstream_grid",
]

Mask = npt.NDArray[np.bool_]
IMAGENET = "imagenet2012"  # what the accuracy of a file stands for that was trained on ImageNet and not fine-tuned
FACETS: dict[str, str] = {
    "releases": "release",
    "families": "family",
    "names": "name",
    "ds": "ds",
    "augs": "aug",
    "regularisations": "regularisation",
    "weight_decays": "wd",
    "adapt_ds": "adapt_ds",
    "resolutions": "adapt_resolution",
}


@dataclasses.dataclass(frozen=True)
class Filters:
    """What a user has chosen; an empty tuple or None filters nothing.

    Attributes:
        search: words that must all occur in the file name or its description; never a pattern.
        releases: "AugReg", "SAM", "timm", …
        families: "ViT", "Hybrid", "Mixer", "Other".
        names: models, "B/16".
        ds: pre-training sets.
        augs: augmentation levels.
        regularisations: "none", "dropout + stochastic depth".
        weight_decays: of the pre-training.
        adapt_ds: sets whose classes a file names: fine-tuned on, or ImageNet where it was trained on that alone.
        resolutions: of the fine-tuning, in pixels.
        min_speed: images per second on a V100.
        max_params: parameters.
        max_size_bytes: of the fine-tuned file.
        min_final_val: upstream accuracy, a fraction.
        fits: what the machine at hand must have memory for: "classify", "fine-tune", or "" for anything.
    """

    search: str = ""
    releases: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    ds: tuple[str, ...] = ()
    augs: tuple[str, ...] = ()
    regularisations: tuple[str, ...] = ()
    weight_decays: tuple[float, ...] = ()
    adapt_ds: tuple[str, ...] = ()
    resolutions: tuple[int, ...] = ()
    min_speed: float | None = None
    max_params: float | None = None
    max_size_bytes: float | None = None
    min_final_val: float | None = None
    fits: str = ""


class Room(Protocol):
    """The memory of a machine; `vit_core.checkpoints.needs.Room` is one."""

    def holds(self, purpose: str, name: str, resolution: float, params: float) -> bool:
        """Tell whether a model fits; resolution and params are NaN where they are not known."""


def apply_filters(frame: pd.DataFrame, filters: Filters, *, room: Room | None = None) -> pd.DataFrame:
    """Give the rows that pass every filter, in their order; a row without the number a limit asks for does not pass.

    Args:
        frame: the whole catalogue.
        filters: the choice.
        room: of the machine at hand; must be given where `filters.fits` asks for it.
    """
    keep = _limits(frame, filters, room)
    for field in FACETS:
        keep &= _chosen(frame, field, filters)
    return frame if keep.all() else frame[keep]


def facet_counts(
    frame: pd.DataFrame,
    filters: Filters,
    *,
    unit: Literal["filename", "adapt_filename"] = "filename",
    room: Room | None = None,
) -> dict[str, pd.Series]:
    """Count, per facet and value, the distinct files that are left after all other filters.

    Args:
        frame: the whole catalogue.
        filters: the choice; a facet's own choice does not change its counts, so that a second value can be added.
        unit: what is counted: pre-trained or fine-tuned files.
        room: as in `apply_filters`.

    Returns:
        By field of `Filters`: counts indexed by value, every value of the catalogue, also those with 0.
    """
    limits = _limits(frame, filters, room)
    masks = {field: _chosen(frame, field, filters) for field in FACETS}
    files = frame[unit].cat.codes.to_numpy() if unit == "filename" else None
    counts = {}
    for field, column in FACETS.items():
        others = limits.copy()
        for other, mask in masks.items():
            if other != field:
                others &= mask
        counts[field] = _count(_values(frame, column), others, files)
    return counts


def pretrained_files(frame: pd.DataFrame) -> pd.DataFrame:
    """Give one row per pre-trained file, set by set, best upstream accuracy first (`TIE_ORDER`).

    Returns:
        The upstream columns; params and infer_samples_per_sec at the lowest resolution; size_bytes of the pre-trained
        file; family, regularisation, source, release, final_val_source, note; n_fine_tunes; best_adapt_test, the
        highest ImageNet test accuracy, its own where it was trained on ImageNet alone; and `best_SET` for each
        fine-tuning set. NaN where no number is known.
    """
    if frame.empty:
        return _as_files(frame.assign(n_fine_tunes=0, best_adapt_test=np.nan))
    first = (
        frame.sort_values("adapt_resolution", kind="stable")
        .drop_duplicates("filename")
        .set_index("filename", drop=False)
    )
    tuned = frame["adapt_ds"].notna().groupby(frame["filename"], observed=True)
    known = frame.dropna(subset="adapt_final_test")
    if known["adapt_ds"].isna().any() and IMAGENET in frame["adapt_ds"].cat.categories:
        known = known.assign(adapt_ds=known["adapt_ds"].fillna(IMAGENET))
    best = known.groupby(["filename", "adapt_ds"], observed=True)["adapt_final_test"].max().unstack("adapt_ds")
    files = first.assign(n_fine_tunes=tuned.sum())
    for adapt_ds in frame["adapt_ds"].cat.categories:
        files[f"best_{adapt_ds}"] = best.get(adapt_ds, np.nan)
    files["best_adapt_test"] = files.get(f"best_{IMAGENET}", np.nan)
    return _as_files(ranked(files.reset_index(drop=True)))


def fine_tunes(frame: pd.DataFrame, filename: str) -> pd.DataFrame:
    """Give the rows of one pre-trained file, by data set, then resolution, steps and learning rate.

    Raises:
        UnknownName: no such pre-trained file.
    """
    if filename not in frame["filename"].cat.categories:
        raise UnknownName.among("pre-trained file", filename, list(frame["filename"].cat.categories))
    rows = frame[frame["filename"] == filename]
    return rows.sort_values(
        ["adapt_ds", "adapt_resolution", "adapt_steps", "adapt_lr"], ascending=[True, False, False, False]
    )


def sort_frame(frame: pd.DataFrame, column: str, descending: bool = True) -> pd.DataFrame:
    """Sort by one column, missing values last, equal ones in their old order.

    Raises:
        UnknownName: no such column.
    """
    if column not in frame.columns:
        raise UnknownName.among("column", column, [str(each) for each in frame.columns])
    return frame.sort_values(column, ascending=not descending, na_position="last", kind="stable")


def pareto_front(frame: pd.DataFrame, x: str, y: str) -> pd.Series:
    """Tell which rows no other row beats: none has more of both `x` and `y`; more is better for both.

    A row that equals a front row in both is on the front too; rows without either number never are.
    """
    values = frame[[x, y]].astype("float64").to_numpy()
    front = np.zeros(len(frame), dtype=bool)
    order = np.lexsort((-values[:, 1], -values[:, 0]))
    best_y, best_x = -np.inf, np.nan
    for row in order:
        at_x, at_y = values[row]
        if np.isnan(at_x) or np.isnan(at_y):
            continue
        if at_y > best_y or (at_y == best_y and at_x == best_x):
            front[row] = True
            best_x, best_y = at_x, at_y
    return pd.Series(front, index=frame.index)


def upstream_grid(frame: pd.DataFrame, ds: str) -> pd.DataFrame:
    """Give the heat map of one pre-training set: upstream accuracy by augmentation and regularisation.

    Returns:
        A row per model, augmentation and regularisation: `mean` and `max` of final_val over its files, `files`, their
        number, and `rounded`, whether any value is read from figure 4.
    """
    files = frame[frame["ds"] == ds].drop_duplicates("filename")
    groups = files.groupby(["name", "aug", "regularisation"], observed=True)
    grid = groups["final_val"].agg(["mean", "max"])
    grid["files"] = groups.size()
    grid["rounded"] = groups["final_val_source"].agg(lambda sources: bool((sources != "exact").any()))
    return grid.reset_index()


def _limits(frame: pd.DataFrame, filters: Filters, room: Room | None) -> Mask:
    keep = matches(frame, filters.search)
    if filters.fits:
        assert room is not None  # noqa: S101 - a filter about a machine is not asked without one
        keep &= _fitting(frame, filters.fits, room)
    least = (("infer_samples_per_sec", filters.min_speed), ("final_val", filters.min_final_val))
    most = (("params", filters.max_params), ("size_bytes", filters.max_size_bytes))
    for column, limit in least:
        if limit is not None:
            keep &= frame[column].to_numpy() >= limit
    for column, limit in most:
        if limit is not None:
            keep &= frame[column].to_numpy() <= limit
    return keep


def _fitting(frame: pd.DataFrame, purpose: str, room: Room) -> Mask:
    """Ask once for each model and resolution, some twenty times for 51,509 rows."""
    if frame.empty:
        return np.zeros(0, dtype=bool)
    sides, known_sides = pd.factorize(frame["adapt_resolution"])
    pairs = (frame["name"].cat.codes.to_numpy().astype(np.intp) + 1) * (len(known_sides) + 1) + sides + 1
    rows = np.full(int(pairs.max()) + 1, -1)
    rows[pairs] = np.arange(len(frame))  # one row of each pair
    answers = np.zeros(len(rows), dtype=bool)
    asked = frame[["name", "adapt_resolution", "params"]].iloc[rows[rows >= 0]]
    answers[rows >= 0] = [
        room.holds(purpose, str(name), float(side), float(params))
        for name, side, params in asked.itertuples(index=False)
    ]
    return np.asarray(answers[pairs], dtype=bool)


def _chosen(frame: pd.DataFrame, field: str, filters: Filters) -> Mask:
    chosen = list(getattr(filters, field))
    if not chosen:
        return np.ones(len(frame), dtype=bool)
    values = _values(frame, FACETS[field])
    if isinstance(values.dtype, pd.CategoricalDtype):
        # A look-up by code touches 10 categories, not 51,509 texts; the last entry is for missing values (code -1).
        wanted = np.append(values.cat.categories.isin(chosen), False)
        return np.asarray(wanted[values.cat.codes.to_numpy()], dtype=bool)
    return np.asarray(values.isin(chosen).to_numpy(), dtype=bool)


def _values(frame: pd.DataFrame, column: str) -> pd.Series:
    """Give what a facet looks at: a file that was trained on ImageNet alone names its classes without a fine-tuning."""
    values = frame[column]
    if column != "adapt_ds" or IMAGENET not in frame["ds"].cat.categories or IMAGENET not in values.cat.categories:
        return values
    return values.mask(values.isna() & (frame["ds"] == IMAGENET), IMAGENET)


def _count(values: pd.Series, rows: Mask, files: npt.NDArray[np.integer] | None) -> pd.Series:
    """Count distinct files per value over `rows`; `files` None means that every row is a file of its own."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, labels = values.cat.codes.to_numpy(), values.cat.categories
    else:
        codes, labels = pd.factorize(values, sort=True)
    rows = rows & (codes >= 0)
    if files is None:
        return pd.Series(np.bincount(codes[rows], minlength=len(labels)), index=labels)
    seen = np.zeros((len(labels), int(files.max(initial=-1)) + 1), dtype=bool)
    seen[codes[rows], files[rows]] = True
    return pd.Series(seen.sum(axis=1), index=labels)


def _as_files(files: pd.DataFrame) -> pd.DataFrame:
    best = [name for name in files.columns if name.startswith("best_") and name not in UPSTREAM]
    others = ["filename", "params", "infer_samples_per_sec", "family", "regularisation", "source"]
    others += ["release", "final_val_source", "note", "n_fine_tunes"]
    sized = files[[*UPSTREAM, *others, *best]].assign(size_bytes=files["upstream_size_bytes"])
    return sized.reset_index(drop=True)
