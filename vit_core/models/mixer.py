"""The MLP-Mixer: patches mixed by an MLP over their places in place of attention; images in, logits and features out.

Numbers are those of the original (vit_jax/models_mixer.py, arXiv 2105.01601): tanh GELU, LayerNorm with eps 1e-6, no
class token, no position embeddings. What is blanked while training has the places of the transformer's blocks; the
chance to skip a branch is big_vision's (big_vision/models/mlp_mixer.py), dropout is not published for it.
"""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from vit_core.models.config import ModelConfig
from vit_core.models.encoder import Output, run_blocks
from vit_core.models.layers import Mlp, PatchEmbedding, layer_norm
from vit_core.models.noise import Noise


class MixerBlock(nnx.Module):
    """An MLP over the patches, then one over the width, each on normalised tokens and added to what came in."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        assert config.tokens_mlp_dim is not None  # noqa: S101 - what makes a model a Mixer
        self.norm1 = layer_norm(config, dtype=dtype, rngs=rngs)
        widths = config.num_tokens, config.tokens_mlp_dim
        self.token_mlp = Mlp(*widths, activation=config.activation, first_site=5, dtype=dtype, rngs=rngs)
        self.norm2 = layer_norm(config, dtype=dtype, rngs=rngs)
        self.mlp = Mlp(config.hidden_size, config.mlp_dim, activation=config.activation, dtype=dtype, rngs=rngs)

    def __call__(self, tokens: Float[Array, "B N D"], noise: Noise | None = None) -> tuple[Float[Array, "B N D"], None]:
        """Give the next tokens; there is no attention beside them."""
        mixed = self.token_mlp(self.norm1(tokens).swapaxes(1, 2), noise).swapaxes(1, 2)
        if noise is not None:
            mixed = noise.skip(mixed, site=3)
        tokens = tokens + mixed
        transformed = self.mlp(self.norm2(tokens), noise)
        if noise is not None:
            transformed = noise.skip(transformed, site=4)
        return tokens + transformed, None


class MlpMixer(nnx.Module):
    """Patches, mixer blocks, mean, head."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        self.config = config
        self.embedding = PatchEmbedding(config.patch_size, 3, config.hidden_size, dtype=dtype)
        self.blocks = nnx.List([MixerBlock(config, dtype=dtype, rngs=rngs) for _ in range(config.num_layers)])
        self.norm = layer_norm(config, dtype=dtype, rngs=rngs)
        self.head = nnx.Linear(config.hidden_size, config.num_classes, rngs=rngs) if config.num_classes else None

    def __call__(
        self,
        images: Float[Array, "B H W 3"],
        *,
        capture_attention: bool,
        noise: Noise | None = None,
        remat: bool = False,
    ) -> Output:
        """Classify images in [-1, 1]; `attention` is None even when asked for."""
        del capture_attention
        tokens = self.embedding(images)
        if noise is not None:
            tokens = noise.drop(tokens, site=0)
        tokens, _ = run_blocks(self.blocks, tokens, noise=noise, remat=remat)
        features = self.norm(tokens).astype(jnp.float32).mean(axis=1)
        logits = features[:, :0] if self.head is None else self.head(features)
        return Output(logits, features, None)
