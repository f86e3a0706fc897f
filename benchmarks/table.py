"""Writes the tables of `benchmarks/README.md` from `benchmarks/results/*.json`: `python -m benchmarks.table`.

Every result file has "measured" (when and on what) and "milliseconds" (task -> lower quartile, median, upper quartile).
"""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
INTRODUCTION = """# Benchmarks

What the project's figures come from. Each file in `results/` names the machine it was measured on; compare rows of one
file, not files of different machines. This page is written by `python -m benchmarks.table`; `make bench` measures
again.
"""


def main() -> None:
    """Write the page."""
    parts = [INTRODUCTION]
    for path in sorted((FOLDER / "results").glob("*.json")):
        parts.append(_section(path.stem, json.loads(path.read_text())))
    (FOLDER / "README.md").write_text("\n".join(parts))


def _section(name: str, result: dict[str, dict]) -> str:
    measured = result["measured"]
    versions = ", ".join(f"{key} {measured[key]}" for key in ("python", "pandas", "numpy", "jax") if key in measured)
    load = measured["load_average"][0]
    lines = [
        f"## {name}",
        "",
        f"{measured['at'][:10]}, {measured['cores']} cores of {measured['cpu']}, load average {load}; {versions}; "
        f"medians of {measured['repeats']} runs and their quartiles.",
        "",
        "| task | ms | quartiles |",
        "|---|---|---|",
    ]
    for task, (low, median, high) in result["milliseconds"].items():
        lines.append(f"| {task.replace('|', chr(92) + '|')} | {median:.1f} | {low:.1f} to {high:.1f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
