"""One cost at one size."""

from typing import NamedTuple

from vit_core.bench.windows import spread


class Point(NamedTuple):
    """A cost at a size.

    Attributes:
        size: how many.
        what: costs.
        unit: "s", "ms", "MB".
        figures: one per window.
    """

    size: int
    what: str
    unit: str
    figures: tuple[float, ...]

    @property
    def median(self) -> float:
        """Over the windows."""
        return spread(self.figures).median
