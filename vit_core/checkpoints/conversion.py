"""Our arrays to those of a file and back, by the table of a generation.

Knows pieces, layouts, the class token's position and LayerScale; which arrays a model has is `restore`'s business.
"""

import re
from collections.abc import Mapping

import ml_dtypes
import numpy as np

from vit_core.checkpoints.layout import Shape
from vit_core.checkpoints.table import Generation, Piece, piece_at
from vit_core.models.config import square_side

_POSITIONS = "pos_embedding"
_SCALE = re.compile(r"blocks/\d+/layer_scale[12]/scale")
_SCALED_LAYERS = {"1": "/attention/out", "2": "/mlp/dense2"}


def to_file(generation: Generation, flat: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the arrays of a file of this generation; many are views, so a writer has to put them into C order.

    Args:
        generation: the table.
        flat: our arrays by path.

    Raises:
        ValueError: the table has no name for one of them.
    """
    if "cls" in flat:
        flat = _with_class_position(generation, flat)
    parts: dict[str, list[tuple[Piece, np.ndarray]]] = {}
    for path, array in flat.items():
        piece = piece_at(generation, path)
        if piece is None:
            raise ValueError(f"Files of {generation.name} have no name for {path!r}.")
        parts.setdefault(piece.name, []).append((piece, piece.row.layout.pack(array)))
    prefix = generation.prefixes[0]
    return {prefix + name: _join(found) for name, found in parts.items()}


def fits(piece: Piece, in_file: Shape, ours: Shape) -> bool:
    """Tell whether an array of the file has the shape that ours wants of it."""
    part = piece.shape_in_file(in_file)
    return piece.row.layout.fits(part, ours)


def from_file(piece: Piece, array: np.ndarray, ours: Shape) -> np.ndarray:
    """Give our array as float32 from the file's, of which it may be a part; a view where nothing has to be computed.

    Values past the range of float32 become infinite.

    Args:
        piece: where ours lies.
        array: the file's, of a shape that `fits`; whole numbers of 2 bytes are bfloat16.
        ours: the shape that comes out.
    """
    part = array.view(ml_dtypes.bfloat16) if array.dtype == np.uint16 else array
    if piece.row.pieces == "stacked":
        part = part[piece.index]
    elif piece.row.pieces == "joined":
        length = len(part) // piece.count
        part = part[piece.index * length : (piece.index + 1) * length]
    with np.errstate(over="ignore"):
        part = part.astype(np.float32, copy=False)
    return piece.row.layout.unpack(part, ours)


def without_layer_scale(flat: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the arrays of the same model without LayerScale: its factors are multiplied into the layers before them.

    Args:
        flat: our arrays by path, with or without LayerScale.
    """
    folded = dict(flat)
    for path in [path for path in flat if _SCALE.fullmatch(path)]:
        block, _, scale = path.rpartition("/layer_scale")
        layer = block + _SCALED_LAYERS[scale[0]]
        for part in ("/kernel", "/bias"):
            folded[layer + part] = flat[layer + part] * flat[path]  # the channels that come out are the last axis
        del folded[path]
    return folded


def _join(found: list[tuple[Piece, np.ndarray]]) -> np.ndarray:
    found = sorted(found, key=lambda entry: entry[0].index)
    arrays = [array for _, array in found]
    pieces = found[0][0].row.pieces
    if pieces is None:
        return arrays[0]
    return np.stack(arrays) if pieces == "stacked" else np.concatenate(arrays)


def _with_class_position(generation: Generation, flat: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Give the class token's position where the generation has it, adding up to the same.

    Added to the class token itself it is as `fix_old_checkpoints` of big_vision/models/vit.py does.
    """
    positions = flat[_POSITIONS]
    has_one = square_side(positions.shape[1]) is None
    if has_one and generation.class_position == "folded":
        return {**flat, "cls": flat["cls"] + positions[:, :1], _POSITIONS: positions[:, 1:]}
    if not has_one and generation.class_position == "whole":
        return {**flat, _POSITIONS: np.concatenate([np.zeros_like(positions[:, :1]), positions], axis=1)}
    return flat
