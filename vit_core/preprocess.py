"""Pixels of an image file to the pixels a model sees.

    file --read_model_input--> uint8 [res, res, 3] --normalise--> float32 in [-1, 1]
    uint8 [H, W, 3] --to_model_input--^

Knows how the checkpoints were evaluated; image files and their limits are the business of `vit_core.image_file`, whose
two functions are given on from here so that one import brings a file to a model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from vit_core.bilinear import resize_bilinear
from vit_core.errors import BadInput, shorten
from vit_core.image_file import ImageLimits, decode_image, read_image

__all__ = [
    "METHODS",
    "ImageLimits",
    "Method",
    "decode_image",
    "normalise",
    "read_image",
    "read_model_input",
    "sufficient_side",
    "to_model_input",
]

Method = Literal["resize", "crop"]

METHODS: Mapping[str, str] = {
    "resize": "The whole picture, squeezed to a square (bilinear, no antialiasing), as the models were evaluated; of a "
    "large photo, pixels are averaged to about the size of ImageNet's pictures first.",
    "crop": "The middle: 90 % of the shorter side below 384 pixels, else all of it, of Mixers 87.5 % (antialiased "
    "bicubic), as in timm.",
}


_USUAL_SIDE = 375  # the shorter side of most pictures of ImageNet, on which the models were trained and evaluated


def read_model_input(
    source: bytes | str | Path,
    resolution: int,
    *,
    method: str = "resize",
    share: float | None = None,
    name: str | None = None,
) -> UInt8[np.ndarray, "res res 3"]:
    """Bring an image file to the square that a model sees: `to_model_input` of as many pixels as suffice.

    Args:
        source: the bytes of a file, or its path.
        resolution: side of the square in pixels.
        method: of `to_model_input`.
        share: of `to_model_input`.
        name: how messages call the file.

    Raises:
        BadImage: as `read_image`.
        BadInput: a method that does not exist.
    """
    at_least = sufficient_side(resolution, method=method, share=share)
    return to_model_input(read_image(source, name=name, at_least=at_least), resolution, method=method, share=share)


def sufficient_side(resolution: int, *, method: str = "resize", share: float | None = None) -> int:
    """Give the shorter side in pixels that suffices for a model: what is averaged away beyond it is not missed.

    Interpolating without antialiasing takes four pixels for each of the result, wherever they lie: of a photo of
    12 megapixels the other 98 % would go unseen, and grain and moiré would be seen instead. A photo of 4000x3000
    therefore becomes 500x375, as most of ImageNet's pictures are; no picture whose shorter side is below 750 pixels
    changes. "crop", which is antialiased, keeps twice what it resizes to. Why so: docs/adr/0008.

    Example:
        >>> sufficient_side(224), sufficient_side(512), sufficient_side(224, method="crop")
        (375, 512, 496)
    """
    wanted = resolution if method == "resize" else 2 * _short_side(resolution, share)
    return max(wanted, _USUAL_SIDE)


def _short_side(resolution: int, share: float | None) -> int:
    """Give what "crop" resizes the shorter side to."""
    return int(resolution / (share or (0.9 if resolution < 384 else 1.0)))


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
        return resize_bilinear(image, resolution)
    if method == "crop":
        return _resize_and_crop(image, resolution, _short_side(resolution, share))
    raise BadInput(f"There is no preprocessing {shorten(method)!r}; it is one of {', '.join(METHODS)}.")


def normalise(images: UInt8[np.ndarray, "... 3"]) -> Float32[np.ndarray, "... 3"]:
    """Scale 0…255 to -1…1 as all AugReg checkpoints expect: (x - 127.5) / 127.5, mean and deviation 0.5 of 1.

    Example:
        >>> normalise(np.array([[0, 51, 255]], np.uint8)).tolist()
        [[-1.0, -0.6000000238418579, 1.0]]
    """
    return (images.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


_MAX_RESIZED = 16_000_000  # pixels, before the crop


def _resize_and_crop(image: np.ndarray, resolution: int, short: int) -> np.ndarray:
    height, width = image.shape[:2]
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
