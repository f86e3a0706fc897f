"""How fast the catalogue answers: `python -m benchmarks.catalog` writes `results/catalog.json`.

Aims: filter, group and sort the 51,509 rows in under 20 ms, ten times as many in under 300 ms; search within 300 ms
whatever the text. Times are medians of repeated runs in one process, with the shortest and the longest beside them.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from vit_core.catalog.index import load_catalogue, read_index
from vit_core.catalog.lookup import counterfactual, find_row
from vit_core.catalog.query import Filters, apply_filters, apply_where, facet_counts, pretrained_files, sort_frame
from vit_core.catalog.recommend import recommend
from vit_core.catalog.schema import PUBLISHED
from vit_core.settings import Settings

RESULTS = Path(__file__).parent / "results" / "catalog.json"
B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
CHOICE = Filters(ds=("i21k",), names=("B/16", "S/16", "R26+S/32"), min_speed=100.0, max_params=1e8)
COPIES = 10


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(cache_dir=Path(folder))
        frame = load_catalogue(settings, network=False).frame
        csv = frame[list(PUBLISHED)].to_csv(index=False).encode()
        tasks = {
            "load the bundled table": lambda: load_catalogue(settings, network=False),
            "read index.csv": lambda: read_index(csv, location="index.csv"),
            **_questions(frame, "51,509 rows"),
            **_questions(_larger(frame), f"{COPIES * len(frame):,} rows"),
        }
        times = {name: _milliseconds(task, repeats) for name, task in tasks.items()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"measured": _conditions(repeats), "milliseconds": times}, indent=2) + "\n")
    for name, (low, middle, high) in times.items():
        print(f"{middle:9.1f} ms  ({low:.1f} to {high:.1f})  {name}")
    print(RESULTS)


def _questions(frame: pd.DataFrame, size: str) -> dict[str, Callable[[], object]]:
    return {
        f"filter, group and sort, {size}": lambda: _filter_group_sort(frame),
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


def _filter_group_sort(frame: pd.DataFrame) -> pd.DataFrame:
    """The work of one change of a filter: keep rows, best fine-tune per file and set, best first."""
    kept = apply_filters(frame, CHOICE)
    best = kept.groupby(["filename", "adapt_ds"], observed=True)["adapt_final_test"].max().reset_index()
    return sort_frame(best, "adapt_final_test")


def _larger(frame: pd.DataFrame) -> pd.DataFrame:
    """Repeat the table under new names, so that it has ten times the rows and the files."""
    copies = []
    for number in range(COPIES):
        ending = f"-copy{number}" if number else ""
        copy = frame.assign(adapt_filename=frame["adapt_filename"] + ending)
        copy["filename"] = frame["filename"].cat.rename_categories(lambda name, end=ending: name + end).astype("str")
        copies.append(copy)
    larger = pd.concat(copies, ignore_index=True)
    for column, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype) and column != "filename":
            larger[column] = larger[column].astype(dtype)
    return larger.assign(filename=larger["filename"].astype("category"))


def _milliseconds(task: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    task()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return tuple(round(1000 * value, 2) for value in (min(seconds), statistics.median(seconds), max(seconds)))


def _conditions(repeats: int) -> dict[str, object]:
    cpu = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "repeats": repeats,
        "cpu": cpu[0].partition(": ")[2] if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        "pandas": pd.__version__,
        "pyarrow": pa.__version__,
        "numpy": np.__version__,
    }


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
