"""The sample pictures that come with the app, with what they show and the data set they are from."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Sample:
    """One picture.

    Attributes:
        path: of the JPEG.
        label: what it shows, a class name of its set.
        dataset: code of the set, as in the index's `adapt_ds`.
    """

    path: Path
    label: str
    dataset: str


def read_samples(folder: Path) -> tuple[Sample, ...]:
    """Read `samples.csv` of a folder; no table, no samples."""
    table = folder / "samples.csv"
    if not table.is_file():
        return ()
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(Sample(folder / row["file"], row["label"], row["adapt_ds"]) for row in rows)


def fitting(samples: Sequence[Sample], dataset: str) -> tuple[Sample, ...]:
    """Give the samples of a data set; where there are none, the first of each class of all of them."""
    of_set = tuple(sample for sample in samples if sample.dataset == dataset)
    return of_set or tuple({(sample.dataset, sample.label): sample for sample in reversed(samples)}.values())[::-1]
