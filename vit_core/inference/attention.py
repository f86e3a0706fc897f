"""Where a model looked: attention probabilities reduced to maps over the patches.

Written for use inside `jax.jit`, so that the [L, H, N, N] probabilities of an image never leave the device.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32

from vit_core.models.config import ModelConfig


class Attention(NamedTuple):
    """Maps over the h x w patches of the input (for a hybrid: over the cells of its last feature map).

    Attributes:
        heads: [B, L, H, h, w], what each head of each layer attends to. With a class token: its row of the softmax
            without its own column, so a map sums to 1 minus what the token gives to itself. Without one: the mean row
            of all patches, which sums to 1.
        rollout: [B, L, h, w], the same question asked through the layers up to and including each one: attention
            averaged over heads, half of it replaced by the identity for the residual path, multiplied from layer to
            layer (arXiv 2005.00928, section 3, equation 1). The last one is what is usually shown.
    """

    heads: Float32[Array | np.ndarray, "B L H h w"]
    rollout: Float32[Array | np.ndarray, "B L h w"]


def summarise(attention: Float[Array, "B L H N N"], config: ModelConfig) -> Attention:
    """Reduce softmax probabilities, row = query, to maps.

    The product of the rollout is needed for one row only (the class token's, or the mean row), so it is a chain of
    vectors through matrices: the rows of all layers start at their own layer and walk down together.
    """
    layers = [attention[:, layer] for layer in range(attention.shape[1])]
    heads = jnp.stack([_rows(probs, config) for probs in layers], axis=1)
    N = attention.shape[-1]
    start = _rows(jnp.broadcast_to(jnp.eye(N), (len(attention), N, N)), config, whole=True)[:, None]
    rows = start[:, :0]
    for probs in reversed(layers):
        step = 0.5 * probs.mean(axis=1) + 0.5 * jnp.eye(N)
        rows = jnp.concatenate([rows, start], axis=1) @ step
    rollout = rows[:, ::-1, N - config.grid**2 :]
    return Attention(_as_maps(heads, config), _as_maps(rollout, config))


def _rows(probs: Float[Array, "*B N N"], config: ModelConfig, *, whole: bool = False) -> Float[Array, "*B P"]:
    """Give the row that the head of the model reads, over the patches or over all tokens."""
    row = probs[..., 0, :] if config.classifier == "token" else probs.mean(axis=-2)
    return row if whole else row[..., probs.shape[-1] - config.grid**2 :]


def _as_maps(flat: Float[Array, "*B P"], config: ModelConfig) -> Float32[Array, "*B h w"]:
    return flat.reshape(*flat.shape[:-1], config.grid, config.grid).astype(jnp.float32)
