"""Plain JPEGs decoded straight from memory by libjpeg-turbo (simplejpeg), in two thirds of Pillow's time.

The pixels are Pillow's, bit by bit: it is the same library with the same settings. Only files that raise no doubt are
read here, in their header and while they are decoded; Pillow judges all others, and words what is wrong with them.
"""

import numpy as np
import simplejpeg
from jaxtyping import UInt8


def decode_plain_jpeg(data: bytes, size: tuple[int, int], *, factor: int = 1) -> UInt8[np.ndarray, "H W 3"] | None:
    """Decode a JPEG as it is stored, its orientation not applied.

    Args:
        data: the bytes of a file whose `vit_core.image_header.jpeg_header` is plain.
        size: width and height as its header states them.
        factor: 1, 2, 4 or 8, by which width and height are divided, rounded up.

    Returns:
        None where libjpeg-turbo has anything to say about the file, were it only a warning.
    """
    width, height = (-(-side // factor) for side in size)
    try:
        # Limits were held against `size`: what libjpeg-turbo reads has to be that, before it asks for memory.
        if simplejpeg.decode_jpeg_header(data, strict=True)[:2] != size[::-1]:
            return None
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=width, min_height=height, strict=True)
    except (ValueError, KeyError, RuntimeError):  # KeyError: a colour space that it has no name for
        return None
    return pixels if pixels.shape == (height, width, 3) else None
