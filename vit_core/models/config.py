"""The shape of a model: ONE table of published variants, and what follows from it by arithmetic.

Knows patch sizes, widths, depths, strides and exact parameter counts. Knows nothing of JAX, of files or of what a model
was trained on, so that pages and the command line can read it at no cost.
"""

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from vit_core.errors import BadInput, UnknownName, shorten

MAX_GRID = 64  # patches a side; attention is quadratic in their number squared, and no published model goes past 56


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """The convolutions before the patches of a hybrid.

    Attributes:
        num_blocks: bottleneck units in each stage; empty for the stem alone.
        width: channels of the stem; stage `i` has bottlenecks of `width * 2**i` and gives 4 times as many.
    """

    num_blocks: tuple[int, ...] = ()
    width: int = 64

    @property
    def stride(self) -> int:
        """Pixels per output cell along a side: stem and pooling halve, and so does each stage after the first."""
        return 4 << max(len(self.num_blocks) - 1, 0)

    @property
    def out_channels(self) -> int:
        """Channels of the last feature map."""
        return self.width << (len(self.num_blocks) + 1) if self.num_blocks else self.width

    @property
    def num_params(self) -> int:
        """Exact count of kernels (without biases) and of GroupNorm scales and biases."""
        total = 7 * 7 * 3 * self.width + 2 * self.width
        channels = self.width
        for stage, units in enumerate(self.num_blocks):
            features = self.width * 2**stage
            inner = features * features * 9 + features * 4 * features + 2 * (features + features + 4 * features)
            projection = channels * 4 * features + 2 * 4 * features
            total += channels * features + inner + projection
            total += (units - 1) * (4 * features * features + inner)
            channels = 4 * features
        return total


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that decides the arrays of a model and their shapes.

    Attributes:
        patch_size: side of a patch in pixels, or in cells of the ResNet's feature map for a hybrid.
        hidden_size: width D of the tokens.
        num_layers: encoder blocks.
        mlp_dim: width of the hidden layer of each block's MLP.
        num_heads: attention heads.
        num_classes: outputs K of the head; 0 for a model without a head.
        resolution: side of the square input in pixels.
        classifier: what the head reads: the class token ("token") or the mean of all tokens ("gap").
        representation_size: width of the tanh layer before the head (`pre_logits`), or None without it.
        resnet: the convolutions of a hybrid, or None.
    """

    patch_size: int
    hidden_size: int
    num_layers: int
    mlp_dim: int
    num_heads: int
    num_classes: int = 1000
    resolution: int = 224
    classifier: Literal["token", "gap"] = "token"
    representation_size: int | None = None
    resnet: ResNetConfig | None = None

    @property
    def variant(self) -> str:
        """The published name, such as "B/16", else "custom" with width x depth / stride."""
        return variant_of(self)

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
    def num_features(self) -> int:
        """Width of the head's input."""
        return self.representation_size or self.hidden_size

    @property
    def num_params(self) -> int:
        """Exact number of parameters, position embeddings and head included."""
        D, M, K, R = self.hidden_size, self.mlp_dim, self.num_classes, self.representation_size
        channels = self.resnet.out_channels if self.resnet else 3
        stem = self.resnet.num_params if self.resnet else 0
        embedding = self.patch_size**2 * channels * D + D
        tokens = self.num_tokens * D + (D if self.classifier == "token" else 0)
        block = 4 * (D * D + D) + (D * M + M + M * D + D) + 2 * 2 * D
        representation = D * R + R if R else 0
        head = self.num_features * K + K if K else 0
        return stem + embedding + tokens + self.num_layers * block + 2 * D + representation + head

    def with_resolution(self, resolution: int) -> "ModelConfig":
        """Give the same model for another input size.

        Raises:
            BadInput: not a multiple of the stride, or more than `MAX_GRID` patches a side.

        Example:
            >>> VARIANTS["B/16"].with_resolution(384).num_tokens
            577
        """
        grid = round(resolution / self.stride)
        if resolution <= 0 or resolution % self.stride:
            nearest = min(max(grid, 1), MAX_GRID) * self.stride
            raise BadInput(
                f"The resolution {resolution} is not a multiple of {self.stride}, the patch size of "
                f"{self.variant} in pixels; the nearest that is: {nearest}."
            )
        if grid > MAX_GRID:
            raise BadInput(
                f"The resolution {resolution} is too large for {self.variant}; "
                f"use at most {MAX_GRID * self.stride} ({MAX_GRID} patches a side)."
            )
        return dataclasses.replace(self, resolution=resolution)


