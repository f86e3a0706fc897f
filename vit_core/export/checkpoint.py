"""A checkpoint written out for other programs, as it is; the result of a run is copied whole."""

import shutil
from pathlib import Path

from vit_core.checkpoints.restore import load_checkpoint
from vit_core.errors import BadInput, shorten
from vit_core.export.card import checkpoint_card
from vit_core.export.place import whole_folder
from vit_core.export.result import RESULT_FILES, is_result, write_model
from vit_core.export.snippet import load_snippet
from vit_core.export.timm import timm_problem
from vit_core.inference.labels import labels_for


def export_checkpoint(path: Path, target: Path, *, name: str, num_heads: int | None = None) -> tuple[str, ...]:
    """Write a checkpoint's folder, all or nothing.

    Args:
        path: the weights. Those of a finished run take the other files of its result along, as they are.
        target: the folder; not there yet, or empty.
        name: what the checkpoint is called; tells its classes and its origin.
        num_heads: attention heads, for a file that does not tell them.

    Returns:
        What is unusual, as sentences.

    Raises:
        BadInput: `target` holds something already, or is a file.
        BadCheckpoint: the weights cannot be used.
        StorageFull: there is no room.
        Failure: the folder cannot be written.
    """
    check_empty(target)
    if is_result(path):
        with whole_folder(target, what="the model") as part:
            for file in filter(Path.is_file, map(path.with_name, RESULT_FILES)):
                shutil.copyfile(file, part / file.name)
        return ()
    checkpoint = load_checkpoint(path, num_heads=num_heads)
    labels = labels_for(name, checkpoint.config.num_classes, file=path)
    problem = timm_problem(checkpoint.config)
    notes = (*checkpoint.notes, *((f"There are no files for PyTorch: {problem}",) if problem else ()))
    with whole_folder(target, what="the model") as part:
        write_model(part, model=checkpoint.config, params=checkpoint.params, labels=labels.names, name=name)
        card = checkpoint_card(name=name, model=checkpoint.config, labels=labels.names, notes=checkpoint.notes)
        (part / "README.md").write_text(card, encoding="utf-8")
        (part / "load.py").write_text(load_snippet(), encoding="utf-8")
    return notes


def check_empty(target: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        BadInput: `target` holds something already, is a file, or cannot be read.
    """
    try:
        held = next(target.iterdir(), None)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{shorten(str(target), 300)!r} is no folder to write to: {error.strerror}.") from error
    if held is not None:
        raise BadInput(
            f"The folder {shorten(str(target), 300)!r} holds {shorten(held.name)!r} already; "
            "name an empty or a new one."
        )
