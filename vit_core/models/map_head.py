"""Attention pooling: one learnt query asks all tokens, and an MLP follows (`MAPHead` in big_vision/models/vit.py).

Source: "Scaling Vision Transformers" (arXiv 2106.04560), section 3.2, and "Set Transformer" (arXiv 1810.00825).
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from vit_core.models.config import ModelConfig
from vit_core.models.layers import Mlp, layer_norm


class ProbeAttention(nnx.Module):
    """Multi-head attention from one query; with biases and the plain scale, whatever the encoder has."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        D, heads = config.hidden_size, (config.num_heads, config.hidden_size // config.num_heads)
        self.dtype = dtype
        self.query = nnx.LinearGeneral(D, heads, dtype=dtype, rngs=rngs)
        self.key = nnx.LinearGeneral(D, heads, dtype=dtype, rngs=rngs)
        self.value = nnx.LinearGeneral(D, heads, dtype=dtype, rngs=rngs)
        self.out = nnx.LinearGeneral(heads, D, axis=(-2, -1), dtype=dtype, rngs=rngs)

    def __call__(self, probe: Float[Array, "1 D"], tokens: Float[Array, "B N D"]) -> Float[Array, "B D"]:
        """Give what the probe finds in the tokens of each image."""
        query, key, value = self.query(probe)[0], self.key(tokens), self.value(tokens)
        scaled = query * query.shape[-1] ** -0.5
        scores = jnp.einsum("hd,bnhd->bhn", scaled, key, preferred_element_type=jnp.float32)
        weights = jax.nn.softmax(scores, axis=-1).astype(self.dtype)
        return self.out(jnp.einsum("bhn,bnhd->bhd", weights, value))


class MapHead(nnx.Module):
    """Attention pooling, then an MLP on the normalised result, added to it."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        self.probe = nnx.Param(jnp.zeros((1, 1, config.hidden_size)))
        self.attention = ProbeAttention(config, dtype=dtype, rngs=rngs)
        self.norm = layer_norm(config, dtype=dtype, rngs=rngs)
        self.mlp = Mlp(config.hidden_size, config.mlp_dim, activation=config.activation, dtype=dtype, rngs=rngs)

    def __call__(self, tokens: Float[Array, "B N D"]) -> Float[Array, "B D"]:
        """Give one vector per image, in float32."""
        found = self.attention(self.probe[...][0], tokens)
        transformed = self.mlp(self.norm(found)[:, None])[:, 0]
        return (found + transformed).astype(jnp.float32)