# Width, depth, width of the MLP, heads. B, L and H: "An Image is Worth 16x16 Words" (arXiv 2010.11929) table 1;
# Ti and S: "How to train your ViT?" (arXiv 2106.10270).
_SIZES = {
    "Ti": (192, 12, 768, 3),
    "S": (384, 12, 1536, 6),
    "B": (768, 12, 3072, 12),
    "L": (1024, 24, 4096, 16),
    "H": (1280, 32, 5120, 16),
}


def _variant(size: str, patch_size: int, num_blocks: tuple[int, ...] | None = None) -> ModelConfig:
    hidden_size, num_layers, mlp_dim, num_heads = _SIZES[size]
    return ModelConfig(
        patch_size=patch_size,
        hidden_size=hidden_size,
        num_layers=num_layers,
        mlp_dim=mlp_dim,
        num_heads=num_heads,
        resnet=None if num_blocks is None else ResNetConfig(num_blocks=num_blocks),
    )


VARIANTS: Mapping[str, ModelConfig] = MappingProxyType(
    {
        # The ten of the AugReg collection.
        "Ti/16": _variant("Ti", 16),
        "S/32": _variant("S", 32),
        "S/16": _variant("S", 16),
        "B/32": _variant("B", 32),
        "B/16": _variant("B", 16),
        "B/8": _variant("B", 8),
        "L/16": _variant("L", 16),
        # Ti/16 after a stem that halves twice: 8 cells of 4 pixels are a stride of 32, whatever the name says.
        "R+Ti/16": _variant("Ti", 8, ()),
        "R26+S/32": _variant("S", 1, (2, 2, 2, 2)),
        "R50+L/32": _variant("L", 1, (3, 4, 6, 3)),
        # Further ones of the same code base (vit_jax/configs/models.py).
        "S/8": _variant("S", 8),
        "L/32": _variant("L", 32),
        "H/14": _variant("H", 14),
        "R26+B/32": _variant("B", 1, (2, 2, 2, 2)),
        # 3, 4, 9 and not ResNet-50's 3, 4, 6, 3: three stages give the stride of 16.
        "R50+B/16": _variant("B", 1, (3, 4, 9)),
    }
)
"""The published variants at 224 px with 1000 classes, by the name in papers and in the index."""


def variant(name: str) -> ModelConfig:
    """Look a variant up by its published name ("R26+S/32") or by its token in file names ("R26_S_32").

    Raises:
        UnknownName: no such variant; the message lists close ones.

    Example:
        >>> variant("R26_S_32").stride
        32
    """
    for known, config in VARIANTS.items():
        if name in (known, file_token(known)):
            return config
    raise UnknownName.among("model variant", shorten(name), VARIANTS)


def file_token(name: str) -> str:
    """Write a variant's name as the first part of a checkpoint's file name.

    Example:
        >>> file_token("R26+S/32")
        'R26_S_32'
    """
    return name.replace("+", "_").replace("/", "_")


def variant_of(config: ModelConfig) -> str:
    """Name an architecture: the published variant with these widths and depths, whatever its head and resolution.

    Example:
        >>> variant_of(ModelConfig(patch_size=4, hidden_size=64, num_layers=4, mlp_dim=128, num_heads=2))
        'custom 64x4/4'
    """
    for name, known in VARIANTS.items():
        if _trunk(known) == _trunk(config):
            return name
    prefix = "" if config.resnet is None else "R+"
    return f"custom {prefix}{config.hidden_size}x{config.num_layers}/{config.stride}"


def _trunk(config: ModelConfig) -> ModelConfig:
    return dataclasses.replace(config, num_classes=0, resolution=0, classifier="token", representation_size=None)


def square_side(count: int) -> int | None:
    """Give the side of a square grid of `count` patches, or None where that is no whole number.

    Example:
        >>> square_side(196), square_side(197)
        (14, None)
    """
    side = math.isqrt(max(count, 0))
    return side if side > 0 and side * side == count else None
