"""Writes the counted columns of `families.csv` anew: `python data/families/compute.py`. README.md has the sources.

Parameters, GFLOPs and the sizes that nobody printed follow from a row's architecture; everything else is as published.
"""

import csv
from pathlib import Path

from vit_core.catalog.families import COLUMNS, read_family
from vit_core.checkpoints.family_shape import family_shape
from vit_core.models.cost import gflops

TABLE = Path(__file__).resolve().parent / "families.csv"


def computed(row: dict[str, str]) -> dict[str, str]:
    """Give a row with its counted columns; they may be empty in the one that is given."""
    shape = family_shape(read_family(row | {"params": "0", "gflops": "0", "size_bytes": row["size_bytes"] or "0"}))
    row = row | {"params": str(shape.num_params), "gflops": f"{gflops(shape):.2f}"}
    return row | ({"size_bytes": str(4 * shape.num_params)} if row["size_source"] == "computed" else {})


def main() -> None:
    """Read the table, count, write it."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [computed(row) for row in csv.DictReader(file)]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
