"""Writes `benchmarks/README.md` from `benchmarks/results/*.json`: `python -m benchmarks.table`."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.answers import answers
from benchmarks.growth import EXPONENT
from benchmarks.results_index import Results, read_results
from benchmarks.targets import Target, targets
from vit_core.export.markdown import table

FOLDER = Path(__file__).resolve().parent
INTRODUCTION = (FOLDER / "introduction.md").read_text()
_ORDER = (
    "infer",
    "train",
    "start",
    "load",
    "files",
    "decode",
    "catalog",
    "pages",
    "sessions",
    "gpu",
    "growth",
    "floors",
)


def main(words: Sequence[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=FOLDER / "results", help="folder of result files")
    parser.add_argument("--to", type=Path, default=FOLDER / "README.md", help="the page")
    parsed = parser.parse_args(words)
    parsed.to.write_text(page(read_results(parsed.results)))
    print(parsed.to)


def page(results: Results) -> str:
    """Give the whole page: introduction, aims and whether they are met, all figures."""
    parts = [INTRODUCTION.strip(), "## Aims", _aims(list(targets()), results), *_reasons(results), *_growth(results)]
    for _, result in sorted(results.files.items(), key=lambda item: _place(item[0], item[1])):
        parts += [f"## {_cell(result['bench'])}: {_cell(result['subject'])}", _circumstances(result), _rows(result)]
    return "\n\n".join(parts) + "\n"


def _aims(aims: Sequence[Target], results: Results) -> str:
    rows = []
    for target in aims:
        figure = target.measure(results)
        sign = "" if target.more else "at most "
        must = f"{sign}{target.must:g} {target.unit}" if target.must or not target.more else ""
        stretch = "" if target.stretch is None else f"{target.stretch:g} {target.unit}"
        rows.append(
            (
                _cell(target.what),
                must,
                stretch,
                "" if figure is None else f"{figure:.3g} {target.unit}",
                target.verdict(results) if must or figure is None or target.verdict(results) == "stretch" else "",
            )
        )
    return table(("aim", "must", "stretch", "measured", ""), rows)


def _reasons(results: Results) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for target, reason in answers(list(targets()), results):
        reasons.setdefault(reason or "No reason was found yet.", []).append(target.what)
    if reasons:
        yield "## What was not reached, and why"
        yield "\n".join(f"- **{'; '.join(aims)}.** {reason}" for reason, aims in reasons.items())


def _growth(results: Results) -> Iterator[str]:
    rows = [
        (_cell(row["task"].removesuffix(EXPONENT)), _cell(result["subject"]), f"{row['median']:.2f}")
        for _, result in sorted(results.files.items())
        if result["bench"] == "growth"
        for row in result["rows"]
        if row["task"].endswith(EXPONENT) and "answers within" not in row["task"]
    ]
    if rows:
        yield "## How cost grows"
        yield (
            "The power of the size that a cost grows with, over the larger half of the sizes, where what is fixed "
            "weighs least: 1 is linear, less is better. With the side of an image in pixels, its area grows with the "
            "power of 2, and its arithmetic with more, since attention compares all pairs of tokens; a GFLOP should "
            f"take as long at any size, a power of 0.{_visitors(results)}"
        )
        yield table(("cost", "of", "power"), rows)


def _visitors(results: Results) -> str:
    """Say what one process computes when many ask; "" where so many were not measured."""
    within = {
        count: results.median("growth-sessions", f"half of the answers within, {count} sessions")
        for count in (50, 100, 200)
    }
    if None in within.values() or "sessions" not in results.files:
        return ""
    think_s = float(results.files["sessions"]["options"]["think_s"])
    told = ", ".join(f"{seconds:.2g} s of {count}" for count, seconds in within.items())
    most = max(count / (think_s + (seconds or 0.0)) for count, seconds in within.items())
    return (
        f" Of visitors who click every {think_s:g} seconds, half of the clicks are answered within {told} at once. "
        f"That is {most:.0f} pages a second at most, beside a process that classifies; who asks for more waits in a "
        "queue, which is no power of anything and not in this table."
    )


def _cell(text: str) -> str:
    """Keep a text within its cell."""
    return text.replace("|", "\\|")


def _place(name: str, result: Mapping[str, Any]) -> tuple[int, str]:
    bench = result["bench"]
    return _ORDER.index(bench) if bench in _ORDER else len(_ORDER), name


def _circumstances(result: Mapping[str, Any]) -> str:
    measured = result["measured"]
    load = measured["load_average"]
    versions = {**measured["versions"], **measured.get("peers", {})}
    device = f" and {measured['device']}" if measured.get("device", "CPU") != "CPU" else ""
    commit = f", commit {measured['commit']}" if measured.get("commit") else ""
    busy = measured.get("others_busy_percent")
    others = f", other programs {busy[0]:.0f} % before and {busy[1]:.0f} % after" if busy else ""
    spread = measured.get("spread", "quartiles over windows")
    cores = measured.get("threads", measured["cores"])
    return (
        f"{measured['at'][:10]}, {cores} cores of {measured['cpu']}{device}, "
        f"load average {load['before'][0]:g} before and {load['after'][0]:g} after{others}{commit}; "
        f"medians and {spread}; "
        f"{_cell(', '.join(f'{name} {version}' for name, version in versions.items()))}."
    )


def _rows(result: Mapping[str, Any]) -> str:
    return table(("", "median", "spread", "unit", "of what is possible", ""), list(_cells(result["rows"])))


def _cells(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        task = _cell(row["task"])
        if "refused" in row:
            yield task, "no result", "", "", "", _cell(row["refused"])
            continue
        share = f"{100 * row['share']:.0f} % of {_cell(row['ceiling'])}" if "share" in row else ""
        between = f"{row['low']:.4g} to {row['high']:.4g}"
        yield task, f"{row['median']:.4g}", between, _cell(row["unit"]), share, _cell(row.get("note", ""))


if __name__ == "__main__":
    main()
