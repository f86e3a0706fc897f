"""Mixup: two pictures and their targets blended into one (arXiv 1710.09412)."""

import numpy as np
from jaxtyping import Float32, UInt8


def mixup(
    rng: np.random.Generator,
    images: UInt8[np.ndarray, "B H W 3"],
    targets: Float32[np.ndarray, "B K"],
    *,
    alpha: float,
) -> tuple[UInt8[np.ndarray, "B H W 3"], Float32[np.ndarray, "B K"]]:
    """Blend each image and target of a batch with those of its neighbour before it, one share for all."""
    share = draw_share(rng, alpha)
    return blend(images, np.roll(images, 1, axis=0), share), blend_targets(targets, share)


def draw_share(rng: np.random.Generator, alpha: float) -> np.float32:
    """Give the share that stays with the image itself: the larger part of a draw from Beta(alpha, alpha)."""
    share = np.float32(rng.beta(alpha, alpha))
    return max(share, 1 - share)


def blend(
    images: UInt8[np.ndarray, "*n H W 3"], others: UInt8[np.ndarray, "*n H W 3"], share: np.float32
) -> UInt8[np.ndarray, "*n H W 3"]:
    """Give `share` of the images plus the rest of the others."""
    mixed: np.ndarray = np.rint(share * images.astype(np.float32) + (1 - share) * others).astype(np.uint8)
    return mixed


def blend_targets(targets: Float32[np.ndarray, "B *K"], share: np.float32) -> Float32[np.ndarray, "B *K"]:
    """Give `share` of each row plus the rest of the row before it; the last row is before the first."""
    mixed: np.ndarray = share * targets + (1 - share) * np.roll(targets, 1, axis=0)
    return mixed
