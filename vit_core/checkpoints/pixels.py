"""How pixels were scaled for a model, and the same model for pixels in [-1, 1], as every picture is given here.

Knows the arithmetic of the first layer; who tells of the scaling is `beside`'s business.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from vit_core.errors import BadCheckpoint, shorten

_KERNEL, _BIAS = "embedding/kernel", "embedding/bias"
_CLOSE = 1e-6  # a mean of 0.5 that went through float32 is 0.5

Channels = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Scaling:
    """What is taken from pixels in [0, 1], and what they are then divided by, for red, green and blue."""

    mean: Channels = (0.5, 0.5, 0.5)
    deviation: Channels = (0.5, 0.5, 0.5)

    @property
    def is_ours(self) -> bool:
        """Whether it is the one of all pictures here."""
        given, usual = (*self.mean, *self.deviation), (*OURS.mean, *OURS.deviation)
        return all(abs(number - other) <= _CLOSE for number, other in zip(given, usual, strict=True))

    @property
    def note(self) -> str:
        """What a person has to know of a model that was trained with it."""
        mean, deviation = (", ".join(f"{number:g}" for number in three) for three in (self.mean, self.deviation))
        return (
            f"This model was trained on pixels with another mean ({mean}) and deviation ({deviation}) than 0.5; that "
            "was worked into its first layer, so pictures go in as for every model here, in [-1, 1]."
        )


OURS = Scaling()
IMAGENET = Scaling((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # timm/data/constants.py, IMAGENET_DEFAULT_MEAN


def read_scaling(mean: object, deviation: object, *, where: str, white: float = 1.0) -> Scaling | None:
    """Give the scaling that a file tells, or None where it tells none.

    Args:
        mean: three numbers, or one for all three; None for 0.5 where the deviation is told.
        deviation: the same.
        where: name of the file, for messages.
        white: the value of a white pixel in the numbers that these are told for.

    Raises:
        BadCheckpoint: they are no such numbers. Goes on from "The file …".
    """
    if mean is None and deviation is None:
        return None
    return Scaling(
        _three("mean", mean, where, least=0.0, white=white), _three("std", deviation, where, least=1e-4, white=white)
    )


def for_our_pixels(flat: Mapping[str, np.ndarray], scaling: Scaling) -> dict[str, np.ndarray]:
    """Give the arrays of a model that gives for pixels in [-1, 1] what this one gives for pixels scaled otherwise.

    With `x` in [-1, 1] the model wants `z = (x / 2 + 1 / 2 - mean) / deviation`, channel by channel. The patches do not
    overlap and have nothing around them, so a kernel times `0.5 / deviation` and a bias with the rest added are exact.

    Args:
        flat: arrays by path, of a model without convolutions before the patches.
        scaling: what it was trained with.
    """
    kernel = flat[_KERNEL].astype(np.float64)  # [height, width, channels, D]
    mean, deviation = np.array(scaling.mean), np.array(scaling.deviation)
    shift = np.einsum("hwcd,c->d", kernel, (0.5 - mean) / deviation)
    return {
        **flat,
        _KERNEL: (kernel * (0.5 / deviation)[:, None]).astype(np.float32),
        _BIAS: (flat[_BIAS] + shift).astype(np.float32),
    }


def _three(what: Literal["mean", "std"], told: object, where: str, *, least: float, white: float) -> Channels:
    numbers = [white / 2] * 3 if told is None else [told] * 3 if _is_number(told) else told
    if not isinstance(numbers, list) or len(numbers) != 3 or not all(map(_is_number, numbers)):
        raise BadCheckpoint(f"has a {what} of pixels of {shorten(str(told), 60)!r} in {where} beside it, not three.")
    if not all(least * white <= number <= white for number in numbers):  # holds for no NaN
        raise BadCheckpoint(
            f"has a {what} of pixels of {shorten(str(told), 60)!r} in {where} beside it, which pixels from 0 to 1 "
            "cannot have; if it is told for 0 to 255, divide it by 255 there."
        )
    first, second, third = (float(number) / white for number in numbers)
    return first, second, third


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
