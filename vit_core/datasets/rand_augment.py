"""RandAugment: random operations of one strength on a training picture, and the augmentation levels of the paper.

Written after the TensorFlow original (tensorflow/tpu, models/official/efficientnet/autoaugment.py; arXiv 1909.13719):
the same sixteen operations and strengths, lengths in pixels scaled from its 224 to our side.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageEnhance, ImageOps

_GREY = (128, 128, 128)
_MOST = 10.0  # strengths are stated for this magnitude
_SIDE = 224  # pixels that the original's lengths were chosen for


class Level(NamedTuple):
    """One level of augmentation.

    Attributes:
        layers: operations of RandAugment per picture.
        magnitude: their strength; 10 is what the operations are stated for.
        mixup: alpha of Mixup; 0 is none.
    """

    layers: int
    magnitude: int
    mixup: float


# By the names of the published index (arXiv 2106.10270, section 3.3). The paper's own names and those of big_vision are
# one higher for the light levels: their light1 is light0 here. light0 is not "none": its operations have magnitude 0,
# which leaves a picture grey, inverted or of two tones.
LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        "none": Level(0, 0, 0.0),
        "light0": Level(2, 0, 0.0),
        "light1": Level(2, 10, 0.2),
        "medium1": Level(2, 15, 0.2),
        "medium2": Level(2, 15, 0.5),
        "strong1": Level(2, 20, 0.5),
        "strong2": Level(2, 20, 0.8),
    }
)


def rand_augment(
    rng: np.random.Generator, image: UInt8[np.ndarray, "H W 3"], *, layers: int, magnitude: int
) -> UInt8[np.ndarray, "H W 3"]:
    """Apply `layers` random operations of one strength to an image.

    Args:
        rng: decides the operations and their directions.
        image: the picture; as given when there are no layers.
        layers: how many operations, each drawn from all sixteen.
        magnitude: 0 to 10 in the original paper, up to 20 in the levels here.
    """
    picture = Image.fromarray(image)
    operations = tuple(OPERATIONS.values())
    for _ in range(layers):
        operation = operations[int(rng.integers(len(operations)))]
        picture = operation(rng, picture, magnitude / _MOST)
    return np.asarray(picture)


Operation = Callable[[np.random.Generator, Image.Image, float], Image.Image]


def _signed(rng: np.random.Generator, value: float) -> float:
    return value if rng.random() < 0.5 else -value


def _affine(picture: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=_GREY)


def _shear_x(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1.0, _signed(rng, 0.3 * strength), 0.0, 0.0, 1.0, 0.0))


def _shear_y(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1.0, 0.0, 0.0, _signed(rng, 0.3 * strength), 1.0, 0.0))


def _translate_x(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1.0, 0.0, _signed(rng, 100 / _SIDE * picture.width * strength), 0.0, 1.0, 0.0))


def _translate_y(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1.0, 0.0, 0.0, 0.0, 1.0, _signed(rng, 100 / _SIDE * picture.height * strength)))


def _rotate(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return picture.rotate(_signed(rng, 30 * strength), fillcolor=_GREY)


def _cutout(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    half = round(40 / _SIDE * picture.width * strength)
    x, y = (int(value) for value in rng.integers(0, picture.width, 2))
    picture = picture.copy()
    picture.paste(_GREY, (x - half, y - half, x + half, y + half))
    return picture


def _posterize(_rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    bits = min(max(int(4 * strength), 1), 8)  # TensorFlow shifts by 7 at most, so that one bit stays at magnitude 0
    return ImageOps.posterize(picture, bits)


def _solarize_add(_rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    added = int(110 * strength)
    return picture.point([min(value + added, 255) if value < 128 else value for value in range(256)] * 3)


def _enhance(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Operation:
    return lambda _rng, picture, strength: kind(picture).enhance(1.8 * strength + 0.1)


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "AutoContrast": lambda _rng, picture, _strength: ImageOps.autocontrast(picture),
        "Equalize": lambda _rng, picture, _strength: ImageOps.equalize(picture),
        "Invert": lambda _rng, picture, _strength: ImageOps.invert(picture),
        "Rotate": _rotate,
        "Posterize": _posterize,
        "Solarize": lambda _rng, picture, strength: ImageOps.solarize(picture, int(256 * strength)),
        "SolarizeAdd": _solarize_add,
        "Color": _enhance(ImageEnhance.Color),
        "Contrast": _enhance(ImageEnhance.Contrast),
        "Brightness": _enhance(ImageEnhance.Brightness),
        "Sharpness": _enhance(ImageEnhance.Sharpness),
        "ShearX": _shear_x,
        "ShearY": _shear_y,
        "TranslateX": _translate_x,
        "TranslateY": _translate_y,
        "Cutout": _cutout,
    }
)
