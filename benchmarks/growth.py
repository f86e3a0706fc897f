"""How cost grows: `python -m benchmarks.growth` writes `results/growth-PART.json` with times, memory and exponents.

An exponent is the slope of the logarithm of a cost over that of the size, fitted to the larger half of the sizes, where
fixed costs weigh least: 1 is linear, below 1 better. Each part has a cap, so that it can be tried with little.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.growth_point import Point
from benchmarks.results_index import RESULTS, results_folder
from vit_core.bench.conditions import Conditions
from vit_core.bench.report import Report, Row, write_report

_LEAST = {"MB": 1.0}  # below it is the noise of the allocator


EXPONENT = ", exponent"  # how the task of a row that is one ends


class Part(NamedTuple):
    """One way to grow.

    Attributes:
        noun: of the sizes.
        sizes: all of them, ascending.
        quick: the largest of a quick run.
        quick_s: what that takes on two cores, about.
        run: measures, given the sizes and the folder of results.
    """

    noun: str
    sizes: tuple[int, ...]
    quick: int
    quick_s: float
    run: Callable[[Sequence[int], Path], Iterable[Point]]


def parts() -> dict[str, Part]:
    """Give the parts by name."""
    return {
        "batch": Part("images in a batch", (1, 2, 4, 8, 16, 32, 64, 128, 256), 32, 25, _batch),
        "resolution": Part("px", (224, 256, 288, 320, 384, 448, 512), 384, 25, _resolution),
        "rows": Part("rows of the index", (51_509, 257_545, 1_030_180, 5_150_900, 10_301_800), 1_030_180, 30, _rows),
        "images": Part("training images", (100, 1_000, 10_000, 100_000), 1_000, 15, _images),
        "runs": Part("runs", (10, 100, 1_000, 10_000), 1_000, 10, _runs),
        "sessions": Part("sessions", (1, 10, 50, 100, 200), 50, 150, _sessions),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Measure parts and write their results."""
    table = parts()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(table), help="may repeat")
    parser.add_argument("--quick", action="store_true", help="leave out the largest sizes")
    parser.add_argument("--cap", type=int, metavar="N", help="leave out sizes above this")
    parser.add_argument("--budget-minutes", type=float, default=float("inf"), help="begin nothing that would go past")
    parser.add_argument("--folder", type=results_folder, default=RESULTS, help="where results go")
    parsed = parser.parse_args(words)
    began = time.monotonic()
    for name, part in table.items():
        if parsed.only and name not in parsed.only:
            continue
        if time.monotonic() - began + part.quick_s > 60 * parsed.budget_minutes:
            print(f"{name}: left out, it takes about {part.quick_s:.0f} s and so many are not left.", flush=True)
            continue
        cap = parsed.cap or (part.quick if parsed.quick else part.sizes[-1])
        sizes = [size for size in part.sizes if size <= cap] or [part.sizes[0]]
        conditions = Conditions()
        points = list(part.run(sizes, parsed.folder))
        write_report(parsed.folder / f"growth-{name}.json", report(name, part.noun, points, conditions))
        for what, exponent in exponents(points).items():
            print(f"{name}: {what} grows with the power {exponent:.2f}, up to {sizes[-1]:,} {part.noun}", flush=True)
    return 0


def report(name: str, noun: str, points: Sequence[Point], conditions: Conditions) -> Report:
    """Make the report of a part: a row per size and figure, and one per exponent."""
    rows = [
        Row(task=f"{each.what}, {each.size:,} {noun}", unit=each.unit, better="less", figures=each.figures)
        for each in points
    ]
    rows += [
        Row(task=f"{what}{EXPONENT}", unit="power", better="less", figures=(value,))
        for what, value in exponents(points).items()
    ]
    return Report(
        bench="growth",
        subject=f"{name}, up to {max(each.size for each in points):,} {noun}",
        options={"part": name},
        measured=conditions.to_plain(),
        rows=rows,
    )


def exponents(points: Sequence[Point]) -> dict[str, float]:
    """Give the exponent of every figure that was measured at two sizes or more."""
    found = {}
    for what in dict.fromkeys(each.what for each in points):
        told = [each for each in points if each.what == what and each.median > _LEAST.get(each.unit, 0.0)]
        line = [(each.size, each.median) for each in told]
        if len(line) >= 2 + any(each.unit in _LEAST for each in told):  # two readings with noise give no slope
            found[what] = slope(line[min(len(line) // 2, len(line) - 2) :])
    return found


def slope(line: Sequence[tuple[float, float]]) -> float:
    """Fit the power by which the second of each pair grows with the first.

    Example:
        >>> round(slope([(1, 3), (10, 300), (100, 30_000)]), 6)
        2.0
    """
    x, y = ([math.log(pair[place]) for pair in line] for place in (0, 1))
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return above / sum((a - middle_x) ** 2 for a in x)


def _batch(sizes: Sequence[int], _: Path) -> Iterable[Point]:
    from benchmarks.growth_models import by_batch

    return by_batch(sizes)


def _resolution(sizes: Sequence[int], _: Path) -> Iterable[Point]:
    from benchmarks.growth_models import by_resolution

    return by_resolution(sizes)


def _rows(sizes: Sequence[int], _: Path) -> Iterable[Point]:
    from benchmarks.growth_data import by_rows

    return by_rows(sizes)


def _images(sizes: Sequence[int], _: Path) -> Iterable[Point]:
    from benchmarks.growth_data import by_images

    return by_images(sizes)


def _runs(sizes: Sequence[int], _: Path) -> Iterable[Point]:
    from benchmarks.growth_data import by_runs

    return by_runs(sizes)


def _sessions(sizes: Sequence[int], folder: Path) -> Iterable[Point]:
    from benchmarks.sessions import by_sessions

    return by_sessions(sizes, folder=folder)


if __name__ == "__main__":
    sys.exit(main())
