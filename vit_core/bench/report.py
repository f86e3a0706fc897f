"""What a benchmark found: rows of figures, and the file that keeps them with what they were measured on."""

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from vit_core.bench.windows import Spread, spread

Better = Literal["more", "less"]
_DIGITS = 6  # significant; no clock here is better


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One figure, measured in several windows.

    Attributes:
        task: what was done, for people; unique in a report.
        unit: of the figures: "img/s", "s", "ms", "MB", "kB", "GFLOP/s".
        better: whether more is better, or less.
        figures: one per window.
        share: part of the measured ceiling that the median reaches; None where there is none.
        ceiling: what that ceiling is.
        refused: why this is no result, as a sentence; "" where it is one. Then there are no figures.
        note: a further fact, such as how far answers differ.
    """

    task: str
    unit: str
    better: Better
    figures: tuple[float, ...] = ()
    share: float | None = None
    ceiling: str = ""
    refused: str = ""
    note: str = ""

    @property
    def spread(self) -> Spread:
        """Median and quartiles over the windows."""
        return spread(self.figures)

    def to_plain(self) -> dict[str, object]:
        """Give what JSON holds of it."""
        plain: dict[str, object] = {"task": self.task, "unit": self.unit, "better": self.better}
        if self.refused:
            return plain | {"refused": self.refused}
        low, median, high = self.spread
        plain |= {"low": _short(low), "median": _short(median), "high": _short(high)}
        plain |= {"figures": [_short(figure) for figure in self.figures]}
        if self.share is not None:
            plain |= {"share": _short(self.share), "ceiling": self.ceiling}
        return plain | ({"note": self.note} if self.note else {})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """The rows of one benchmark and their circumstances.

    Attributes:
        bench: which one.
        subject: what was measured, for people.
        options: what it was told.
        measured: machine, versions, load and commit: see `vit_core.bench.conditions`.
        rows: the figures.
    """

    bench: str
    subject: str
    options: Mapping[str, object]
    measured: Mapping[str, object]
    rows: Sequence[Row]

    def to_plain(self) -> dict[str, object]:
        """Give what JSON holds of it."""
        return {
            "bench": self.bench,
            "subject": self.subject,
            "options": dict(self.options),
            "measured": dict(self.measured),
            "rows": [row.to_plain() for row in self.rows],
        }

    @property
    def has_results(self) -> bool:
        """Whether any row is one."""
        return any(not row.refused for row in self.rows)


def write_report(path: Path, report: Report) -> None:
    """Write the report as JSON, whole or not at all, in place of an older one.

    Raises:
        ValueError: no row is a result: such a file would be read as one.
        OSError: the folder is missing, or the disk is full.
    """
    if not report.has_results:
        raise ValueError(f"Nothing in the report {report.bench!r} is a result.")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(report.to_plain(), file, indent=2)
            file.write("\n")
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def with_share(row: Row, *, of: Sequence[float], ceiling: str, amount: float = 1.0) -> Row:
    """Add the part of a ceiling that a row reaches.

    Args:
        row: a rate.
        of: the ceiling's figures, measured in the same windows.
        ceiling: what it is, for people.
        amount: of the ceiling's unit in one of the row's: GFLOP in an image, say.
    """
    return dataclasses.replace(row, share=row.spread.median * amount / spread(of).median, ceiling=ceiling)


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
