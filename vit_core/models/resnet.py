"""The convolutions of the hybrids: a ResNet with weight standardisation and GroupNorm (vit_jax/models_resnet.py).

Padding is "SAME" as TensorFlow has it: the odd pixel goes to the right and the bottom.
"""

import functools

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from vit_core.models.config import ResNetConfig
from vit_core.models.convolution import convolve

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
        return convolve(jnp.asarray(maps, self.dtype), jnp.asarray(kernel, self.dtype), stride=self.stride)


class GroupNorm(nnx.Module):
    """Normalise groups of neighbouring channels over all positions, with a scale and a bias per channel.

    The statistics, in float32, are taken per channel first and joined to groups then. That reads the maps along the
    channels as they lie in memory; reducing over positions and channels at once, as `nnx.GroupNorm` does, takes
    XLA six times as long on a CPU. The variance is the original's, the mean square without the square of the mean: a
    gradient then needs nothing but the maps.
    """

    def __init__(self, channels: int, *, dtype: jnp.dtype) -> None:
        self.dtype = dtype
        self.scale = nnx.Param(jnp.ones((channels,)))
        self.bias = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, maps: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        """Normalise each image on its own."""
        cells = maps.reshape(maps.shape[0], -1, maps.shape[-1]).astype(jnp.float32)
        mean = _over_groups(cells.mean(axis=1))
        squares = _over_groups(jnp.square(cells).mean(axis=1))
        variance = jnp.maximum(squares - jnp.square(mean), 0)
        factor = jax.lax.rsqrt(variance + _GROUP_NORM_EPS) * self.scale[...]
        offset = self.bias[...] - mean * factor
        return (maps * factor[:, None, None] + offset[:, None, None]).astype(self.dtype)


def _over_groups(values: Float[Array, "B C"]) -> Float[Array, "B C"]:
    """Replace each channel's value by the mean of its group."""
    B, C = values.shape
    means = values.reshape(B, _NUM_GROUPS, -1).mean(axis=-1)
    return jnp.repeat(means, C // _NUM_GROUPS, axis=-1)


class BottleneckUnit(nnx.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the last one has 4 times the features."""

    def __init__(self, channels: int, features: int, *, stride: int = 1, dtype: jnp.dtype) -> None:
        conv = functools.partial(StdConv, dtype=dtype)
        norm = functools.partial(GroupNorm, dtype=dtype)
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

    def __init__(self, config: ResNetConfig, *, dtype: jnp.dtype) -> None:
        self.conv_root = StdConv(3, config.width, size=7, stride=2, dtype=dtype)
        self.gn_root = GroupNorm(config.width, dtype=dtype)
        stages, channels = [], config.width
        for index, num_units in enumerate(config.num_blocks):
            features = config.width * 2**index
            units = []
            for unit in range(num_units):
                stride = 2 if index > 0 and unit == 0 else 1
                units.append(BottleneckUnit(channels, features, stride=stride, dtype=dtype))
                channels = 4 * features
            stages.append(nnx.List(units))
        self.stages = nnx.List(stages)

    def __call__(self, images: Float[Array, "B H W 3"]) -> Float[Array, "B h w C"]:
        """Turn images into feature maps `config.stride` times smaller a side."""
        # The ReLU of the original comes before the pooling; a maximum does not mind, and a fourth is left to do.
        maps = jax.nn.relu(_max_pool(self.gn_root(self.conv_root(images))))
        for stage in self.stages:
            for unit in stage:
                maps = unit(maps)
        return maps


@jax.custom_vjp
def _max_pool(maps: Float[Array, "B H W C"]) -> Float[Array, "B h w C"]:
    """Maximum over windows of 3x3 at a stride of 2, along one axis and then the other; the padding never wins."""
    return _maxima(_maxima(maps, window=(3, 1)), window=(1, 3))


def _maxima(maps: Float[Array, "B H W C"], *, window: tuple[int, int]) -> Float[Array, "B h w C"]:
    """Give maxima of windows, at a stride of 2 along each axis that they span."""
    strides = tuple(2 if side > 1 else 1 for side in window)
    # A plain number and not an array as the start is what lets JAX differentiate the maximum.
    found: Array = jax.lax.reduce_window(maps, -jnp.inf, jax.lax.max, (1, *window, 1), (1, *strides, 1), "SAME")
    return found


def _pool_ahead(maps: Float[Array, "B H W C"]) -> tuple[Float[Array, "B h w C"], Float[Array, "B H W C"]]:
    return _max_pool(maps), maps


def _pool_back(maps: Float[Array, "B H W C"], slope: Float[Array, "B h w C"]) -> tuple[Float[Array, "B H W C"]]:
    # The gradient of two maxima one after the other would take five times the memory of the map itself.
    pulled: tuple[Array] = jax.vjp(lambda maps: _maxima(maps, window=(3, 3)), maps)[1](slope)
    return pulled


_max_pool.defvjp(_pool_ahead, _pool_back)
