"""A file of weights, understood: whose names it follows, where each of our arrays lies, and what model that makes.

Reads no weight and brings no JAX, so that pages can ask.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from vit_core.checkpoints.architecture import infer_config, is_particular, usual_scaling
from vit_core.checkpoints.arrays import ArrayFile, Limits
from vit_core.checkpoints.beside import CONFIG_FILE, Told, read_beside
from vit_core.checkpoints.containers import open_arrays
from vit_core.checkpoints.generations.big_vision import TOWERS
from vit_core.checkpoints.layout import Shape
from vit_core.checkpoints.names import find_generation
from vit_core.checkpoints.others import other_family, other_shape
from vit_core.checkpoints.own_settings import apply_settings, is_setting
from vit_core.checkpoints.pixels import OURS, Scaling
from vit_core.checkpoints.table import Generation, Piece, pieces_of
from vit_core.errors import BadCheckpoint, UntoldHeads, shorten
from vit_core.models.config import MAX_GRID, ModelConfig

SINCOS_RESOLUTION = 224  # what big_vision trained its models with fixed positions for
_SCALARS = 2  # temperature and bias, which lie beside the towers
_POOLS = {"token": "token", "gap": "avg", "map": "map"}  # in timm's words


@dataclasses.dataclass(frozen=True)
class Source:
    """A file whose names are understood.

    Attributes:
        arrays: of the file.
        generation: the table that its names follow.
        prefix: what stands before them.
        pieces: where each of our arrays lies, by our paths.
        unknown: names that the table has no row for.
        config: the architecture, with the resolution that the file was made for.
        scaling: of the pixels that the weights are for, where it is another than ours.
        notes: what is unusual, as sentences.
    """

    arrays: ArrayFile
    generation: Generation
    prefix: str
    pieces: Mapping[str, Piece]
    unknown: tuple[str, ...]
    config: ModelConfig
    scaling: Scaling | None
    notes: tuple[str, ...]

    @property
    def has_fixed_positions(self) -> bool:
        """Whether the position embeddings are a table that is computed and not in the file."""
        return self.generation.sincos and "pos_embedding" not in self.pieces

    def name_of(self, path: str) -> str:
        """Give the name that one of our arrays of this file has in it."""
        return self.prefix + self.pieces[path].name


def recognise(
    path: str | Path,
    *,
    limits: Limits | None = None,
    num_heads: int | None = None,
    resolution: int | None = None,
) -> Source:
    """Understand a file.

    Args:
        path: a local file of any name.
        limits: what is accepted of it.
        num_heads: attention heads, where the file does not tell them.
        resolution: side of the input in pixels, for a file that fits any.

    Raises:
        BadCheckpoint: no file of weights, or of no known architecture; UntoldHeads where only its heads are unknown.
        BadInput: the number of heads does not suit the model.
    """
    arrays = open_arrays(path, limits=limits)
    generation, prefix = find_generation(arrays)
    pieces, unknown, beside = _sort(arrays, generation, prefix)
    notes = _beside_notes(prefix, beside)
    if prefix in TOWERS:
        notes = _tower_notes(pieces, beside, has_texts=any(name.startswith(_texts(prefix)) for name in arrays))
        pieces = {path: piece for path, piece in pieces.items() if not path.startswith("head/")}
    try:
        if problem := other_family(arrays):
            raise BadCheckpoint(problem)
        told = read_beside(arrays.path, origin=generation.origin)
        shapes = _shapes(arrays, prefix, pieces)
        if problem := other_shape(shapes):
            raise BadCheckpoint(problem)
        fixed = generation.sincos and "pos_embedding" not in shapes and "embedding/kernel" in shapes
        if fixed:
            shapes["pos_embedding"] = _fixed_shape(shapes, resolution)
        config = infer_config(
            shapes,
            num_heads=num_heads,
            told_heads=told.num_heads,
            generation=generation,
            # What is not told of a file from timm is taken as Google trained it.
            origin="transformers" if generation.origin == "transformers" else "google",
        )
        _check_pool(config, told)
        scaling = _scaling(config, told, generation)
        if is_particular(config):  # the table knows this model, and a tag would only be a guess
            told = told.without_guess()
        config = _settle(config, told)
        config = apply_settings(config, arrays)
    except UntoldHeads as error:  # its names are no riddle
        raise UntoldHeads(f"The file {str(arrays.path)!r} {error}") from error
    except BadCheckpoint as error:
        first = ", ".join(repr(name) for name in list(arrays)[:3]) or "nothing"
        raise type(error)(f"The file {str(arrays.path)!r} {error} It holds {first} …") from error
    notes += told.sentences + (_fixed_notes(config) if fixed else ()) + _scaling_notes(config, told, scaling)
    other = None if scaling is None or scaling.is_ours else scaling
    return Source(arrays, generation, prefix, pieces, unknown, config, other, notes)


def _sort(arrays: ArrayFile, generation: Generation, prefix: str) -> tuple[dict[str, Piece], tuple[str, ...], int]:
    """Give the pieces by our paths, the names without a row, and the number of arrays elsewhere."""
    pieces: dict[str, Piece] = {}
    unknown, beside = [], 0
    for name, info in arrays.items():
        if not name.startswith(prefix):
            beside += 1
        elif (found := pieces_of(generation, name[len(prefix) :], info.shape)) is not None:
            pieces |= found
        elif not is_setting(name):
            unknown.append(name)
    return pieces, tuple(unknown), beside


def _shapes(arrays: ArrayFile, prefix: str, pieces: Mapping[str, Piece]) -> dict[str, Shape]:
    """Give the shapes of our arrays, as far as the file tells them."""
    shapes = {}
    for path, piece in pieces.items():
        in_file = arrays[prefix + piece.name].shape
        shapes[path] = piece.row.layout.shape_of_ours(piece.shape_in_file(in_file))
    return shapes


def _fixed_shape(shapes: Mapping[str, Shape], resolution: int | None) -> Shape:
    """Give the shape of position embeddings that are computed; the message goes on from "The file …"."""
    kernel = shapes["embedding/kernel"]
    if len(kernel) != 4 or kernel[0] < 1 or kernel[3] % 4 or kernel[3] < 8:
        raise BadCheckpoint("has no position embeddings, and none can be computed for the width of its patches.")
    grid = SINCOS_RESOLUTION // kernel[0] if resolution is None else min(resolution // kernel[0], MAX_GRID)
    grid = max(grid, 1)  # `ModelConfig.with_resolution` refuses what is too large or too small
    return (1, grid**2, kernel[3])


def _check_pool(config: ModelConfig, told: Told) -> None:
    """Refuse a model that reads its tokens otherwise than its arrays suggest; goes on from "The file …"."""
    shown = _POOLS[config.classifier]
    if told.pool not in (None, shown):
        raise BadCheckpoint(
            f"is of a model with the global_pool {shorten(told.pool, 40)!r}, as {CONFIG_FILE} beside it says, and its "
            f"arrays are those of one with {shown!r}; such a model cannot be computed here."
        )


def _scaling(config: ModelConfig, told: Told, generation: Generation) -> Scaling | None:
    """Give what pixels were scaled by, None for Google's files, which all have ours; goes on from "The file …"."""
    if generation.origin == "google":
        return None
    published = usual_scaling(config) if generation.origin == "timm" else None
    scaling = told.scaling or published or OURS
    if config.resnet is not None and not scaling.is_ours:  # cannot be worked into the first layer
        raise BadCheckpoint(
            "is of a hybrid trained on pixels with another mean and deviation than 0.5, as the settings beside it say; "
            "its first convolution is standardised, so that this cannot be worked into it, and its answers would be "
            "wrong."
        )
    return scaling


