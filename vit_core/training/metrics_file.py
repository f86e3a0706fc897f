"""Reading `metrics.jsonl`, the curve of a run, while it is being written or after a crash. No JAX here."""

import json
import math
from collections.abc import Iterable
from pathlib import Path

from vit_core.errors import BadRun

LIMIT_BYTES = 8_000_000  # some 30,000 rows, more than a screen can show

Row = dict[str, float | int]


def read_metrics(path: Path, *, limit_bytes: int = LIMIT_BYTES) -> tuple[Row, ...]:
    """Give the rows of a run, by step.

    A run that was resumed repeats steps: the row written last counts. A line that is torn or no row is skipped, and
    so is a value that is no finite number.

    Args:
        path: the file; one that is not there yet has no rows.
        limit_bytes: of a longer file only so much of the end is read.

    Raises:
        BadRun: the file cannot be read.
    """
    try:
        data = _tail(path, limit_bytes)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BadRun(f"The curve {str(path)!r} cannot be read: {error.strerror or error}.") from error
    return _by_step(_parse(line) for line in data.splitlines())


def _tail(path: Path, limit_bytes: int) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - limit_bytes)
        file.seek(start)
        data = file.read(limit_bytes)  # what is appended meanwhile can wait
    return data.partition(b"\n")[2] if start else data


def _parse(line: bytes) -> Row | None:
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(plain, dict):
        return None
    row = {name: value for name, value in plain.items() if _is_number(value)}
    step = row.get("step")
    return row if isinstance(step, int) and step >= 0 else None


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _by_step(rows: Iterable[Row | None]) -> tuple[Row, ...]:
    last = {row["step"]: row for row in rows if row is not None}
    return tuple(last[step] for step in sorted(last))
