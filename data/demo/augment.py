"""Alters training pictures: random crop, mirror, RandAugment, Mixup, as in the recipe of the published checkpoints.

RandAugment is written after the TensorFlow original (tensorflow/tpu, models/official/efficientnet/autoaugment.py;
arXiv 1909.13719): the same sixteen operations and strengths, lengths in pixels scaled from its 224 to our side.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

_GREY = (128, 128, 128)
_MOST = 10.0  # strengths are stated for this magnitude
_SIDE = 224  # pixels that the original's lengths were chosen for


def random_crops(rng: np.random.Generator, images: np.ndarray, resolution: int, *, least_area: float) -> np.ndarray:
    """Cut a part out of each image of a batch and resize it as `vit_core.preprocess.to_model_input` does.

    Args:
        rng: decides the parts.
        images: uint8 [B, H, W, 3].
        resolution: side of the result in pixels.
        least_area: share of an image that is kept at least; sides are 3:4 to 4:3.

    Returns:
        uint8 [B, resolution, resolution, 3].
    """
    B, H, W, _ = images.shape
    area = rng.uniform(least_area, 1, B) * H * W
    ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3), B))
    high = np.minimum(np.rint(np.sqrt(area / ratio)), H).astype(int)
    wide = np.minimum(np.rint(np.sqrt(area * ratio)), W).astype(int)
    rows = _bilinear(rng.integers(0, H - high + 1), high, H, resolution)
    columns = _bilinear(rng.integers(0, W - wide + 1), wide, W, resolution)
    return np.asarray(_resample(images, rows, columns))


def random_mirrors(rng: np.random.Generator, images: np.ndarray) -> np.ndarray:
    """Swap left and right in about half of the images [B, H, W, 3]."""
    return np.where(rng.random(len(images))[:, None, None, None] < 0.5, images, images[:, :, ::-1])


def rand_augment(rng: np.random.Generator, image: np.ndarray, *, layers: int, magnitude: float) -> np.ndarray:
    """Apply `layers` random operations of one strength to a uint8 [res, res, 3] image."""
    picture = Image.fromarray(image)
    operations = tuple(OPERATIONS.values())
    for _ in range(layers):
        operation = operations[int(rng.integers(len(operations)))]
        picture = operation(rng, picture, magnitude / _MOST)
    return np.asarray(picture)


def mixup(
    rng: np.random.Generator, images: np.ndarray, targets: np.ndarray, *, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Blend each image [B, H, W, 3] and target [B, K] of a batch with its neighbour's, one share for all.

    The share follows Beta(alpha, alpha), of which the larger part stays with the image itself (arXiv 1710.09412).
    """
    share = np.float32(rng.beta(alpha, alpha))
    share = max(share, 1 - share)
    mixed = share * images.astype(np.float32) + (1 - share) * np.roll(images, 1, axis=0)
    return np.rint(mixed).astype(np.uint8), share * targets + (1 - share) * np.roll(targets, 1, axis=0)


def _bilinear(start: np.ndarray, size: np.ndarray, side: int, resolution: int) -> np.ndarray:
    """Give the weights [B, resolution, side] of the pixels `start` to `start + size` in each pixel of the result."""
    position = (np.arange(resolution) + 0.5) * (size / resolution)[:, None] - 0.5
    position = start[:, None] + np.clip(position, 0, (size - 1)[:, None])
    return np.maximum(1 - np.abs(position[:, :, None] - np.arange(side)), 0).astype(np.float32)


@jax.jit
def _resample(images: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    mixed = jnp.einsum("brh,bhwc,bsw->brsc", rows, images.astype(jnp.float32), columns)
    return jnp.rint(mixed).astype(jnp.uint8)


Operation = Callable[[np.random.Generator, Image.Image, float], Image.Image]


def _signed(rng: np.random.Generator, value: float) -> float:
    return value if rng.random() < 0.5 else -value


def _affine(picture: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=_GREY)


def _shear_x(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1, _signed(rng, 0.3 * strength), 0, 0, 1, 0))


def _shear_y(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1, 0, 0, _signed(rng, 0.3 * strength), 1, 0))


def _translate_x(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1, 0, _signed(rng, 100 / _SIDE * picture.width * strength), 0, 1, 0))


def _translate_y(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return _affine(picture, (1, 0, 0, 0, 1, _signed(rng, 100 / _SIDE * picture.height * strength)))


def _rotate(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    return picture.rotate(_signed(rng, 30 * strength), fillcolor=_GREY)


def _cutout(rng: np.random.Generator, picture: Image.Image, strength: float) -> Image.Image:
    half = round(40 / _SIDE * picture.width * strength)
    x, y = (int(value) for value in rng.integers(0, picture.width, 2))
    picture = picture.copy()
    picture.paste(_GREY, (x - half, y - half, x + half, y + half))
    return picture


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
        "Posterize": lambda _rng, picture, strength: ImageOps.posterize(picture, min(8, int(4 * strength))),
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
