"""Which saved state a run would go on from, as far as its files tell without reading the weights. No JAX here.

The training writes the states, see `vit_core.training.saved`: a folder named by the step, filled under another name and
then renamed. It compares checksums on reading, so a state that looks whole here can still be left out there.
"""

import zipfile
from pathlib import Path

from vit_core.runs.files import RunFiles

_ARRAYS = "state.npz"


def newest_saved_step(files: RunFiles) -> int | None:
    """Give the step of the newest saved state that looks whole; None where there is none."""
    try:
        names = [path.name for path in files.checkpoints.iterdir()]
    except OSError:  # none was saved yet; and what cannot be looked into cannot be gone on from
        return None
    steps = sorted((int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 19), reverse=True)
    return next((step for step in steps if _looks_whole(files.checkpoints / str(step) / _ARRAYS)), None)


def has_result(files: RunFiles) -> bool:
    """Tell whether the finished model is there, with its report."""
    return files.report.is_file() and (files.result / "model.npz").is_file()


def _looks_whole(path: Path) -> bool:
    """Tell whether the file has the end of an archive, which one that was cut lacks."""
    try:
        return zipfile.is_zipfile(path)
    except OSError:
        return False
