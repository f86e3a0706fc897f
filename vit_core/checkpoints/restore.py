"""Files of weights to parameters and back: recognised, renamed, checked as a whole, resized.

Knows the order of the steps; the steps themselves are in `containers` (bytes), `recognise` (names and shapes),
`conversion` (layouts) and `posemb` (input size).
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from vit_core.checkpoints.arrays import Limits
from vit_core.checkpoints.conversion import fits, from_file, to_file, without_layer_scale
from vit_core.checkpoints.generations.big_vision import BIG_VISION
from vit_core.checkpoints.generations.vit_jax import MIXER, VIT_JAX
from vit_core.checkpoints.layout import Shape
from vit_core.checkpoints.names import to_published
from vit_core.checkpoints.own_settings import settings_of
from vit_core.checkpoints.pixels import for_our_pixels
from vit_core.checkpoints.posemb import resize_posemb, sincos_posemb
from vit_core.checkpoints.recognise import Source, recognise
from vit_core.checkpoints.table import Generation
from vit_core.checkpoints.writing import write_npz
from vit_core.errors import BadCheckpoint, DamagedCheckpoint
from vit_core.models.config import ModelConfig
from vit_core.models.initialise import init_params
from vit_core.models.shapes import param_shapes
from vit_core.models.tree import Params, flatten, unflatten
from vit_core.store.checked import Checked

__all__ = ["Checkpoint", "init_params", "load_checkpoint", "published_generation", "read_config", "save_npz"]

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


def read_config(path: str | Path, *, limits: Limits | None = None, num_heads: int | None = None) -> ModelConfig:
    """Read the architecture of a file from the shapes of its arrays, without reading a weight.

    Args:
        path: a local file.
        limits: what is accepted of it.
        num_heads: attention heads, where the file does not tell them.

    Raises:
        BadCheckpoint: no checkpoint, or of an unknown architecture.
    """
    return recognise(path, limits=limits, num_heads=num_heads).config


def load_checkpoint(
    path: str | Path,
    *,
    resolution: int | None = None,
    limits: Limits | None = None,
    num_heads: int | None = None,
    checked: Checked | None = None,
) -> Checkpoint:
    """Load a file of any name, for the input size it was trained on or another one.

    Args:
        path: a local file in one of the known layouts: `.npz`, `.safetensors`, or a `checkpoint_N` of vit_jax.
        resolution: side of the input in pixels; position embeddings are interpolated to it.
        limits: what is accepted of a file.
        num_heads: attention heads, where the file does not tell them.
        checked: notes on files whose every byte was looked at before: checksums and values of those are taken as good,
            and this file is added to them. None looks at every byte.

    Raises:
        BadCheckpoint: no checkpoint, or arrays missing, surplus, misshapen or not finite: all reported together; as
            DamagedCheckpoint where a fresh copy of the file may help.
        BadInput: the resolution does not suit the patch size, or the heads do not suit the model.
    """
    identity = checked.identity(Path(path)) if checked else None
    source = recognise(path, limits=limits, num_heads=num_heads, resolution=resolution)
    is_noted = checked is not None and source.arrays.is_one_file and source.arrays.path == Path(path)
    # Of the file as it was before it was opened: another may have taken its place since.
    is_known = is_noted and checked is not None and identity is not None and checked.known_good(Path(path)) == identity
    if is_known:
        source.arrays.trust()
    stored = source.config
    config = stored if resolution is None else stored.with_resolution(resolution)
    flat = _read_all(source, param_shapes(stored), is_known=is_known)
    if checked is not None and is_noted and not is_known:
        checked.note(Path(path), identity)
    if source.scaling is not None:
        flat = for_our_pixels(flat, source.scaling)
    head, notes = _judge_head(flat)
    if config.grid != stored.grid:
        # The class token's position is kept, where it has one.
        has_class_token = config.classifier == "token" and config.class_position
        flat["pos_embedding"] = resize_posemb(flat["pos_embedding"], config.grid, has_class_token=has_class_token)
        notes += (
            f"Position embeddings were interpolated from {stored.resolution} to {config.resolution} px "
            f"({stored.grid} x {stored.grid} to {config.grid} x {config.grid} patches).",
        )
    return Checkpoint(config, unflatten(flat), head, source.notes + notes)


def save_npz(path: str | Path, config: ModelConfig, params: Params) -> None:
    """Write parameters in the published layout; `numpy.load` and the original code read them.

    The layout is vit_jax's, for attention pooling, which that has not, big_vision's. Neither has LayerScale, and so it
    is multiplied into the layers before it.

    Args:
        path: where to; replaced at once when all is written.
        config: the architecture.
        params: arrays in the shape of `build(config)`'s parameters.

    Raises:
        ValueError: an array is missing, surplus or of another shape than the architecture wants.
    """
    expected, given = param_shapes(config), flatten(params)
    if different := set(expected) ^ set(given):
        raise ValueError(f"The parameters and {config.variant} differ in {sorted(different)}.")
    flat = {}
    for ours, shape in expected.items():
        flat[ours] = np.asarray(given[ours], dtype=np.float32)
        if flat[ours].shape != shape:
            raise ValueError(f"{ours!r} has the shape {flat[ours].shape} instead of {shape}.")
    write_npz(Path(path), to_file(published_generation(config), without_layer_scale(flat)) | settings_of(config))


def published_generation(config: ModelConfig) -> Generation:
    """Give the table of names in which a model of this architecture was published."""
    if config.is_mixer:
        return MIXER
    return BIG_VISION if config.classifier == "map" else VIT_JAX


def _read_all(source: Source, expected: Mapping[str, Shape], *, is_known: bool) -> dict[str, np.ndarray]:
    """Give the arrays as float32, or report every one that is missing, surplus, misshapen or not finite."""
    computed = {"pos_embedding"} & expected.keys() if source.has_fixed_positions else set()
    wanted = {path: shape for path, shape in expected.items() if path not in computed}
    missing = [f"{_published(source, path)} {shape}" for path, shape in wanted.items() if path not in source.pieces]
    surplus = dict.fromkeys(source.name_of(path) for path in source.pieces if path not in wanted)
    misfits = {path: _misfit(source, path, shape) for path, shape in wanted.items() if path in source.pieces}
    flat = _read(source, {path: wanted[path] for path, misfit in misfits.items() if misfit is None})
    differences = (
        ("missing", missing),
        ("not expected", [*surplus, *source.unknown]),
        ("not fitting", [misfit for misfit in misfits.values() if misfit is not None]),
        ("not finite", [source.name_of(path) for path, array in flat.items() if not (is_known or _is_finite(array))]),
    )
    if any(items for _, items in differences):
        not_finite = differences[-1][1]
        kind = DamagedCheckpoint if not_finite else BadCheckpoint
        raise kind(
            f"The file {str(source.arrays.path)!r} cannot be used as the {source.config.variant} that its arrays "
            f"suggest. " + "; ".join(_listing(kind, items) for kind, items in differences if items) + "."
        )
    if computed:
        flat["pos_embedding"] = sincos_posemb(source.config.grid, source.config.hidden_size)
    return flat


def _misfit(source: Source, path: str, shape: Shape) -> str | None:
    piece, info = source.pieces[path], source.arrays[source.name_of(path)]
    if not fits(piece, info.shape, shape):
        told = piece.shape_in_file(info.shape)
        return f"{info.name} is {told} instead of {piece.row.layout.shape_in_file(shape)}"
    is_float = info.dtype.kind in "fV" or info.dtype == np.uint16  # bfloat16, which some programs write so
    return None if is_float else f"{info.name} is {info.dtype} instead of floating-point"


def _published(source: Source, path: str) -> str:
    """Give the name that an array would have in a file like this one."""
    name = to_published(source.generation, path)
    return path if name is None else name


def _listing(kind: str, items: list[str]) -> str:
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return f"{len(items)} {kind}: {', '.join(items[:_LISTED])}{more}"


def _read(source: Source, wanted: Mapping[str, Shape]) -> dict[str, np.ndarray]:
    """Give the arrays; one that holds several of ours is read once."""
    flat, whole = {}, dict[str, np.ndarray]()
    for path, shape in wanted.items():
        piece, name = source.pieces[path], source.name_of(path)
        array = whole[name] if name in whole else source.arrays.read(name)
        if piece.row.pieces:
            whole[name] = array
        flat[path] = from_file(piece, array, shape)
    return flat


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
