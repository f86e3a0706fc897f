"""Bilinear interpolation without antialiasing: each output pixel from the four that are nearest to its centre.

`tf.image.resize` with its defaults, computed by OpenCV. No file is read here: OpenCV's decoders are never called.
"""

import numpy as np
from jaxtyping import UInt8

_FLOAT_PIXELS = 2_000_000  # above it, float32 takes longer than OpenCV's exact integers, and four times the memory


def resize_bilinear(image: UInt8[np.ndarray, "H W 3"], resolution: int) -> UInt8[np.ndarray, "res res 3"]:
    """Squeeze an image to a square; one that has the size already is given as it is.

    The centre of a pixel is at half its width, beyond the outer centres colours stay, and results are rounded. Up to 2
    million pixels values are interpolated in float32, beyond in fixed point, where one in a hundred ends 1 of 255 away.
    """
    height, width = image.shape[:2]
    if height == width == resolution:
        return image
    import cv2  # here, since pages and most commands never resize a picture

    size = (resolution, resolution)
    if height * width > _FLOAT_PIXELS:
        exact: np.ndarray = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR_EXACT)
        return exact
    values = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    pixels: np.ndarray = cv2.convertScaleAbs(values)  # rounds
    return pixels