def _scaling_notes(config: ModelConfig, told: Told, scaling: Scaling | None) -> tuple[str, ...]:
    if scaling is None:
        return ()
    notes = () if scaling.is_ours else (scaling.note,)
    if told.scaling is not None:
        return notes
    taken = "mean and deviation 0.5 are taken" if scaling.is_ours else f"it is taken as for {config.variant}"
    return (f"Nothing beside the file tells how its pixels are scaled; {taken}.", *notes)


def _settle(config: ModelConfig, told: Told) -> ModelConfig:
    return dataclasses.replace(
        config, activation=told.activation or config.activation, norm_eps=told.norm_eps or config.norm_eps
    )


def _beside_notes(prefix: str, beside: int) -> tuple[str, ...]:
    if not beside:
        return ()
    return (f"Left out for not being under {prefix!r}, where the weights are: {beside} of the arrays.",)


def _texts(prefix: str) -> str:
    """Give where the text tower lies beside an image tower."""
    return prefix.replace("img/", "txt/")


def _tower_notes(pieces: Mapping[str, Piece], beside: int, *, has_texts: bool) -> tuple[str, ...]:
    head = (
        " Its last layer, which leads to what texts are compared with, was left out, too."
        if ("head/kernel" in pieces)
        else ""
    )
    if has_texts:
        loaded = f"its image tower was loaded, for features, and the text tower was left out ({beside} arrays)"
    elif beside > _SCALARS:
        loaded = f"its image tower was loaded, for features, and the rest was left out ({beside} arrays)"
    else:  # CLIPPO, which reads texts as pictures of their letters
        loaded = "its one tower, for both, was loaded, for features"
    return (f"This is a model of pictures and texts: {loaded}.{head}",)


def _fixed_notes(config: ModelConfig) -> tuple[str, ...]:
    return (
        "The file has no position embeddings: the fixed table of sines and cosines was computed, for "
        f"{config.resolution} px.",
    )
