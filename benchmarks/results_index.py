"""All result files, read once, and what is asked of them: a row, a ratio of two, window by window."""

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vit_core.bench.windows import Spread, spread

RESULTS = Path(__file__).resolve().parent / "results"


@dataclasses.dataclass(frozen=True)
class Results:
    """Files by name, without the ending.

    Attributes:
        files: what each holds: see `vit_core.bench.report.Report`.
    """

    files: Mapping[str, Mapping[str, Any]]

    def row(self, file: str, task: str) -> Mapping[str, Any] | None:
        """Give a row that has figures, or None where it was not measured or refused."""
        for row in self.files.get(file, {}).get("rows", ()):
            if row["task"] == task and "refused" not in row:
                found: Mapping[str, Any] = row
                return found
        return None

    def median(self, file: str, task: str) -> float | None:
        """Give the median of a row."""
        row = self.row(file, task)
        return None if row is None else float(row["median"])

    def ratio(self, file: str, ours: str, theirs: str) -> Spread | None:
        """Give how many times better ours is than theirs: of windows side by side, so that a load falls on both.

        Above 1 is better whatever the unit: for times it is theirs over ours.
        """
        one, other = self.row(file, ours), self.row(file, theirs)
        if one is None or other is None:
            return None
        pairs = list(zip(one["figures"], other["figures"], strict=False))
        if one["better"] == "less":
            return spread([b / a for a, b in pairs])
        return spread([a / b for a, b in pairs])

    def worst_ratio(self, file: str, ours: str, theirs: Sequence[str]) -> float | None:
        """Give the median ratio to the best of several; None where any of them lacks a figure, or ours does."""
        ratios = [self.ratio(file, ours, name) for name in theirs]
        known = [ratio.median for ratio in ratios if ratio is not None]
        return min(known) if known and len(known) == len(ratios) else None


def results_folder(text: str) -> Path:
    """Give the folder that a command was told to write results into, made where it is missing; for argparse.

    Before anything is measured: what took minutes should not be lost for want of a folder.
    """
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no folder that results can go to: {error.strerror}.") from error
    return path


def read_results(folder: Path = RESULTS) -> Results:
    """Read every result file of a folder."""
    return Results({path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))})
