"""Photos that nobody took: JPEGs of soft shapes and a little noise, which cost a decoder about what real ones do."""

import io

import numpy as np
from PIL import Image

SIZES = {"500x375": (500, 375), "12 megapixels": (4000, 3000)}
_QUALITY = 90  # of most cameras and sites; 500 x 375 become some 80 kB
_NOISE = 6  # of 255


def photo(width: int, height: int, *, seed: int = 0) -> bytes:
    """Draw a JPEG; equal arguments give equal bytes."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (max(2, height // 40), max(2, width // 40), 3), np.uint8))
    soft = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    noisy = soft + random.integers(-_NOISE, _NOISE + 1, soft.shape, np.int16)
    buffer = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
