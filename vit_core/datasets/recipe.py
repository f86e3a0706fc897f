"""What the training pictures are made by: the settings of a run that concern them.

`vit_core.training.config.TrainConfig` has them all; it stands above this package, so that its shape is told here.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Recipe(Protocol):
    """Settings with these fields; see `vit_core.training.config.FIELDS` for the meaning of each."""

    @property
    def resolution(self) -> int:
        """Side in pixels of what the model sees."""

    @property
    def total_steps(self) -> int:
        """Updates of the weights."""

    @property
    def batch(self) -> int:
        """Images per update."""

    @property
    def aug(self) -> str:
        """Level of augmentation, a key of `vit_core.datasets.rand_augment.LEVELS`."""

    @property
    def crop(self) -> str:
        """Either "inception", a random part of each image, or "resize", the whole."""

    @property
    def min_crop_area(self) -> float:
        """Share of an image that a random part keeps at least."""

    @property
    def mirror(self) -> bool:
        """Whether left and right are swapped at random."""

    @property
    def class_weights(self) -> str:
        """Either "none" or "balanced"."""

    @property
    def seed(self) -> int:
        """Decides all random choices."""
