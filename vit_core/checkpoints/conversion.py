"""Our arrays to those of a file and back, by the table of a generation.

Knows pieces, layouts and the class token's position; which arrays a model has is `restore`'s business.
"""

from collections.abc import Mapping

import ml_dtypes
import numpy as np

from vit_core.checkpoints.layout import Shape
from vit_core.checkpoints.table import Generation, Piece, piece_at

_POSITIONS = "pos_embedding"


def to_file(generation: Generation, flat: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the arrays of a file of this generation; many are views, so a writer has to put them into C order.

    Args:
        generation: the table.
        flat: our arrays by path.

    Raises:
        ValueError: the table has no name for one of them.
    """
    if generation.class_position == "folded" and "cls" in flat:
        flat = _fold(flat)
    parts: dict[str, list[tuple[Piece, np.ndarray]]] = {}
    for path, array in flat.items():
        piece = piece_at(generation, path)
        if piece is None:
            raise ValueError(f"Files of {generation.name} have no name for {path!r}.")
        parts.setdefault(piece.name, []).append((piece, piece.row.layout.pack(array)))
    prefix = generation.prefixes[0]
    return {prefix + name: _join(found) for name, found in parts.items()}


def fits(generation: Generation, piece: Piece, path: str, in_file: Shape, ours: Shape) -> bool:
    """Tell whether an array of the file has the shape that ours wants of it."""
    part = piece.shape_in_file(in_file)
    return piece.row.layout.fits(part, ours) or (_lacks_class_position(generation, path, part, ours))


def from_file(generation: Generation, piece: Piece, path: str, array: np.ndarray, ours: Shape) -> np.ndarray:
    """Give our array as float32 from the file's, of which it may be a part; a view where nothing has to be computed.

    Values past the range of float32 become infinite.

    Args:
        generation: the table.
        piece: where ours lies.
        path: ours.
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
    if _lacks_class_position(generation, path, part.shape, ours):
        return np.concatenate([np.zeros((1, 1, ours[2]), np.float32), part], axis=1)
    return piece.row.layout.unpack(part, ours)


def _join(found: list[tuple[Piece, np.ndarray]]) -> np.ndarray:
    found = sorted(found, key=lambda entry: entry[0].index)
    arrays = [array for _, array in found]
    pieces = found[0][0].row.pieces
    if pieces is None:
        return arrays[0]
    return np.stack(arrays) if pieces == "stacked" else np.concatenate(arrays)


def _fold(flat: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the class token's position to the class token itself (big_vision/models/vit.py, `fix_old_checkpoints`)."""
    positions = flat[_POSITIONS]
    return {**flat, "cls": flat["cls"] + positions[:, :1], _POSITIONS: positions[:, 1:]}


def _lacks_class_position(generation: Generation, path: str, part: Shape, ours: Shape) -> bool:
    """Tell whether the position of the class token is part of `cls` in this file."""
    can = path == _POSITIONS and generation.class_position != "whole"
    return can and part == (1, ours[1] - 1, ours[2])
