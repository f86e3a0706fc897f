"""Bilinear interpolation without antialiasing: each output pixel from the four that are nearest to its centre.

`tf.image.resize` with its defaults, in float32. Blocks of rows are interpolated in memory that is used again and again,
so that values stay in the processor's cache and the system is asked for none.
"""

import numpy as np
from jaxtyping import Float32, Int, UInt8

_ROWS = 48  # of the output, at a time


def resize_bilinear(image: UInt8[np.ndarray, "H W 3"], resolution: int) -> UInt8[np.ndarray, "res res 3"]:
    """Squeeze an image to a square; one that has the size already is given as it is.

    The centre of a pixel is at half its width, beyond the outer centres colours stay, and results are rounded.
    """
    height, width = image.shape[:2]
    if height == width == resolution:
        return image
    top, bottom, down = _neighbours(height, resolution)
    left, right, along = _neighbours(width, resolution)
    lines = image.reshape(height, width * 3)
    pixels = np.empty((resolution, resolution * 3), np.uint8)
    narrow = _Narrowing(_channels(left), _channels(right), np.repeat(along, 3))
    for start in range(0, resolution, _ROWS):
        rows = slice(start, start + _ROWS)
        upper, lower = narrow(lines, top[rows], bottom[rows])
        pixels[rows] = np.rint(_between(upper, lower, down[rows, None]), out=lower)
    return pixels.reshape(resolution, resolution, 3)


class _Narrowing:
    """Interpolates along lines of pixels, from the channels before and after each output position."""

    def __init__(
        self, left: Int[np.ndarray, " w"], right: Int[np.ndarray, " w"], along: Float32[np.ndarray, " w"]
    ) -> None:
        self._left, self._right, self._along = left, right, along
        self._first, self._second = np.empty((2, 2 * _ROWS, len(left)), np.float32)

    def __call__(
        self, lines: UInt8[np.ndarray, "H W3"], top: Int[np.ndarray, " h"], bottom: Int[np.ndarray, " h"]
    ) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
        """Give two sets of lines, made narrow; those of a run that holds both are interpolated once."""
        start, end = int(top[0]), int(bottom[-1]) + 1
        is_run = end - start <= 2 * len(top)
        wanted = lines[start:end] if is_run else lines[np.concatenate([top, bottom])]
        first, second = self._first[: len(wanted)], self._second[: len(wanted)]
        first[...], second[...] = wanted[:, self._left], wanted[:, self._right]
        between = _between(first, second, self._along)
        if is_run:
            return between[top - start], between[bottom - start]
        return between[: len(top)], between[len(top) :]


def _channels(pixels: np.ndarray) -> np.ndarray:
    """Give where the three bytes of each pixel are in its line."""
    return (3 * pixels[:, None] + np.arange(3)).ravel()


def _between(first: np.ndarray, second: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Interpolate, in the memory of `second`."""
    second -= first
    second *= fraction
    second += first
    return second


def _neighbours(size: int, resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the pixel before, the pixel after and the fraction of the way between, for each output position."""
    position = (np.arange(resolution, dtype=np.float32) + np.float32(0.5)) * np.float32(size / resolution)
    position -= np.float32(0.5)
    before = np.floor(position)
    return (
        np.maximum(before, 0).astype(np.intp),
        np.minimum(np.ceil(position), size - 1).astype(np.intp),
        position - before,
    )
