"""What lies in a folder of runs beside the runs, and what of it nobody will miss."""

import json
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

NEW, GONE = ".new-", ".gone-"  # a run being made, and one being deleted
DATA = ".data"  # uploaded images, a folder for each upload
HEAD = "head.json"  # in the folder of an upload: among others, the root of its images, which may be another folder
KEPT_DAYS = 7  # uploaded images that no run uses, since they were last opened
_DAY_S = 24 * 3600.0


def clear_leftovers(runs_dir: Path, *, used: Collection[str]) -> Iterator[str]:
    """Delete what killed processes left, and images that no run has used for a week; the caller holds the folder alone.

    Args:
        runs_dir: the folder of runs.
        used: the folders of images that runs refer to.

    Yields:
        A sentence on each deletion that somebody may wonder about.
    """
    for path in sorted(runs_dir.glob(".*")):
        if path.name.startswith((NEW, GONE)):
            _remove(path)
    # Of a page that was closed, or of runs that were deleted. A week, for who comes back.
    old = [path for path in sorted((runs_dir / DATA).glob("*")) if _age_s(path) > KEPT_DAYS * _DAY_S]
    kept = _kept(used, runs_dir / DATA, {path.name for path in old}) if old else frozenset()
    for path in old:
        if path.name not in kept:
            _remove(path)
            if not path.name.startswith("."):
                yield f"The uploaded images {path.name} were used by no run for a week and are deleted."


def _kept(used: Collection[str], data: Path, old: Collection[str]) -> frozenset[str]:
    """Give the names of the folders below `data` that are needed.

    A list of images that lie in another folder keeps that folder, and is kept itself while a run uses them.
    """
    by_runs = _names_of(used, data)
    roots = {path.name: _root_of(path) for path in data.glob("*") if not path.name.startswith(".")}
    lists = {name for name, root in roots.items() if _names_of((root,), data) & by_runs}
    return by_runs | lists | _names_of([root for name, root in roots.items() if name not in old], data)


def _root_of(folder: Path) -> str:
    """Give where the images of an upload lie, as its small file says; empty where that says nothing."""
    try:
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # unpacked by a command, which keeps no such file: its images lie in it
        return ""
    return str(head.get("root", "")) if isinstance(head, dict) else ""


def _age_s(path: Path) -> float:
    try:
        return 0.0 if path.is_symlink() else time.time() - path.stat().st_mtime  # a link is somebody's own doing
    except FileNotFoundError:  # its owner was through with it
        return 0.0


def _names_of(used: Collection[str], data: Path) -> frozenset[str]:
    """Give the names of the folders below `data` that hold one of `used`, however the way there was written."""
    names: set[str] = set()
    there = data.resolve()
    for root in filter(None, set(used)):
        for path, above in ((Path(root), data), (Path(root).resolve(), there)):
            if path.is_relative_to(above):
                names.update(path.relative_to(above).parts[:1])
    return frozenset(names)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
