"""Position embeddings: for another input size, and the fixed ones that no file holds."""

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


def sincos_posemb(grid: int, width: int) -> Float32[np.ndarray, "1 N D"]:
    """Give the fixed embeddings of big_vision's models with "sincos2d" positions; a class token has none.

    For column `x` and row `y` of a patch: sin(x w), cos(x w), sin(y w), cos(y w) with the `width / 4` frequencies
    `w` from 1 down to 1 / 10000 in equal ratios (big_vision/models/vit.py, `posemb_sincos_2d`; MoCo v3, arXiv
    2104.02057).

    Args:
        grid: patches a side.
        width: of the tokens, a multiple of 4 from 8 on.
    """
    omega = 10_000.0 ** -(np.arange(width // 4) / (width // 4 - 1))
    y, x = (axis.reshape(-1, 1) * omega for axis in np.mgrid[:grid, :grid])
    patches = np.concatenate([np.sin(x), np.cos(x), np.sin(y), np.cos(y)], axis=1)
    table: np.ndarray = patches[None].astype(np.float32)
    return table


def _linear_weights(old: int, new: int) -> np.ndarray:
    """Give the [new, old] matrix that interpolates linearly between `old` points; both ends stay."""
    at = np.linspace(0, old - 1, new) if new > 1 else np.zeros(1)
    weights: np.ndarray = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(old)[None, :]))
    return weights
