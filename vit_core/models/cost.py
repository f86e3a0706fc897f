"""What one image costs to compute: multiply-accumulates of a forward pass, by arithmetic on the architecture.

One multiply-accumulate is a multiplication and the addition after it, 2 FLOPs. Papers on vision models and timm's
tables give MACs and mostly call them FLOPs; `gmacs` is comparable with both, `gflops` with the data sheet of a device.

    macs = products + normalisations

Products are those of matrices and the convolutions, attention's own (queries by keys, weights by values) among them;
PyTorch's `FlopCounterMode` counts the same. Normalisations are counted as timm's tables count them (fvcore, whose
handlers are named below): under 1 % of a plain model, 3 % of R26+S/32. Softmax, GELU, additions and pooling are not
counted, as there. timm's first cards on the Hub are lower (16.9 G for B/16 in place of 17.58 G): their counter did not
see the products inside fused attention; later cards were corrected.

Memory is the business of `vit_core.models.memory`. No JAX here.
"""

from collections.abc import Iterator
from typing import NamedTuple

from vit_core.models.config import ModelConfig, ResNetConfig

FLOPS_PER_MAC = 2
_NORM = 5  # per value: fvcore's `norm_flop_counter` for LayerNorm and GroupNorm, which have a scale and a bias
_STANDARDISE = 4  # per value of a kernel: the same without a scale


class Unit(NamedTuple):
    """A bottleneck unit of a ResNet, which gives 4 times its width.

    Attributes:
        channels: that come in.
        features: its width.
        side: of the maps that come in.
        out_side: of the maps that it gives.
    """

    channels: int
    features: int
    side: int
    out_side: int

    @property
    def is_projected(self) -> bool:
        """Whether the shortcut is a convolution, too."""
        return self.channels != 4 * self.features or self.side != self.out_side


def gmacs(config: ModelConfig) -> float:
    """Give the multiply-accumulates of one image in 10^9, as timm's tables count them.

    Example:
        >>> from vit_core.models.config import VARIANTS
        >>> round(gmacs(VARIANTS["B/16"]), 2), round(gmacs(VARIANTS["B/16"].with_resolution(384)), 2)
        (17.58, 55.54)
    """
    return (num_products(config) + _normalisations(config)) / 1e9


def gflops(config: ModelConfig) -> float:
    """Give the floating-point operations of one image in 10^9, two for each multiply-accumulate."""
    return FLOPS_PER_MAC * gmacs(config)


def num_products(config: ModelConfig) -> int:
    """Count the multiply-accumulates of one image that are products of matrices or convolutions."""
    D, patches = config.hidden_size, config.grid**2
    channels = config.resnet.out_channels if config.resnet else 3
    stem = _resnet_products(config.resnet, config.resolution) if config.resnet else 0
    embedding = patches * config.patch_size**2 * channels * D
    representation = D * config.representation_size if config.representation_size else 0
    head = config.num_features * config.num_classes
    blocks = config.num_layers * _block_products(config)
    return stem + embedding + blocks + _pooling_products(config) + representation + head


def units(resnet: ResNetConfig, resolution: int) -> Iterator[Unit]:
    """Give the bottleneck units in order. Padding is "SAME", so that odd sides round up."""
    channels, side = resnet.width, half(half(resolution))
    for stage, count in enumerate(resnet.num_blocks):
        for place in range(count):
            features = resnet.width << stage
            out_side = half(side) if stage and not place else side
            yield Unit(channels, features, side, out_side)
            channels, side = 4 * features, out_side


def half(side: int) -> int:
    """Give the side after a step of two pixels at a time."""
    return -(-side // 2)


def _block_products(config: ModelConfig) -> int:
    D, N, T = config.hidden_size, config.num_tokens, config.tokens_mlp_dim
    # Query, key, value and output, then attention's two products; in a Mixer the MLP over the places.
    mixing = 4 * N * D**2 + 2 * N**2 * D if T is None else 2 * N * T * D
    return mixing + 2 * N * D * config.mlp_dim


def _pooling_products(config: ModelConfig) -> int:
    """Count attention pooling: one query for all tokens, then an MLP on what it finds."""
    if config.classifier != "map":
        return 0
    D, N = config.hidden_size, config.num_tokens
    return 2 * D**2 + 2 * N * D**2 + 2 * N * D + 2 * D * config.mlp_dim


def _resnet_products(resnet: ResNetConfig, resolution: int) -> int:
    root = 7 * 7 * 3 * resnet.width * half(resolution) ** 2
    return root + sum(_unit_products(unit) for unit in units(resnet, resolution))


def _unit_products(unit: Unit) -> int:
    channels, features, area, out_area = unit.channels, unit.features, unit.side**2, unit.out_side**2
    narrow = channels * features * area
    inner = (3 * 3 * features + 4 * features) * features * out_area
    return narrow + inner + (channels * 4 * features * out_area if unit.is_projected else 0)


def _normalisations(config: ModelConfig) -> int:
    D, N = config.hidden_size, config.num_tokens
    values = (2 * config.num_layers + 1) * N * D + (D if config.classifier == "map" else 0)
    if config.resnet is None:
        return _NORM * values
    maps = config.resnet.width * half(config.resolution) ** 2
    kernels = 7 * 7 * 3 * config.resnet.width
    for unit in units(config.resnet, config.resolution):
        F, area, out_area = unit.features, unit.side**2, unit.out_side**2
        maps += F * area + 5 * F * out_area + (4 * F * out_area if unit.is_projected else 0)
        kernels += (unit.channels + 9 * F + 4 * F) * F + (unit.channels * 4 * F if unit.is_projected else 0)
    return _NORM * (values + maps) + _STANDARDISE * kernels
