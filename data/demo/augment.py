"""Alters training pictures: random crop and mirror for a whole batch of one size; RandAugment and Mixup as the product.

Knows nothing of the crops that the product fine-tunes with, which are drawn for one picture of any size at a time.
"""

import jax
import jax.numpy as jnp
import numpy as np

from vit_core.datasets.mixing import mixup
from vit_core.datasets.rand_augment import OPERATIONS, rand_augment

__all__ = ["OPERATIONS", "mixup", "rand_augment", "random_crops", "random_mirrors"]


def random_crops(rng: np.random.Generator, images: np.ndarray, resolution: int, *, least_area: float) -> np.ndarray:
    """Cut a part out of each image of a batch and resize it as `vit_core.preprocess.to_model_input` does.

    Args:
        rng: decides the parts.
        images: uint8 [B, H, W, 3].
        resolution: side of the result in pixels.
        least_area: share of an image that is kept at least; sides are 3:4 to 4:3.

    Returns:
        uint8 [B, resolution, resolution, 3].
    """
    B, H, W, _ = images.shape
    area = rng.uniform(least_area, 1, B) * H * W
    ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3), B))
    high = np.minimum(np.rint(np.sqrt(area / ratio)), H).astype(int)
    wide = np.minimum(np.rint(np.sqrt(area * ratio)), W).astype(int)
    rows = _bilinear(rng.integers(0, H - high + 1), high, H, resolution)
    columns = _bilinear(rng.integers(0, W - wide + 1), wide, W, resolution)
    return np.asarray(_resample(images, rows, columns))


def random_mirrors(rng: np.random.Generator, images: np.ndarray) -> np.ndarray:
    """Swap left and right in about half of the images [B, H, W, 3]."""
    return np.where(rng.random(len(images))[:, None, None, None] < 0.5, images, images[:, :, ::-1])


def _bilinear(start: np.ndarray, size: np.ndarray, side: int, resolution: int) -> np.ndarray:
    """Give the weights [B, resolution, side] of the pixels `start` to `start + size` in each pixel of the result."""
    position = (np.arange(resolution) + 0.5) * (size / resolution)[:, None] - 0.5
    position = start[:, None] + np.clip(position, 0, (size - 1)[:, None])
    return np.maximum(1 - np.abs(position[:, :, None] - np.arange(side)), 0).astype(np.float32)


@jax.jit
def _resample(images: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    mixed = jnp.einsum("brh,bhwc,bsw->brsc", rows, images.astype(jnp.float32), columns)
    return jnp.rint(mixed).astype(jnp.uint8)
