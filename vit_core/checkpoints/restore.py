"""Files of weights to parameters and back: recognised, renamed, checked as a whole, resized.

Knows the order of the steps; the steps themselves are in `npz` (bytes), `names` (names), `architecture` (shapes) and
`posemb` (input size).
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from vit_core.checkpoints import names
from vit_core.checkpoints.architecture import Shape, infer_config
from vit_core.checkpoints.npz import ArrayFile, Limits, open_npz
from vit_core.checkpoints.posemb import resize_posemb
from vit_core.checkpoints.writing import write_npz
from vit_core.errors import BadCheckpoint
from vit_core.models.build import Params, build, flatten, unflatten
from vit_core.models.config import ModelConfig
from vit_core.models.initialise import init_params

__all__ = ["Checkpoint", "init_params", "load_checkpoint", "read_config", "save_npz"]

_LISTED = 5  # of each kind of difference


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A model's architecture and weights.

    Attributes:
        config: read from the arrays, with the resolution asked for.
        params: float32 numpy arrays in the shape of `build(config)`'s parameters; views of the file where possible.
        head: "kept"; "zeroed" for files whose head was blanked on purpose; "missing" (then `config.num_classes` is 0).
        notes: sentences on what is unusual or was changed.
    """

    config: ModelConfig
    params: Params
    head: Literal["kept", "zeroed", "missing"]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Source:
    """A file whose names are understood: `published` gives the name in the file for each of our paths."""

    arrays: ArrayFile
    published: Mapping[str, str]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def shapes(self) -> dict[str, Shape]:
        return {path: self.arrays[name].shape for path, name in self.published.items()}


def read_config(path: str | Path, *, limits: Limits | None = None) -> ModelConfig:
    """Read the architecture of a file from the shapes of its arrays, without reading a weight.

    Raises:
        BadCheckpoint: no checkpoint, or of an unknown architecture.
    """
    return _config(_open(path, limits))


def load_checkpoint(path: str | Path, *, resolution: int | None = None, limits: Limits | None = None) -> Checkpoint:
    """Load a file of any name, for the input size it was trained on or another one.

    Args:
        path: a local `.npz` file in the published layout.
        resolution: side of the input in pixels; position embeddings are interpolated to it.
        limits: what is accepted of a file.

    Raises:
        BadCheckpoint: no checkpoint, or arrays missing, surplus, misshapen or not finite: all reported together.
        BadInput: the resolution does not suit the patch size.
    """
    source = _open(path, limits)
    stored = _config(source)
    config = stored if resolution is None else stored.with_resolution(resolution)
    flat = _read_all(source, {path: tuple(leaf.shape) for path, leaf in flatten(build(stored)[1]).items()})
    head, notes = _judge_head(flat)
    if config.grid != stored.grid:
        has_class_token = config.classifier == "token"
        flat["pos_embedding"] = resize_posemb(flat["pos_embedding"], config.grid, has_class_token=has_class_token)
        notes += (
            f"Position embeddings were interpolated from {stored.resolution} to {config.resolution} px "
            f"({stored.grid} x {stored.grid} to {config.grid} x {config.grid} patches).",
        )
    return Checkpoint(config, unflatten(flat), head, source.notes + notes)


def save_npz(path: str | Path, config: ModelConfig, params: Params) -> None:
    """Write parameters in the published layout; `numpy.load` and the original code read them.

    Args:
        path: where to; replaced at once when all is written.
        config: the architecture.
        params: arrays in the shape of `build(config)`'s parameters.

    Raises:
        ValueError: an array is missing, surplus or of another shape than the architecture wants.
    """
    expected, given = flatten(build(config)[1]), flatten(params)
    if different := set(expected) ^ set(given):
        raise ValueError(f"The parameters and {config.variant} differ in {sorted(different)}.")
    arrays = {}
    for ours, leaf in expected.items():
        value = np.asarray(given[ours], dtype=np.float32)
        if value.shape != leaf.shape:
            raise ValueError(f"{ours!r} has the shape {value.shape} instead of {leaf.shape}.")
        arrays[_published(ours)] = value.reshape(names.published_shape(names.VIT_JAX, ours, value.shape))
    write_npz(Path(path), arrays)


