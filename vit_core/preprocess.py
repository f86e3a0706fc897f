"""Pixels of an image file to the pixels a model sees.

    uint8 [H, W, 3] --to_model_input--> uint8 [res, res, 3] --normalise--> float32 in [-1, 1]

Knows how the checkpoints were evaluated; image files and their limits are the business of `vit_core.image_file`, whose
two functions are given on from here so that one import brings a file to a model.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from vit_core.errors import BadInput, shorten
from vit_core.image_file import ImageLimits, decode_image, read_image

__all__ = ["METHODS", "ImageLimits", "Method", "decode_image", "normalise", "read_image", "to_model_input"]

Method = Literal["resize", "crop"]

METHODS: Mapping[str, str] = {
    "resize": "The whole picture, squeezed to a square (bilinear, no antialiasing), as the models were evaluated.",
    "crop": "The middle: 90 % of the shorter side below 384 pixels, else all of it, of Mixers 87.5 % (antialiased "
    "bicubic), as in timm.",
}


def to_model_input(
    image: UInt8[np.ndarray, "H W 3"], resolution: int, *, method: str = "resize", share: float | None = None
) -> UInt8[np.ndarray, "res res 3"]:
    """Bring an image to the square that a model sees.

    "resize" is the original evaluation (google-research/vision_transformer, vit_jax/input_pipeline.py:
    `tf.image.resize` with its defaults, so bilinear with half-pixel centres and without antialiasing, and no crop).
    The original keeps the fractions of the interpolated values; rounding to uint8, a fourth of the bytes to move,
    changes an input in [-1, 1] by at most 0.004. It belongs to the fine-tuned files; the scores of pre-trained files on
    ImageNet-21k come from a resize to 256 and the central 224 (google-research/big_vision, configs/vit_i21k.py).

    "crop" is timm's evaluation of the same checkpoints: the shorter side to resolution / 0.9 (below 384) or to
    resolution, antialiased bicubic, then the middle. `share` of 0 to 1 stands for the 0.9 or 1 where timm lists another
    one for a model.

    Raises:
        BadInput: a method that does not exist.
    """
    if method == "resize":
        return _resize_bilinear(image, resolution)
    if method == "crop":
        return _resize_and_crop(image, resolution, share or (0.9 if resolution < 384 else 1.0))
    raise BadInput(f"There is no preprocessing {shorten(method)!r}; it is one of {', '.join(METHODS)}.")


def normalise(images: UInt8[np.ndarray, "... 3"]) -> Float32[np.ndarray, "... 3"]:
    """Scale 0…255 to -1…1 as all AugReg checkpoints expect: (x - 127.5) / 127.5, mean and deviation 0.5 of 1.

    Example:
        >>> normalise(np.array([[0, 51, 255]], np.uint8)).tolist()
        [[-1.0, -0.6000000238418579, 1.0]]
    """
    return (images.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


def _resize_bilinear(image: np.ndarray, resolution: int) -> np.ndarray:
    """Interpolate between the four nearest pixels; the centre of a pixel is at half its width."""
    top, bottom, down = _neighbours(image.shape[0], resolution)
    left, right, along = _neighbours(image.shape[1], resolution)
    along, down = along[None, :, None], down[:, None, None]
    rows = np.unique([top, bottom])  # each is interpolated once, though two output rows may need it
    needed = image.take(rows, axis=0)

    first, second = (needed.take(x, axis=1).astype(np.float32) for x in (left, right))
    narrow = _between(first, second, along)
    upper, lower = (narrow.take(np.searchsorted(rows, y), axis=0) for y in (top, bottom))
    pixels: np.ndarray = np.rint(_between(upper, lower, down)).astype(np.uint8)
    return pixels


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


_MAX_RESIZED = 16_000_000  # pixels, before the crop


def _resize_and_crop(image: np.ndarray, resolution: int, share: float) -> np.ndarray:
    height, width = image.shape[:2]
    short = int(resolution / share)
    wide = short if width <= height else int(short * width / height)
    high = short if height <= width else int(short * height / width)
    left, top = round((wide - resolution) / 2), round((high - resolution) / 2)
    right, bottom = left + resolution, top + resolution
    source, bicubic = Image.fromarray(image), Image.Resampling.BICUBIC
    if wide * high <= _MAX_RESIZED:
        return np.asarray(source.resize((wide, high), bicubic).crop((left, top, right, bottom)))
    # A strip of 16384x1 would become 4 million pixels wide on the way. Resizing only what is kept gives the same up to
    # rounding, for Pillow then takes the two axes in another order.
    box = (left * width / wide, top * height / high, right * width / wide, bottom * height / high)
    return np.asarray(source.resize((resolution, resolution), bicubic, box=box))
