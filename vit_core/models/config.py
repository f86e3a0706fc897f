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
from vit_core.models.dimensions import Dimensions
from vit_core.models.resnet_config import ResNetConfig

__all__ = [
    "MAX_GRID",
    "VARIANTS",
    "ModelConfig",
    "ResNetConfig",
    "file_token",
    "square_side",
    "variant",
    "variant_of",
]

MAX_GRID = 64  # patches a side; attention is quadratic in their number squared, and no published model goes past 56


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig(Dimensions):
    """Everything that decides the arrays of a model and their shapes: its dimensions, and the names for them."""

    @property
    def variant(self) -> str:
        """The published name, such as "B/16", else "custom" with width x depth / stride."""
        return variant_of(self)

    def with_resolution(self, resolution: int) -> "ModelConfig":
        """Give the same model for another input size.

        Raises:
            BadInput: not a multiple of the stride, more than `MAX_GRID` patches a side, or another than its own for an
                MLP-Mixer, whose weights belong to the places of the patches.

        Example:
            >>> VARIANTS["B/16"].with_resolution(384).num_tokens
            577
        """
        if self.is_mixer:
            return self._with_own_resolution(resolution)
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

    def _with_own_resolution(self, resolution: int) -> "ModelConfig":
        if resolution != self.resolution:
            raise BadInput(
                f"The resolution {resolution} does not suit {self.variant}: an MLP-Mixer has weights for each place in "
                f"its grid of {self.grid} x {self.grid} patches; use its own resolution, {self.resolution}."
            )
        return self


# Width, depth, width of the MLP, heads. B, L and H: "An Image is Worth 16x16 Words" (arXiv 2010.11929) table 1;
# Ti and S: "How to train your ViT?" (arXiv 2106.10270).
_SIZES = {
    "Ti": (192, 12, 768, 3),
    "S": (384, 12, 1536, 6),
    "M": (512, 12, 2048, 8),  # of DeiT III alone; big_vision/models/vit.py has it, too
    "B": (768, 12, 3072, 12),
    "L": (1024, 24, 4096, 16),
    "H": (1280, 32, 5120, 16),
    # "Getting ViT in Shape" (arXiv 2305.13035) table 1; big_vision/models/vit.py, `decode_variant`.
    "So400m": (1152, 27, 4304, 16),
    # SigLIP 2 (arXiv 2502.14786), "g-opt"; timm/models/vision_transformer.py, `vit_giantopt_patch16_siglip_256`.
    "g-opt": (1536, 40, 6144, 16),
}


_EXACT_GELU: Literal["gelu"] = "gelu"  # PyTorch's own


# Width, depth, width of the channel MLP, width of the token MLP: "MLP-Mixer" (arXiv 2105.01601) table 1.
_MIXER_SIZES = {
    "S": (512, 8, 2048, 256),
    "B": (768, 12, 3072, 384),
    "L": (1024, 24, 4096, 512),
}


def _variant(
    size: str,
    patch_size: int,
    num_blocks: tuple[int, ...] | None = None,
    *,
    classifier: Literal["token", "gap", "map"] = "token",
) -> ModelConfig:
    hidden_size, num_layers, mlp_dim, num_heads = _SIZES[size]
    return ModelConfig(
        patch_size=patch_size,
        hidden_size=hidden_size,
        num_layers=num_layers,
        mlp_dim=mlp_dim,
        num_heads=num_heads,
        classifier=classifier,
        resnet=None if num_blocks is None else ResNetConfig(num_blocks=num_blocks),
    )


def _mixer(size: str, patch_size: int) -> ModelConfig:
    hidden_size, num_layers, mlp_dim, tokens_mlp_dim = _MIXER_SIZES[size]
    return ModelConfig(
        patch_size=patch_size,
        hidden_size=hidden_size,
        num_layers=num_layers,
        mlp_dim=mlp_dim,
        num_heads=0,
        classifier="gap",
        tokens_mlp_dim=tokens_mlp_dim,
    )


def _deit3(size: str, patch_size: int) -> ModelConfig:
    return dataclasses.replace(
        _variant(size, patch_size), layer_scale=True, class_position=False, activation=_EXACT_GELU
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
        # Without class token and pre_logits, as of GSAM: `ViT-S_16-gap-norep` there.
        "S/16-gap": _variant("S", 16, classifier="gap"),
        "S/32-gap": _variant("S", 32, classifier="gap"),
        "B/16-gap": _variant("B", 16, classifier="gap"),
        "B/32-gap": _variant("B", 32, classifier="gap"),
        "Mixer-S/8": _mixer("S", 8),
        "Mixer-S/16": _mixer("S", 16),
        "Mixer-S/32": _mixer("S", 32),
        "Mixer-B/16": _mixer("B", 16),
        "Mixer-B/32": _mixer("B", 32),
        "Mixer-L/16": _mixer("L", 16),
        # The image towers of SigLIP and SigLIP 2, which have no head; smaller ones are B/32, B/16 and L/16.
        "So400m/14": _variant("So400m", 14, classifier="map"),
        "So400m/16": _variant("So400m", 16, classifier="map"),
        "g-opt/16": _variant("g-opt", 16, classifier="map"),
        # "DeiT III" (arXiv 2204.07118), as Meta and timm keep it (timm/models/deit.py). The files of big_vision's zoo
        # are plain S/16, B/16 and L/16: its code has no LayerScale, so that theirs is part of the kernels.
        "DeiT3-S/16": _deit3("S", 16),
        "DeiT3-M/16": _deit3("M", 16),
        "DeiT3-B/16": _deit3("B", 16),
        "DeiT3-L/16": _deit3("L", 16),
        "DeiT3-H/14": _deit3("H", 14),
        # `vit_small_patch16_224` of timm until 2021: PyTorch's own GELU and LayerNorm, and a scale that the author
        # called wrong and kept because the released weights were trained with it.
        "timm-S/16": ModelConfig(
            patch_size=16,
            hidden_size=768,
            num_layers=8,
            mlp_dim=2304,
            num_heads=8,
            qkv_bias=False,
            qk_scale=768**-0.5,
            norm_eps=1e-5,
            activation=_EXACT_GELU,
        ),
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
    # The first of several: "S/32" and not "S/32-gap", since what the head reads is no part of a variant.
    for name, known in VARIANTS.items():
        if _trunk(known) == _trunk(config):
            return name
    prefix = "Mixer-" if config.is_mixer else "R+" if config.resnet else ""
    return f"custom {prefix}{config.hidden_size}x{config.num_layers}/{config.stride}"


def _trunk(config: ModelConfig) -> ModelConfig:
    """Give what the arrays of the blocks and before them show, whatever is computed with them."""
    return dataclasses.replace(
        config,
        num_classes=0,
        resolution=0,
        classifier="token",
        representation_size=None,
        qk_scale=None,
        norm_eps=0.0,
        activation="gelu_tanh",
        class_position=True,
    )


def square_side(count: int) -> int | None:
    """Give the side of a square grid of `count` patches, or None where that is no whole number.

    Example:
        >>> square_side(196), square_side(197)
        (14, None)
    """
    side = math.isqrt(max(count, 0))
    return side if side > 0 and side * side == count else None
