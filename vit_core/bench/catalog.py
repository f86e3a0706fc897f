"""`bench catalog`: how fast the catalogue answers, with the 51,509 published rows and ten times as many."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from vit_core.bench.conditions import Conditions
from vit_core.bench.options import Options
from vit_core.bench.report import Report, Row
from vit_core.bench.windows import interleave, seconds_each
from vit_core.catalog.index import load_catalogue, read_index
from vit_core.catalog.lookup import counterfactual, find_row
from vit_core.catalog.query import Filters, apply_filters, apply_where, facet_counts, pretrained_files, sort_frame
from vit_core.catalog.recommend import recommend
from vit_core.catalog.schema import PUBLISHED
from vit_core.settings import Settings

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
CHOICE = Filters(ds=("i21k",), names=("B/16", "S/16", "R26+S/32"), min_speed=100.0, max_params=1e8)
LOAD, FILTER_GROUP_SORT = "load the table", "filter, group and sort"
_COPIES = 10
_WINDOW_S = 0.05  # most questions take milliseconds


def measure(options: Options) -> Report:
    """Measure all questions of pages and commands, in a cache of its own and without the network."""
    conditions = Conditions()
    with tempfile.TemporaryDirectory(prefix="vit-bench-") as folder:
        settings = Settings(cache_dir=Path(folder))
        frame = load_catalogue(settings, network=False).frame
        csv = frame[list(PUBLISHED)].to_csv(index=False).encode()
        tasks: dict[str, Callable[[], object]] = {
            LOAD: lambda: load_catalogue(settings, network=False),
            "read index.csv": lambda: read_index(csv, location="index.csv"),
            **_questions(frame),
            **_questions(repeated(frame, _COPIES)),
        }
        window_s = min(_WINDOW_S, options.window_s)
        contestants = {name: functools.partial(_milliseconds, task, window_s) for name, task in tasks.items()}
        figures = interleave(contestants, windows=options.windows)
    rows = [Row(task=name, unit="ms", better="less", figures=tuple(values)) for name, values in figures.items()]
    return Report(
        bench="catalog",
        subject=f"{len(frame):,} rows and {_COPIES} times as many",
        options=options.to_plain(),
        measured=conditions.to_plain(),
        rows=rows,
    )


def filter_group_sort(frame: pd.DataFrame) -> pd.DataFrame:
    """Do the work of one change of a filter: keep rows, best fine-tune per file and set, best first."""
    kept = apply_filters(frame, CHOICE)
    best = kept.groupby(["filename", "adapt_ds"], observed=True)["adapt_final_test"].max().reset_index()
    return sort_frame(best, "adapt_final_test")


def repeated(frame: pd.DataFrame, copies: int) -> pd.DataFrame:
    """Give a catalogue of so many times the rows and the files, each copy under new names."""
    parts = []
    for number in range(copies):
        ending = f"-copy{number}" if number else ""
        copy = frame.assign(adapt_filename=frame["adapt_filename"] + ending)
        copy["filename"] = frame["filename"].astype("str") + ending
        parts.append(copy)
    larger = pd.concat(parts, ignore_index=True)
    for column, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype) and column != "filename":
            larger[column] = larger[column].astype(dtype)
    return larger.assign(filename=larger["filename"].astype("category"))


def _questions(frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    size = f"{len(frame):,} rows"
    return {
        f"{FILTER_GROUP_SORT}, {size}": lambda: filter_group_sort(frame),
        f"filters alone, {size}": lambda: apply_filters(frame, CHOICE),
        f"all facet counts, {size}": lambda: facet_counts(frame, CHOICE),
        f"search three words, {size}": lambda: apply_filters(frame, Filters(search="ImageNet-21k B/16 medium1")),
        f"search (a+)+$, {size}": lambda: apply_filters(frame, Filters(search="(a+)+$")),
        f"search 1 MB of text, {size}": lambda: apply_filters(frame, Filters(search="x " * 500_000)),
        f"condition of the command line, {size}": lambda: apply_where(frame, 'ds == "i21k" and 0.4 < final_val <= 0.5'),
        f"table of pre-trained files, {size}": lambda: pretrained_files(frame),
        f"recommend, {size}": lambda: recommend(frame),
        f"find a file by name, {size}": lambda: find_row(frame, B16),
        f"counterfactuals, {size}": lambda: counterfactual(frame, B16),
    }


def _milliseconds(task: Callable[[], object], window_s: float) -> float:
    return 1000 * seconds_each(task, at_least_s=window_s)
