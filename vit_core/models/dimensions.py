"""The numbers that decide a model's arrays, and what follows from them by arithmetic.

Knows strides, tokens and exact parameter counts. Knows no model by its name, and nothing of JAX or of files.
"""

import dataclasses
from typing import Literal

from vit_core.models.resnet_config import ResNetConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dimensions:
    """Everything that decides the arrays of a model and their shapes.

    Attributes:
        patch_size: side of a patch in pixels, or in cells of the ResNet's feature map for a hybrid.
        hidden_size: width D of the tokens.
        num_layers: encoder blocks.
        mlp_dim: width of the hidden layer of each block's MLP.
        num_heads: attention heads; 0 for an MLP-Mixer, which has none.
        num_classes: outputs K of the head; 0 for a model without a head.
        resolution: side of the square input in pixels.
        classifier: what the head reads: the class token ("token"), the mean of all tokens ("gap"), or what a learnt
            query finds in them ("map": the attention pooling of arXiv 2106.04560, `MAPHead` in big_vision).
        representation_size: width of the tanh layer before the head (`pre_logits`), or None without it.
        resnet: the convolutions of a hybrid, or None.
        tokens_mlp_dim: hidden width of the MLP over the patches, which makes the model an MLP-Mixer (arXiv 2105.01601):
            without heads, class token and position embeddings, and of one resolution. None for a transformer.
        qkv_bias: whether queries, keys and values have biases.
        qk_scale: what the products of queries and keys are multiplied by; None for 1 / sqrt(width of a head).
        norm_eps: added to the variance by each LayerNorm.
        activation: of the MLPs: the tanh approximation of GELU, as in the original, or the exact one.
        layer_scale: whether each branch of a block is multiplied, channel by channel, before it is added (LayerScale,
            arXiv 2103.17239; DeiT III, arXiv 2204.07118).
        class_position: whether the class token has a position embedding of its own, as in the original. Without, it
            comes to the patches after theirs are added (big_vision since 2022, DeiT III). Means nothing where there is
            no class token.
    """

    patch_size: int
    hidden_size: int
    num_layers: int
    mlp_dim: int
    num_heads: int
    num_classes: int = 1000
    resolution: int = 224
    classifier: Literal["token", "gap", "map"] = "token"
    representation_size: int | None = None
    resnet: ResNetConfig | None = None
    tokens_mlp_dim: int | None = None
    qkv_bias: bool = True
    qk_scale: float | None = None
    norm_eps: float = 1e-6
    activation: Literal["gelu_tanh", "gelu"] = "gelu_tanh"
    layer_scale: bool = False
    class_position: bool = True

    @property
    def is_mixer(self) -> bool:
        """Whether patches are mixed by an MLP in place of attention."""
        return self.tokens_mlp_dim is not None

    @property
    def stride(self) -> int:
        """Pixels per patch along a side, ResNet included; the resolution is a multiple of it."""
        return self.patch_size * (self.resnet.stride if self.resnet else 1)

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.resolution // self.stride

    @property
    def num_tokens(self) -> int:
        """Tokens N of the encoder: patches, and the class token where there is one."""
        return self.grid**2 + (self.classifier == "token")

    @property
    def num_positions(self) -> int:
        """Position embeddings: of the patches, and of the class token where it has one; none for an MLP-Mixer."""
        return 0 if self.is_mixer else self.grid**2 + (self.classifier == "token" and self.class_position)

    @property
    def num_features(self) -> int:
        """Width of the head's input."""
        return self.representation_size or self.hidden_size

    @property
    def num_params(self) -> int:
        """Exact number of parameters, position embeddings and head included."""
        D, K, R = self.hidden_size, self.num_classes, self.representation_size
        channels = self.resnet.out_channels if self.resnet else 3
        stem = self.resnet.num_params if self.resnet else 0
        embedding = self.patch_size**2 * channels * D + D
        positions = self.num_positions * D
        cls = D if self.classifier == "token" else 0
        # Attention pooling has a query of its own, attention with all biases, a LayerNorm and an MLP.
        pooling = D + _dense(D, D) * 4 + 2 * D + self._mlp_params if self.classifier == "map" else 0
        representation = _dense(D, R) if R else 0
        head = _dense(self.num_features, K) if K else 0
        outside = stem + embedding + positions + cls + 2 * D + pooling + representation + head
        norms, scales = 2 * 2 * D, 2 * D if self.layer_scale else 0
        return outside + self.num_layers * (self._mixing_params + self._mlp_params + norms + scales)

    @property
    def _mixing_params(self) -> int:
        """Of what lets the tokens of a block see each other."""
        D, N, T = self.hidden_size, self.num_tokens, self.tokens_mlp_dim
        if T is not None:
            return _dense(N, T) + _dense(T, N)
        return 4 * _dense(D, D) - (0 if self.qkv_bias else 3 * D)

    @property
    def _mlp_params(self) -> int:
        return _dense(self.hidden_size, self.mlp_dim) + _dense(self.mlp_dim, self.hidden_size)


def _dense(inputs: int, outputs: int) -> int:
    """Count the parameters of a layer with biases."""
    return inputs * outputs + outputs
