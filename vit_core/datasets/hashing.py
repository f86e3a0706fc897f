"""What is worth knowing of an image file before it is learned from, all from one reading and one decoding.

The difference hash is dHash (N. Krawetz, "Kind of Like That", 2013): the picture in 9x8 greys, one bit for each pixel
that is brighter than its right neighbour. It is reduced by Lanczos' filter, which swings a little around edges: of the
filters at hand its hashes of drawings on an even ground differ most, and those of resized photos least.
"""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vit_core.errors import BadImage, shorten
from vit_core.image_file import ImageLimits, decode_image
from vit_core.image_header import Format, format_of, size_of

SUFFIXES: dict[Format, str] = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}
ACCEPTED = "JPEG, PNG and WebP are accepted"
_SIGNATURE = 32  # bytes that tell the format
# Pixels that a large JPEG's shorter side is decoded to, in a fifth of the time; every byte is read all the same.
_SHORT_SIDE = 256


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What a file holds.

    Attributes:
        sha256: of the bytes, in hexadecimal.
        size_bytes: of the file.
        width: in pixels, upright.
        height: in pixels, upright.
        dhash: 16 hexadecimal digits.
        suffix: that fits the content: ".jpg", ".png" or ".webp".
    """

    sha256: str
    size_bytes: int
    width: int
    height: int
    dhash: str
    suffix: str


def read_facts(path: Path, *, name: str, limits: ImageLimits) -> Facts:
    """Read and decode an image file once.

    Args:
        path: the file.
        name: how messages call it.
        limits: what is refused.

    Raises:
        BadImage: the file cannot be read, is not a JPEG, PNG or WebP, is broken, or over a limit.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes > limits.size_bytes:  # decode_image would say the same, after the bytes were read here
            raise BadImage(
                f"{shorten(name)!r} has {size_bytes / 1e6:.1f} MB, over the limit of "
                f"{limits.size_bytes / 1e6:g} MB per image."
            )
        data = path.read_bytes()
    except OSError as error:
        raise BadImage(f"{shorten(name)!r} cannot be read: {error.strerror or error}.") from error
    kind = format_of(data[:_SIGNATURE])
    if kind is not None and kind not in SUFFIXES:
        raise BadImage(f"{shorten(name)!r} is a {kind} image; {ACCEPTED}.")
    at_least = _SHORT_SIDE if kind == "JPEG" else 0  # others are decoded in full anyway
    pixels = decode_image(data, name=name, limits=limits, at_least=at_least)  # refuses what is no image
    assert kind is not None  # noqa: S101 - it was decoded
    width, height = _upright_size(data, kind, pixels)
    return Facts(hashlib.sha256(data).hexdigest(), len(data), width, height, difference_hash(pixels), SUFFIXES[kind])


def _upright_size(data: bytes, kind: Format, pixels: UInt8[np.ndarray, "H W 3"]) -> tuple[int, int]:
    """Give width and height of the whole picture, of which `pixels` may be a reduction that was turned upright."""
    height, width = pixels.shape[:2]
    if kind != "JPEG" or (stated := size_of(data, kind)) is None:
        return width, height
    is_turned = (width > height) != (stated[0] > stated[1]) and width != height
    return (stated[1], stated[0]) if is_turned else stated


def difference_hash(image: UInt8[np.ndarray, "H W 3"]) -> str:
    """Give the 64-bit dHash of a picture as 16 hexadecimal digits, row by row, the left pixel first.

    Example:
        >>> difference_hash(np.zeros((8, 9, 3), np.uint8))
        '0000000000000000'
    """
    small = Image.fromarray(image).resize((9, 8), Image.Resampling.LANCZOS, reducing_gap=8.0)  # a photo: 40 ms for 100
    grey = np.asarray(small.convert("L"))
    return bytes(np.packbits(grey[:, :-1] > grey[:, 1:])).hex()
