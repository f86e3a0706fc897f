"""An image made ready for one model: what `vit_core.preprocess` does, with the share of the middle that timm keeps."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from vit_core.models.config import ModelConfig
from vit_core.preprocess import read_model_input, to_model_input

MIXER_SHARE = 0.875  # of the shorter side: `crop_pct` of timm's mixer_b16_224.goog_in21k and its siblings


def crop_share(config: ModelConfig) -> float | None:
    """Give the share of the shorter side that timm's crop keeps for a model; None where the usual rule holds.

    Example:
        >>> from vit_core.models.config import VARIANTS
        >>> crop_share(VARIANTS["Mixer-B/16"]), crop_share(VARIANTS["B/16"])
        (0.875, None)
    """
    return MIXER_SHARE if config.is_mixer else None


def model_input(image: UInt8[np.ndarray, "H W 3"], config: ModelConfig, method: str) -> UInt8[np.ndarray, "res res 3"]:
    """Bring an image to the square that a model sees.

    Args:
        image: RGB.
        config: of the model; its resolution is the side of the square.
        method: a key of `vit_core.preprocess.METHODS`.

    Raises:
        BadInput: a method that does not exist.
    """
    return to_model_input(image, config.resolution, method=method, share=crop_share(config))


def file_input(
    source: bytes | str | Path, config: ModelConfig, method: str, *, name: str | None = None
) -> UInt8[np.ndarray, "res res 3"]:
    """Bring an image file to the square that a model sees.

    Args:
        source: the bytes of a file, or its path.
        config: of the model.
        method: a key of `vit_core.preprocess.METHODS`.
        name: how messages call the file.

    Raises:
        BadImage: it cannot be read, or is no image within the limits.
        BadInput: a method that does not exist.
    """
    return read_model_input(source, config.resolution, method=method, share=crop_share(config), name=name)
