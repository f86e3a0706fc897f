"""The convolutions of the hybrids: a ResNet with weight standardisation and GroupNorm (vit_jax/models_resnet.py).

Padding is "SAME" as TensorFlow has it: the odd pixel goes to the right and the bottom.
"""

import functools

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from vit_core.models.config import ResNetConfig

_STANDARDISE_EPS = 1e-5  # added to the deviation, not to the variance
_NUM_GROUPS = 32
_GROUP_NORM_EPS = 1e-6


class StdConv(nnx.Module):
    """A convolution without bias whose kernel is standardised per output channel before use."""

    def __init__(self, channels: int, features: int, *, size: int, stride: int = 1, dtype: jnp.dtype) -> None:
        self.stride = stride
        self.dtype = dtype
        self.kernel = nnx.Param(jnp.zeros((size, size, channels, features)))

    def __call__(self, maps: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        """Convolve; `h` is `H / stride` rounded up."""
        kernel = self.kernel[...].astype(jnp.float32)
        kernel = kernel - kernel.mean(axis=(0, 1, 2))
        kernel = kernel / (kernel.std(axis=(0, 1, 2)) + _STANDARDISE_EPS)
        return jax.lax.conv_general_dilated(
            maps.astype(self.dtype),
            kernel.astype(self.dtype),
            window_strides=(self.stride, self.stride),
            padding="SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )


class BottleneckUnit(nnx.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the last one has 4 times the features."""

    def __init__(self, channels: int, features: int, *, stride: int = 1, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        conv = functools.partial(StdConv, dtype=dtype)
        norm = functools.partial(_group_norm, dtype=dtype, rngs=rngs)
        self.conv1, self.gn1 = conv(channels, features, size=1), norm(features)
        self.conv2, self.gn2 = conv(features, features, size=3, stride=stride), norm(features)
        self.conv3, self.gn3 = conv(features, 4 * features, size=1), norm(4 * features)
        self.has_projection = channels != 4 * features or stride != 1
        if self.has_projection:
            self.conv_proj = conv(channels, 4 * features, size=1, stride=stride)
            self.gn_proj = norm(4 * features)

    def __call__(self, maps: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        """Transform the maps and add the shortcut, projected where its shape differs."""
        shortcut = self.gn_proj(self.conv_proj(maps)) if self.has_projection else maps
        maps = jax.nn.relu(self.gn1(self.conv1(maps)))
        maps = jax.nn.relu(self.gn2(self.conv2(maps)))
        return jax.nn.relu(shortcut + self.gn3(self.conv3(maps)))


class ResNet(nnx.Module):
    """Stem and stages; without stages, the stem alone."""

    def __init__(self, config: ResNetConfig, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> None:
        self.conv_root = StdConv(3, config.width, size=7, stride=2, dtype=dtype)
        self.gn_root = _group_norm(config.width, dtype=dtype, rngs=rngs)
        stages, channels = [], config.width
        for index, num_units in enumerate(config.num_blocks):
            features = config.width * 2**index
            units = []
            for unit in range(num_units):
                stride = 2 if index > 0 and unit == 0 else 1
                units.append(BottleneckUnit(channels, features, stride=stride, dtype=dtype, rngs=rngs))
                channels = 4 * features
            stages.append(nnx.List(units))
        self.stages = nnx.List(stages)

    def __call__(self, images: Float[Array, "B H W 3"]) -> Float[Array, "B h w C"]:
        """Turn images into feature maps `config.stride` times smaller a side."""
        maps = jax.nn.relu(self.gn_root(self.conv_root(images)))
        maps = _max_pool(maps)
        for stage in self.stages:
            for unit in stage:
                maps = unit(maps)
        return maps


def _group_norm(channels: int, *, dtype: jnp.dtype, rngs: nnx.Rngs) -> nnx.GroupNorm:
    return nnx.GroupNorm(channels, num_groups=_NUM_GROUPS, epsilon=_GROUP_NORM_EPS, dtype=dtype, rngs=rngs)


def _max_pool(maps: Float[Array, "B H W C"]) -> Float[Array, "B h w C"]:
    """Maximum over windows of 3x3 at a stride of 2; the padding never wins."""
    # A plain number and not an array as the start is what lets JAX differentiate the maximum.
    pooled: Array = jax.lax.reduce_window(maps, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    return pooled
