"""Position embeddings for another input size."""

import numpy as np
from jaxtyping import Float32

from vit_core.errors import BadInput
from vit_core.models.config import square_side


def resize_posemb(
    posemb: Float32[np.ndarray, "1 N D"], grid: int, *, has_class_token: bool
) -> Float32[np.ndarray, "1 M D"]:
    """Interpolate position embeddings to a grid of `grid` x `grid` patches; the class token's is kept.

    Linear between the old grid points, with the corners on the corners: what `scipy.ndimage.zoom(order=1)` does in the
    original (vit_jax/checkpoint.py, `load_pretrained`).

    Args:
        posemb: embeddings of a square grid, row by row, after the class token's where there is one.
        grid: patches a side.
        has_class_token: whether the first embedding belongs to the class token.

    Raises:
        BadInput: the patches are no square grid.
    """
    head, patches = posemb[:, : int(has_class_token)], posemb[0, int(has_class_token) :]
    old = square_side(len(patches))
    if old is None:
        raise BadInput(f"The position embeddings are for {len(patches)} patches, which is not a square grid.")
    if old == grid:
        return posemb
    weights = _linear_weights(old, grid)
    cells = patches.reshape(old, old, -1).astype(np.float64)
    cells = np.einsum("Yy,yxd->Yxd", weights, cells)
    cells = np.einsum("Xx,Yxd->YXd", weights, cells)
    resized = cells.reshape(1, grid * grid, -1).astype(np.float32)
    return np.concatenate([head, resized], axis=1)


def _linear_weights(old: int, new: int) -> np.ndarray:
    """Give the [new, old] matrix that interpolates linearly between `old` points; both ends stay."""
    at = np.linspace(0, old - 1, new) if new > 1 else np.zeros(1)
    weights: np.ndarray = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(old)[None, :]))
    return weights
