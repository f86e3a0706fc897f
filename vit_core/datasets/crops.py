"""Random parts of training images, as the published checkpoints were fine-tuned.

The part is drawn as google-research/vision_transformer does (vit_jax/input_pipeline.py: TensorFlow's
`sample_distorted_bounding_box` with an area of 5 to 100 %), then resized to what the model sees.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

_RATIOS = (0.75, 1.33)  # width over height; 1.33, not 4/3, is TensorFlow's default, which the recipe leaves alone
_ATTEMPTS = 100


class Box(NamedTuple):
    """A part of an image, in pixels."""

    top: int
    left: int
    height: int
    width: int


def inception_crop(
    rng: np.random.Generator, image: UInt8[np.ndarray, "H W 3"], resolution: int, *, min_area: float
) -> UInt8[np.ndarray, "res res 3"]:
    """Cut a random part out of an image and resize it.

    Bilinear, and unlike the original antialiased where it shrinks: Pillow does this in a fifth of the time and without
    holding up other threads, and images come here little larger than the result.

    Args:
        rng: decides the part.
        image: the whole picture.
        resolution: side of the result in pixels.
        min_area: share of the image that is kept at least, above 0 to 1; sides are 3:4 to 4:3 where the image allows.
    """
    top, left, height, width = draw_box(rng, image.shape[0], image.shape[1], min_area=min_area)
    return resized(image[top : top + height, left : left + width], resolution, resolution)


def draw_box(rng: np.random.Generator, height: int, width: int, *, min_area: float) -> Box:
    """Draw a part of an image of `height` x `width` pixels; all of it after 100 attempts in vain.

    Ratio first, then a height uniform among those that fit it, then the place. (tensorflow/core/kernels/image/
    sample_distorted_bounding_box_op.cc, GenerateRandomCrop; unlike there, the last row and column can be reached.)
    """
    for _ in range(_ATTEMPTS):
        size = _draw_size(rng, height, width, min_area, ratio=rng.uniform(*_RATIOS))
        if size is not None:
            high, wide = size
            top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
            return Box(top, left, high, wide)
    return Box(0, 0, height, width)


def mirrored(rng: np.random.Generator, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """Swap left and right in half of the cases."""
    if rng.random() < 0.5:
        return image
    swapped = np.empty_like(image)
    for channel in range(3):  # one by one: numpy takes five times as long for all three
        swapped[:, :, channel] = image[:, ::-1, channel]
    return swapped


def resized(image: UInt8[np.ndarray, "H W 3"], height: int, width: int) -> UInt8[np.ndarray, "h w 3"]:
    """Resize bilinearly, antialiased; what is to shrink much is first shrunk by a whole number of pixels."""
    if image.shape[:2] == (height, width):
        return image
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _draw_size(
    rng: np.random.Generator, height: int, width: int, min_area: float, *, ratio: float
) -> tuple[int, int] | None:
    """Give a height and a width of about this ratio whose area is allowed, or None if that one does not fit."""
    most, least = height * width, min_area * height * width
    tallest = min(round((most / ratio) ** 0.5), height)
    if round(tallest * ratio) > width:
        tallest = int((width + 0.5) / ratio)
        tallest -= round(tallest * ratio) > width  # the half may have been rounded up
    shortest = min(round((least / ratio) ** 0.5), tallest)
    high = int(rng.integers(shortest, tallest + 1))
    if high * round(high * ratio) < least:
        high += 1  # rounding alone is no reason to fail
    wide = round(high * ratio)
    fits = 0 < high <= height and 0 < wide <= width and high * wide >= least
    return (high, wide) if fits else None
