"""A checkpoint written out for other programs, as it is; the result of a run is copied whole."""

import shutil
from pathlib import Path

import jax

from vit_core.checkpoints.restore import Checkpoint, load_checkpoint
from vit_core.errors import BadInput, shorten
from vit_core.export.card import checkpoint_card, stablehlo_section
from vit_core.export.place import whole_folder
from vit_core.export.result import RESULT_FILES, is_result, write_model
from vit_core.export.snippet import load_snippet
from vit_core.export.stablehlo import check_stablehlo, write_stablehlo
from vit_core.export.timm import timm_problem
from vit_core.inference.labels import labels_for


def export_checkpoint(
    path: Path, target: Path, *, name: str, num_heads: int | None = None, stablehlo: bool = False
) -> tuple[str, ...]:
    """Write a checkpoint's folder, all or nothing.

    Args:
        path: the weights. Those of a finished run take the other files of its result along, as they are.
        target: the folder; not there yet, or empty.
        name: what the checkpoint is called; tells its classes and its origin.
        num_heads: attention heads, for a file that does not tell them.
        stablehlo: whether to write `model.stablehlo`, too, and a section on it in the card.

    Returns:
        What is unusual, as sentences.

    Raises:
        BadInput: `target` holds something already, or is a file; or the weights are too large for `model.stablehlo`.
        BadCheckpoint: the weights cannot be used.
        StorageFull: there is no room.
        Failure: the folder cannot be written, or too little memory is free for `model.stablehlo`.
    """
    check_empty(target)
    if is_result(path):
        checkpoint = load_checkpoint(path) if stablehlo else None
        with whole_folder(target, what="the model") as part:
            for file in filter(Path.is_file, map(path.with_name, RESULT_FILES)):
                shutil.copyfile(file, part / file.name)
            if checkpoint:
                _add_stablehlo(part, checkpoint)
        return ()
    checkpoint = load_checkpoint(path, num_heads=num_heads)
    if stablehlo:
        check_stablehlo(checkpoint.config)
    with whole_folder(target, what="the model") as part:
        notes = _write(part, checkpoint, path=path, name=name)
        if stablehlo:
            _add_stablehlo(part, checkpoint)
    return notes


def _write(folder: Path, checkpoint: Checkpoint, *, path: Path, name: str) -> tuple[str, ...]:
    """Write all but `model.stablehlo`."""
    model = checkpoint.config
    labels = labels_for(name, model.num_classes, file=path).names
    write_model(folder, model=model, params=checkpoint.params, labels=labels, name=name)
    trained = labels if _has_classes(checkpoint) else ()
    card = checkpoint_card(name=name, model=model, labels=trained, notes=checkpoint.notes)
    (folder / "README.md").write_text(card, encoding="utf-8")
    (folder / "load.py").write_text(load_snippet(has_classes=_has_classes(checkpoint)), encoding="utf-8")
    problem = timm_problem(model)
    return (*checkpoint.notes, *((f"There are no files for PyTorch: {problem}",) if problem else ()))


def _add_stablehlo(folder: Path, checkpoint: Checkpoint) -> None:
    model, has_classes = checkpoint.config, _has_classes(checkpoint)
    write_stablehlo(folder, model=model, params=checkpoint.params, has_classes=has_classes)
    section = stablehlo_section(model=model, has_classes=has_classes, jax_version=jax.__version__)
    with (folder / "README.md").open("a", encoding="utf-8") as card:
        card.write(section)


def _has_classes(checkpoint: Checkpoint) -> bool:
    return checkpoint.head == "kept"


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
