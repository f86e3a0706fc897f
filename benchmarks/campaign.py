"""All of it within a time: `python -m benchmarks.campaign`, which is `make bench`.

Parts have a budget each. What would not fit is left out and said so; its older result stays.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.results_index import RESULTS, results_folder

ROOT = Path(__file__).resolve().parents[1]


class Part(NamedTuple):
    """A command and how long it may take.

    Attributes:
        name: of the part.
        words: after the interpreter's name; FOLDER stands for the folder of results.
        minutes: of its budget on two cores.
    """

    name: str
    words: tuple[str, ...]
    minutes: float


def parts() -> tuple[Part, ...]:
    """Give all parts in their order; the budgets add up to less than 25 minutes."""
    return (
        Part("catalog", ("-m", "vit_core", "bench", "catalog", "--to", "FOLDER/catalog.json"), 0.7),
        Part("load", ("-m", "vit_core", "bench", "load", "--to", "FOLDER/load.json", "--device", "cpu"), 0.8),
        Part("floors", ("-m", "benchmarks.floors", "--folder", "FOLDER"), 1.2),
        Part("pages", ("-m", "vit_core", "bench", "pages", "--to", "FOLDER/pages.json"), 1.2),
        Part("growth", ("-m", "benchmarks.growth", "--quick", "--folder", "FOLDER", "--budget-minutes", "5"), 5.0),
        Part("peers", ("-m", "benchmarks.peers", "--folder", "FOLDER", "--budget-minutes", "15"), 15.5),
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run the parts; gives 1 where one failed, after the others were run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[part.name for part in parts()], help="may repeat")
    parser.add_argument("--list", action="store_true", help="print parts, budgets and commands, and end")
    parser.add_argument("--folder", type=results_folder, default=RESULTS, help="where results go")
    parsed = parser.parse_args(words)
    chosen = [part for part in parts() if not parsed.only or part.name in parsed.only]
    print(f"{len(chosen)} parts, at most about {sum(part.minutes for part in chosen):.0f} minutes.", flush=True)
    failed = []
    for part in chosen:
        command = [sys.executable, *(word.replace("FOLDER", str(parsed.folder.absolute())) for word in part.words)]
        print(f"\n{part.name}, up to {part.minutes:g} minutes: python {' '.join(command[1:])}", flush=True)
        if parsed.list:
            continue
        began = time.monotonic()
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(part.name)
        print(f"{part.name} took {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    if failed:
        print(f"No result, or not every one, from: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
