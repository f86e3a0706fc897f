"""Convolutions without bias, padded "SAME" as TensorFlow does it: the odd pixel goes to the right and the bottom."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_Pair = tuple[int, int]
_Kept = tuple[Array, Array]  # maps and kernel; or their gradients


def convolve(
    maps: Float[Array, "B H W C"], kernel: Float[Array, "kh kw C F"], *, stride: int
) -> Float[Array, "B h w F"]:
    """Convolve; `h` is `H / stride` rounded up, and `w` likewise."""
    above_below = _same_padding(maps.shape[1], kernel.shape[0], stride)
    left_right = _same_padding(maps.shape[2], kernel.shape[1], stride)
    if stride == 2 and maps.shape[2] % 2 == 0 and kernel.shape[1] == 7:
        return _convolve_pairs(maps, kernel, above_below, left_right)
    given: Array = _convolve(maps, kernel, (stride, stride), (above_below, left_right))
    return given


def _convolve_pairs(
    images: Float[Array, "B H W C"], kernel: Float[Array, "kh 7 C F"], above_below: _Pair, left_right: _Pair
) -> Float[Array, "B h w F"]:
    """Convolve at a stride of 2, a pair of neighbouring pixels of a row seen as one pixel of twice the channels.

    The same sums, up to a quarter faster on a CPU for the 3 channels of a picture: a row of a window is 24 numbers
    side by side. The kernel gets an eighth column of zeros for it.
    """
    B, H, _, C = images.shape
    left, right = left_right
    images = jnp.pad(images, ((0, 0), (0, 0), (left, right + 1), (0, 0)))
    kernel = jnp.pad(kernel, ((0, 0), (0, 1), (0, 0), (0, 0)))
    paired = images.reshape(B, H, -1, 2 * C)
    given: Array = _convolve(paired, kernel.reshape(len(kernel), 4, 2 * C, -1), (2, 1), (above_below, (0, 0)))
    return given


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(
    maps: Float[Array, "B H W C"], kernel: Float[Array, "kh kw C F"], strides: _Pair, padding: tuple[_Pair, _Pair]
) -> Float[Array, "B h w F"]:
    return _apply(maps, kernel, strides, padding)


def _apply(maps: Array, kernel: Array, strides: _Pair, padding: tuple[_Pair, _Pair]) -> Array:
    return jax.lax.conv_general_dilated(maps, kernel, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _ahead(maps: Array, kernel: Array, strides: _Pair, padding: tuple[_Pair, _Pair]) -> tuple[Array, _Kept]:
    return _convolve(maps, kernel, strides, padding), (maps, kernel)


def _back(strides: _Pair, padding: tuple[_Pair, _Pair], kept: _Kept, slope: Float[Array, "B h w F"]) -> _Kept:
    """Give the gradients of maps and kernel.

    The kernel's is a convolution as well, with a window as large as the maps. Within a loop over the parts of a batch,
    XLA's compiler for CPUs computes that one number by number: gradients of R+Ti/16 took eight times as long.
    """
    maps, kernel = kept

    def as_convolution(maps: Array, kernel: Array, slope: Array) -> Array:
        found: Array = jax.vjp(lambda kernel: _apply(maps, kernel, strides, padding), kernel)[1](slope)[0]
        return found

    def as_products(maps: Array, kernel: Array, slope: Array) -> Array:
        padded = jnp.pad(maps, ((0, 0), *padding, (0, 0)))
        tall, wide = (stride * (size - 1) + 1 for stride, size in zip(strides, slope.shape[1:3], strict=True))

        def row(y: Array) -> Array:
            below = jax.lax.dynamic_slice_in_dim(padded, y, tall, axis=1)[:, :: strides[0]]
            seen = [below[:, :, x : x + wide : strides[1]] for x in range(kernel.shape[1])]
            return jnp.stack([jnp.einsum("bhwc,bhwf->cf", maps, slope) for maps in seen])

        found: Array = jax.lax.map(row, jnp.arange(len(kernel)))  # row by row, for the memory of its slices
        return found

    (of_maps,) = jax.vjp(lambda maps: _apply(maps, kernel, strides, padding), maps)[1](slope)
    of_kernel = jax.lax.platform_dependent(maps, kernel, slope, cpu=as_products, default=as_convolution)
    return of_maps, of_kernel


_convolve.defvjp(_ahead, _back)


def _same_padding(size: int, window: int, stride: int) -> _Pair:
    missing = max((-(-size // stride) - 1) * stride + window - size, 0)
    return missing // 2, missing - missing // 2
