"""How a file keeps one array: the axes it merges, turns round or puts in front, and the way back.

Knows shapes and views; which array has which layout stands in the tables of `generations`.
"""

import dataclasses
import math

import numpy as np

Shape = tuple[int, ...]

_OUR_EPS, _TIMM_EPS = 1e-5, 1e-8


@dataclasses.dataclass(frozen=True)
class Layout:
    """The steps from our array to the file's: merge, turn, put ones in front.

    Attributes:
        merged: the first of two neighbouring axes of ours that are one in the file (heads and head width), or None.
        order: our axes, after merging, in the file's order; empty for the same order.
        ones: axes of length 1 in front.
        standardised: a kernel that timm standardises in another way than the original, by `_gain`.
    """

    merged: int | None = None
    order: tuple[int, ...] = ()
    ones: int = 0
    standardised: bool = False

    def shape_in_file(self, shape: Shape) -> Shape:
        """Give the file's shape for ours.

        Example:
            >>> HEADS_IN_TURNED.shape_in_file((64, 2, 32))
            (64, 64)
        """
        if self.merged is not None:
            at = self.merged
            shape = (*shape[:at], math.prod(shape[at : at + 2]), *shape[at + 2 :])
        return (1,) * self.ones + tuple(shape[axis] for axis in self.order or range(len(shape)))

    def shape_of_ours(self, shape: Shape) -> Shape:
        """Give our shape for the file's, as far as that tells it: merged axes stay one, odd shapes stay as they are."""
        bare = self._without_ones(shape)
        if not self.order or len(bare) != len(self.order):
            return bare
        return tuple(bare[self.order.index(axis)] for axis in range(len(bare)))

    def fits(self, shape: Shape, ours: Shape) -> bool:
        """Tell whether an array of the file can be ours; the ones in front may be missing."""
        wanted = self.shape_in_file(ours)
        return shape in (wanted, wanted[self.ones :])

    def unpack(self, array: np.ndarray, ours: Shape) -> np.ndarray:
        """Give our array, a view where `standardised` does not need another one.

        Args:
            array: as it is in the file, of a shape that `fits`.
            ours: the shape that comes out.
        """
        bare = array.reshape(self._without_ones(array.shape))
        if self.order:
            bare = bare.transpose(np.argsort(self.order))
        if self.standardised:
            deviation = bare.std(axis=(0, 1, 2), dtype=np.float64)
            bare = (bare * _gain_of_ours(deviation)).astype(bare.dtype)
        return bare.reshape(ours)

    def pack(self, array: np.ndarray) -> np.ndarray:
        """Give the file's array, the inverse of `unpack`; often a view."""
        if self.standardised:
            deviation = array.std(axis=(0, 1, 2), dtype=np.float64)
            array = (array * _gain_of_timm(deviation)).astype(array.dtype)
        shape = self.shape_in_file(array.shape)
        bare = array.reshape(Layout(merged=self.merged).shape_in_file(array.shape))
        return (bare.transpose(self.order) if self.order else bare).reshape(shape)

    def _without_ones(self, shape: Shape) -> Shape:
        return shape[self.ones :] if shape[: self.ones] == (1,) * self.ones else shape


SAME = Layout()
GROUP_NORM = Layout(ones=3)  # (1, 1, 1, C) in published hybrids: github.com/google/flax/issues/1721
TURNED = Layout(order=(1, 0))  # PyTorch's Linear is [out, in]
HEADS_IN_TURNED = Layout(merged=1, order=(1, 0))  # query, key, value: [D, heads, width] is [heads * width, D]
HEADS_OUT_TURNED = Layout(merged=0, order=(1, 0))  # out: [heads, width, D] is [D, heads * width]
HEADS_BIAS = Layout(merged=0)  # [heads, width] is [heads * width]
CONVOLUTION = Layout(order=(3, 2, 0, 1))  # PyTorch's Conv2d is [out, in, height, width]
STANDARDISED = Layout(order=(3, 2, 0, 1), standardised=True)


def _gain_of_timm(deviation: np.ndarray) -> np.ndarray:
    """Give the factor for each output channel so that timm's weight standardisation gives what ours gives.

    Ours divides the centred kernel by `deviation + 1e-5` (vit_jax/models_resnet.py), timm by the root of
    `variance + 1e-8`. A kernel whose deviation `s` is multiplied by `sqrt(1e-8 / (1e-5 (2 s + 1e-5)))` comes out of the
    second as it does of the first. Left as they are, kernels of real models change logits in the third digit.
    """
    gain: np.ndarray = np.sqrt(_TIMM_EPS / (_OUR_EPS * (2 * deviation + _OUR_EPS)))
    return gain


def _gain_of_ours(deviation: np.ndarray) -> np.ndarray:
    """Give the inverse: with `r`, the root of `variance + 1e-8`, that is `1e-5 / (r - s)`, free of cancellation."""
    gain: np.ndarray = (np.sqrt(deviation**2 + _TIMM_EPS) + deviation) * (_OUR_EPS / _TIMM_EPS)
    return gain