def _open(path: str | Path, limits: Limits | None) -> _Source:
    arrays = open_npz(path, limits=limits)
    generation = names.VIT_JAX
    prefix = names.find_prefix(generation, arrays)
    published, unknown, beside = {}, [], 0
    for name in arrays:
        if not name.startswith(prefix):
            beside += 1
        elif (ours := names.to_ours(generation, name[len(prefix) :])) is None:
            unknown.append(name)
        else:
            published[ours] = name
    notes = (
        (f"Left out for not being under {prefix!r}, where the weights are: {beside} of the arrays.",) if beside else ()
    )
    return _Source(arrays, published, tuple(unknown), notes)


def _config(source: _Source) -> ModelConfig:
    try:
        return infer_config(source.shapes)
    except BadCheckpoint as error:
        first = ", ".join(repr(name) for name in list(source.arrays)[:3]) or "nothing"
        raise BadCheckpoint(f"The file {str(source.arrays.path)!r} {error} It holds {first} …") from error


def _read_all(source: _Source, expected: Mapping[str, Shape]) -> dict[str, np.ndarray]:
    """Give the arrays as float32, or report every one that is missing, surplus, misshapen or not finite."""
    missing = [f"{_published(path)} {shape}" for path, shape in expected.items() if path not in source.published]
    surplus = [name for path, name in source.published.items() if path not in expected]
    misfits = {path: _misfit(source, path, shape) for path, shape in expected.items() if path in source.published}
    flat = {path: _read(source, path, expected[path]) for path, misfit in misfits.items() if misfit is None}
    differences = (
        ("missing", missing),
        ("not expected", [*surplus, *source.unknown]),
        ("not fitting", [misfit for misfit in misfits.values() if misfit is not None]),
        ("not finite", [source.published[path] for path, array in flat.items() if not _is_finite(array)]),
    )
    if any(items for _, items in differences):
        raise BadCheckpoint(
            f"The file {str(source.arrays.path)!r} cannot be used as the {_config(source).variant} that its arrays "
            f"suggest. " + "; ".join(_listing(kind, items) for kind, items in differences if items) + "."
        )
    return flat


def _misfit(source: _Source, path: str, shape: Shape) -> str | None:
    info = source.arrays[source.published[path]]
    wanted = names.published_shape(names.VIT_JAX, path, shape)
    if info.shape not in (shape, wanted):
        return f"{info.name} is {info.shape} instead of {wanted}"
    return None if info.dtype.kind in "fV" else f"{info.name} is {info.dtype} instead of floating-point"


def _published(path: str) -> str:
    return names.to_published(names.VIT_JAX, path) or path


def _listing(kind: str, items: list[str]) -> str:
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return f"{len(items)} {kind}: {', '.join(items[:_LISTED])}{more}"


def _read(source: _Source, path: str, shape: Shape) -> np.ndarray:
    """Give an array as float32; values past its range become infinite, which is reported later."""
    with np.errstate(over="ignore"):
        return source.arrays.read(source.published[path]).astype(np.float32, copy=False).reshape(shape)


def _is_finite(array: np.ndarray) -> bool:
    """One pass without a temporary: a sum is not finite when a term is not; only then look at each value."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def _judge_head(flat: Mapping[str, np.ndarray]) -> tuple[Literal["kept", "zeroed", "missing"], tuple[str, ...]]:
    if "head/kernel" not in flat:
        return "missing", ("This file has no head: it gives features, and no classes.",)
    if not flat["head/kernel"].any():
        return "zeroed", ("The head of this file is all zeros: every class is equally likely until it is fine-tuned.",)
    return "kept", ()
