"""The Vision Transformer, plain or behind a ResNet: images in, logits and features out.

One module for all variants; what a variant lacks is not built (vit_jax/models_vit.py, arXiv 2010.11929 equations 1-4).
"""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from vit_core.models.config import ModelConfig
from vit_core.models.encoder import Output, run_blocks
from vit_core.models.layers import EncoderBlock, PatchEmbedding, layer_norm
from vit_core.models.map_head import MapHead
from vit_core.models.noise import Noise
from vit_core.models.resnet import ResNet


class VisionTransformer(nnx.Module):
    """Patches, position embeddings, encoder blocks, head."""

    def __init__(self, config: ModelConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        D, K = config.hidden_size, config.num_classes
        self.config = config
        self.resnet = ResNet(config.resnet, dtype=dtype) if config.resnet else None
        channels = config.resnet.out_channels if config.resnet else 3
        self.embedding = PatchEmbedding(config.patch_size, channels, D, dtype=dtype)
        self.cls = nnx.Param(jnp.zeros((1, 1, D))) if config.classifier == "token" else None
        self.pos_embedding = nnx.Param(jnp.zeros((1, config.num_positions, D)))
        self.blocks = nnx.List([EncoderBlock(config, dtype=dtype, rngs=rngs) for _ in range(config.num_layers)])
        self.norm = layer_norm(config, dtype=dtype, rngs=rngs)
        self.map_head = MapHead(config, dtype=dtype, rngs=rngs) if config.classifier == "map" else None
        R = config.representation_size
        self.pre_logits = nnx.Linear(D, R, rngs=rngs) if R else None
        self.head = nnx.Linear(config.num_features, K, rngs=rngs) if K else None

    def __call__(
        self,
        images: Float[Array, "B H W 3"],
        *,
        capture_attention: bool,
        noise: Noise | None = None,
        remat: bool = False,
    ) -> Output:
        """Classify images in [-1, 1], and show where each layer looked when asked."""
        tokens = self.embed(images)
        if noise is not None:
            tokens = noise.drop(tokens, site=0)
        tokens, attention = run_blocks(self.blocks, tokens, noise=noise, remat=remat)
        features = self.pool(self.norm(tokens))
        logits = features[:, :0] if self.head is None else self.head(features)
        return Output(logits, features, jnp.stack(attention, axis=1) if capture_attention else None)

    def embed(self, images: Float[Array, "B H W 3"]) -> Float[Array, "B N D"]:
        """Give the encoder's input: the class token, then the patches row by row, with positions added."""
        maps = self.resnet(images) if self.resnet is not None else images
        tokens = self.embedding(maps)
        positions = self.pos_embedding[...].astype(tokens.dtype)
        if not self.config.class_position:
            tokens = tokens + positions
        if self.cls is not None:
            cls = jnp.broadcast_to(self.cls[...].astype(tokens.dtype), (tokens.shape[0], 1, tokens.shape[-1]))
            tokens = jnp.concatenate([cls, tokens], axis=1)
        return tokens + positions if self.config.class_position else tokens

    def pool(self, tokens: Float[Array, "B N D"]) -> Float[Array, "B F"]:
        """Give the head's input, in float32: it is small, and it decides."""
        if self.map_head is not None:
            features = self.map_head(tokens)
        else:
            tokens = tokens.astype(jnp.float32)
            features = tokens[:, 0] if self.cls is not None else tokens.mean(axis=1)
        return features if self.pre_logits is None else jnp.tanh(self.pre_logits(features))
