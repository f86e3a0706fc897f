"""What lies in a folder of runs beside the runs, and what of it nobody will miss."""

import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

NEW, GONE = ".new-", ".gone-"  # a run being made, and one being deleted
DATA = ".data"  # uploaded images, a folder for each upload
_UNUSED_DATA_S = 7 * 24 * 3600.0


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
            shutil.rmtree(path, ignore_errors=True)
    for path in sorted((runs_dir / DATA).glob("*")):
        # Of a page that was closed, or of runs that were deleted. A week, for who comes back.
        if time.time() - path.stat().st_mtime > _UNUSED_DATA_S and not _is_used(path, used):
            shutil.rmtree(path, ignore_errors=True)
            yield f"The uploaded images {path.name} were used by no run for a week and are deleted."


def _is_used(folder: Path, used: Collection[str]) -> bool:
    return any(Path(root).is_relative_to(folder) for root in used if root)
