"""What a finished run leaves: weights in two layouts, class names, report, card and code, in one folder.

The folder is there when all of it is.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy

from vit_core.checkpoints.restore import save_npz
from vit_core.datasets.dataset import DataSet
from vit_core.export.card import model_card
from vit_core.export.place import whole_folder
from vit_core.export.snippet import load_snippet
from vit_core.export.timm import timm_config, timm_problem, to_timm
from vit_core.models.build import Params
from vit_core.models.config import ModelConfig
from vit_core.training.config import TrainConfig
from vit_core.training.report import Report, write_report

# All that a result can hold; a model that timm cannot build lacks two of them.
RESULT_FILES = (
    "README.md",
    "config.json",
    "labels.json",
    "load.py",
    "model.npz",
    "model.safetensors",
    "report.json",
)


def is_result(path: Path) -> bool:
    """Tell whether a file holds the weights of a finished run, by what lies beside it."""
    return path.name == "model.npz" and all(path.with_name(name).is_file() for name in ("labels.json", "report.json"))


def write_result(
    folder: Path, *, model: ModelConfig, params: Params, config: TrainConfig, dataset: DataSet, report: Report
) -> None:
    """Write `folder`/result, all or nothing; an older one is replaced.

    A model that timm cannot build has no model.safetensors and no config.json; the card says why.

    Args:
        folder: of the run.
        model: the architecture that was trained.
        params: its weights, in the shape of `build(model)`'s parameters.
        config: the settings of the run.
        dataset: what it learned from and was tested on.
        report: how the test went.

    Raises:
        StorageFull: there is no room.
        Failure: the folder cannot be written.
    """
    with whole_folder(folder / "result", what="the result") as part:
        write_model(part, model=model, params=params, labels=dataset.classes, name=folder.name)
        write_report(report, part / "report.json")
        card = model_card(name=folder.name, config=config, model=model, dataset=dataset, report=report)
        (part / "README.md").write_text(card, encoding="utf-8")
        (part / "load.py").write_text(load_snippet(), encoding="utf-8")


def write_model(folder: Path, *, model: ModelConfig, params: Params, labels: Sequence[str], name: str) -> None:
    """Write the weights in our layout and in timm's, and the names of the classes.

    Raises:
        OSError: the disk refused.
    """
    save_npz(folder / "model.npz", model, params)
    if timm_problem(model) is None:
        # The library needs its arrays in one piece, and to write the file here tells a full disk by its number.
        arrays = {name: np.ascontiguousarray(array) for name, array in to_timm(model, params).items()}
        content = safetensors.numpy.save(arrays, metadata={"format": "pt"})  # what PyTorch's loaders look for
        (folder / "model.safetensors").write_bytes(content)
        _write_json(folder / "config.json", timm_config(model, labels, name=name))
    _write_json(folder / "labels.json", list(labels))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
