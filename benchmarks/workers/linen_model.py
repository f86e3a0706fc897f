"""The original's models as one would write them with Flax Linen: plain modules under `jax.jit`. Ours, nobody's copy.

Stands for vit_jax, with TensorFlow and its input pipeline left out. Module names are those of the published files, so
that parameters are the file's arrays as they are.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

Params = dict[str, Any]


class Mlp(nn.Module):
    """Two dense layers with GELU between."""

    hidden: int

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Keep the shape."""
        width = tokens.shape[-1]
        tokens = nn.gelu(nn.Dense(self.hidden, name="Dense_0")(tokens))
        return nn.Dense(width, name="Dense_1")(tokens)


class Block(nn.Module):
    """Attention and an MLP, each on normalised tokens and added."""

    heads: int
    hidden: int

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Keep the shape."""
        normed = nn.LayerNorm(name="LayerNorm_0")(tokens)
        attention = nn.MultiHeadDotProductAttention(num_heads=self.heads, name="MultiHeadDotProductAttention_1")
        tokens = tokens + attention(normed, normed)
        return tokens + Mlp(self.hidden, name="MlpBlock_3")(nn.LayerNorm(name="LayerNorm_2")(tokens))


class Encoder(nn.Module):
    """Position embeddings, blocks, a last normalisation."""

    layers: int
    heads: int
    hidden: int

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Keep the shape."""
        tokens = Positions(name="posembed_input")(tokens)
        for index in range(self.layers):
            tokens = Block(self.heads, self.hidden, name=f"encoderblock_{index}")(tokens)
        return nn.LayerNorm(name="encoder_norm")(tokens)


class Positions(nn.Module):
    """Learnt embeddings of the places."""

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Keep the shape."""
        return tokens + self.param("pos_embedding", nn.initializers.normal(0.02), (1, *tokens.shape[1:]))


class StandardisedConv(nn.Module):
    """The 7 x 7 convolution of the hybrids, its kernel standardised."""

    features: int

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Halve height and width."""
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (7, 7, images.shape[-1], self.features))
        kernel = kernel - kernel.mean((0, 1, 2))
        kernel = kernel / (kernel.std((0, 1, 2)) + 1e-5)
        return jax.lax.conv_general_dilated(images, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


class VisionTransformer(nn.Module):
    """Images [B, H, W, 3] in [-1, 1] to logits [B, K]; with the stem of R+Ti/16 where asked for."""

    patch_size: int
    hidden_size: int
    layers: int
    heads: int
    hidden: int
    num_classes: int
    has_stem: bool

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Classify by the class token."""
        if self.has_stem:
            images = StandardisedConv(64, name="conv_root")(images)
            images = nn.relu(nn.GroupNorm(num_groups=32, name="gn_root")(images))
            images = nn.max_pool(images, (3, 3), (2, 2), "SAME")
        size = (self.patch_size, self.patch_size)
        maps = nn.Conv(self.hidden_size, size, strides=size, padding="VALID", name="embedding")(images)
        tokens = maps.reshape(len(maps), -1, self.hidden_size)
        cls = self.param("cls", nn.initializers.zeros, (1, 1, self.hidden_size))
        tokens = jnp.concatenate([jnp.tile(cls, (len(tokens), 1, 1)), tokens], axis=1)
        tokens = Encoder(self.layers, self.heads, self.hidden, name="Transformer")(tokens)
        return nn.Dense(self.num_classes, name="head")(tokens[:, 0])


class MixerBlock(nn.Module):
    """An MLP over the places and one over the width."""

    tokens_hidden: int
    hidden: int

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Keep the shape."""
        turned = nn.LayerNorm(name="LayerNorm_0")(tokens).swapaxes(1, 2)
        tokens = tokens + Mlp(self.tokens_hidden, name="token_mixing")(turned).swapaxes(1, 2)
        return tokens + Mlp(self.hidden, name="channel_mixing")(nn.LayerNorm(name="LayerNorm_1")(tokens))


class Mixer(nn.Module):
    """Images [B, H, W, 3] in [-1, 1] to logits [B, K], by the mean of all tokens."""

    patch_size: int
    hidden_size: int
    layers: int
    tokens_hidden: int
    hidden: int
    num_classes: int

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Classify."""
        size = (self.patch_size, self.patch_size)
        maps = nn.Conv(self.hidden_size, size, strides=size, padding="VALID", name="stem")(images)
        tokens = maps.reshape(len(maps), -1, self.hidden_size)
        for index in range(self.layers):
            tokens = MixerBlock(self.tokens_hidden, self.hidden, name=f"MixerBlock_{index}")(tokens)
        tokens = nn.LayerNorm(name="pre_head_layer_norm")(tokens)
        return nn.Dense(self.num_classes, name="head")(tokens.mean(axis=1))


def load_model(shape: dict[str, Any], npz: str) -> tuple[Callable[[Params, jax.Array], jax.Array], Params]:
    """Give the jitted forward pass and the file's parameters.

    Args:
        shape: `patch_size`, `hidden_size`, `num_layers`, `mlp_dim`, `num_heads`, `num_classes`, `tokens_mlp_dim` (None
            for a transformer) and `has_stem`.
        npz: a file in the published layout.
    """
    width = {"patch_size": shape["patch_size"], "hidden_size": shape["hidden_size"], "layers": shape["num_layers"]}
    width |= {"hidden": shape["mlp_dim"], "num_classes": shape["num_classes"]}
    model: nn.Module
    if shape["tokens_mlp_dim"]:
        model = Mixer(**width, tokens_hidden=shape["tokens_mlp_dim"])
    else:
        model = VisionTransformer(**width, heads=shape["num_heads"], has_stem=shape["has_stem"])
    params = jax.device_put(read_params(npz))

    @jax.jit
    def run(params: Params, images: jax.Array) -> jax.Array:
        logits: jax.Array = model.apply({"params": params}, images)
        return logits

    return run, params


def read_params(npz: str) -> Params:
    """Give the file's arrays as nested dictionaries."""
    tree: Params = {}
    with np.load(npz) as file:
        for name in file.files:
            *parents, last = name.split("/")
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            node[last] = file[name].reshape(-1) if parents == ["gn_root"] else file[name]
    return tree
