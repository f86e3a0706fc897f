"""`export`: a checkpoint, or the result of a run, as a folder that other programs load."""

import argparse
from pathlib import Path

from vit_core.cli.download import fetch
from vit_core.cli.output import note, print_json
from vit_core.settings import Settings, parse_path
from vit_core.store.store import Store


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Write the folder and print the path of each file in it."""
    # JAX takes a second to import: not before the command is known to be this one.
    from vit_core.export.checkpoint import check_empty, export_checkpoint

    target = parse_path("--to", parsed.to).resolve()
    check_empty(target)
    store = Store(settings)
    fetch(store, parsed.checkpoint)
    with store.borrow(parsed.checkpoint) as path:
        notes = export_checkpoint(
            path, target, name=parsed.checkpoint, num_heads=parsed.num_heads, stablehlo=parsed.stablehlo
        )
    return _print(parsed.checkpoint, target, notes, style=parsed.format)


def _print(checkpoint: str, target: Path, notes: tuple[str, ...], *, style: str) -> int:
    files = [str(file) for file in sorted(target.iterdir())]
    if style == "json":
        print_json({"checkpoint": checkpoint, "folder": str(target), "files": files, "notes": list(notes)})
        return 0
    print("\n".join(files))
    for sentence in notes:
        note(sentence)
    return 0
