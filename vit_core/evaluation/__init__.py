"""How right a checkpoint is on images whose classes are known: accuracy, calibration, classes, confusions, a report.

    from vit_core.evaluation import evaluate, write_report

    evaluation = evaluate("path/to/checkpoint.npz", "photos/")
    evaluation.top1, evaluation.top1_interval

The names at the border are imported on first use, so that reading figures never starts JAX.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vit_core.evaluation.figures import Evaluation
    from vit_core.evaluation.folder import write_report
    from vit_core.evaluation.measure import evaluate

__all__ = ["Evaluation", "evaluate", "write_report"]

_HOMES = {"Evaluation": "figures", "evaluate": "measure", "write_report": "folder"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"vit_core.evaluation.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vit_core.evaluation' has no attribute {name!r}")
