"""The pieces of the encoder: patch embedding, self-attention, MLP and the block that joins them.

Numbers are those of the original (vit_jax/models_vit.py) unless the configuration says else: LayerNorm with eps 1e-6,
tanh GELU, queries scaled by 1/sqrt(head width). Weights are float32; products run in `dtype`, and sums that decide the
result, LayerNorm statistics and softmax, stay in float32. Modules are built for their shapes alone: weights come from a
file or from `initialise`.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from vit_core.models.config import ModelConfig
from vit_core.models.noise import Noise


class PatchEmbedding(nnx.Module):
    """A convolution whose stride is its window, computed as one matrix product (twice as fast on a CPU)."""

    def __init__(self, patch_size: int, channels: int, features: int, *, dtype: jnp.dtype) -> None:
        shape = (patch_size, patch_size, channels, features)
        self.dtype = dtype
        self.kernel = nnx.Param(jnp.zeros(shape))
        self.bias = nnx.Param(jnp.zeros((features,)))

    def __call__(self, images: Float[Array, "B H W C"]) -> Float[Array, "B N D"]:
        """Turn images or feature maps into one token per patch, row by row; a remainder at the edge is cut off."""
        B, H, W, C = images.shape
        p = self.kernel.shape[0]
        h, w = H // p, W // p
        patches = images[:, : h * p, : w * p].reshape(B, h, p, w, p, C)
        patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(B, h * w, p * p * C)
        kernel = self.kernel[...].reshape(p * p * C, -1)
        return patches.astype(self.dtype) @ kernel.astype(self.dtype) + self.bias[...].astype(self.dtype)


class SelfAttention(nnx.Module):
    """Multi-head self-attention; kernels keep the published shapes [D, heads, head width]."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        D, heads = config.hidden_size, (config.num_heads, config.hidden_size // config.num_heads)
        self.dtype = dtype
        self.scale = heads[1] ** -0.5 if config.qk_scale is None else config.qk_scale
        self.query = nnx.LinearGeneral(D, heads, use_bias=config.qkv_bias, dtype=dtype, rngs=rngs)
        self.key = nnx.LinearGeneral(D, heads, use_bias=config.qkv_bias, dtype=dtype, rngs=rngs)
        self.value = nnx.LinearGeneral(D, heads, use_bias=config.qkv_bias, dtype=dtype, rngs=rngs)
        self.out = nnx.LinearGeneral(heads, D, axis=(-2, -1), dtype=dtype, rngs=rngs)

    def __call__(self, tokens: Float[Array, "B N D"]) -> tuple[Float[Array, "B N D"], Float[Array, "B H N N"]]:
        """Give the attended tokens and the probabilities (dropped by the compiler where nobody reads them)."""
        query, key, value = self.query(tokens), self.key(tokens), self.value(tokens)
        B, N, H, d = query.shape
        query, key, value = (_heads_first(array) for array in (query * self.scale, key, value))
        scores = jnp.einsum("bqd,bkd->bqk", query, key, preferred_element_type=jnp.float32)
        # Stopping the gradient at the maximum changes nothing: softmax does not depend on it.
        weights = jnp.exp(scores - jax.lax.stop_gradient(scores.max(axis=-1, keepdims=True)))
        total = weights.sum(axis=-1, keepdims=True)
        # Dividing the [N, d] product instead of the [N, N] weights saves a pass over the larger array.
        mixed = jnp.einsum("bqk,bkd->bqd", weights.astype(self.dtype), value, preferred_element_type=jnp.float32)
        mixed = (mixed / total).astype(self.dtype).reshape(B, H, N, d).transpose(0, 2, 1, 3)
        return self.out(mixed), (weights / total).reshape(B, H, N, N)


def _heads_first(array: Float[Array, "B N H d"]) -> Float[Array, "BH N d"]:
    B, N, H, d = array.shape
    return array.transpose(0, 2, 1, 3).reshape(B * H, N, d)


class Mlp(nnx.Module):
    """Two dense layers with a GELU between them."""

    def __init__(
        self,
        width: int,
        hidden_width: int,
        *,
        activation: Literal["gelu_tanh", "gelu"],
        first_site: int = 1,
        dtype: jnp.dtype,
        rngs: nnx.Rngs,
    ) -> None:
        self.is_approximate = activation == "gelu_tanh"
        self.first_site = first_site  # of `Noise`, where a block has two
        self.dense1 = nnx.Linear(width, hidden_width, dtype=dtype, rngs=rngs)
        self.dense2 = nnx.Linear(hidden_width, width, dtype=dtype, rngs=rngs)

    def __call__(self, tokens: Float[Array, "B N D"], noise: Noise | None = None) -> Float[Array, "B N D"]:
        """Transform each token on its own."""
        hidden = jax.nn.gelu(self.dense1(tokens), approximate=self.is_approximate)
        if noise is None:
            return self.dense2(hidden)
        hidden = noise.drop(hidden, site=self.first_site)
        return noise.drop(self.dense2(hidden), site=self.first_site + 1)


def layer_norm(config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """Make a LayerNorm over the width of the tokens."""
    return nnx.LayerNorm(config.hidden_size, epsilon=config.norm_eps, dtype=dtype, rngs=rngs)


class LayerScale(nnx.Module):
    """A factor for each channel of a branch (arXiv 2103.17239, equation 4)."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype) -> None:
        self.dtype = dtype
        self.scale = nnx.Param(jnp.ones((config.hidden_size,)))

    def __call__(self, branch: Float[Array, "B N D"]) -> Float[Array, "B N D"]:
        """Multiply."""
        return branch * self.scale[...].astype(self.dtype)


class EncoderBlock(nnx.Module):
    """Attention, then MLP, each on normalised tokens, scaled where the model does so, and added to what came in."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        self.norm1 = layer_norm(config, dtype=dtype, rngs=rngs)
        self.attention = SelfAttention(config, dtype=dtype, rngs=rngs)
        self.norm2 = layer_norm(config, dtype=dtype, rngs=rngs)
        self.mlp = Mlp(config.hidden_size, config.mlp_dim, activation=config.activation, dtype=dtype, rngs=rngs)
        self.layer_scale1 = LayerScale(config, dtype=dtype) if config.layer_scale else None
        self.layer_scale2 = LayerScale(config, dtype=dtype) if config.layer_scale else None

    def __call__(
        self, tokens: Float[Array, "B N D"], noise: Noise | None = None
    ) -> tuple[Float[Array, "B N D"], Float[Array, "B H N N"]]:
        """Give the next tokens and this block's attention probabilities."""
        attended, probs = self.attention(self.norm1(tokens))
        if self.layer_scale1 is not None:
            attended = self.layer_scale1(attended)
        if noise is not None:
            attended = noise.skip(noise.drop(attended, site=0), site=3)
        tokens = tokens + attended
        transformed = self.mlp(self.norm2(tokens), noise)
        if self.layer_scale2 is not None:
            transformed = self.layer_scale2(transformed)
        if noise is not None:
            transformed = noise.skip(transformed, site=4)
        return tokens + transformed, probs
