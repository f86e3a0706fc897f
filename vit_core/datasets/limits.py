"""How much of a user's data is taken at all, and how the split is drawn where the user gives none."""

import dataclasses
from collections.abc import Callable

from vit_core.image_file import ImageLimits

Progress = Callable[[int, int], None]
"""Told after each file: how many are done, and how many there are. Called by the thread that asked for the intake; what
it raises ends the intake, and nothing of it stays on the disk."""


@dataclasses.dataclass(frozen=True)
class IntakeOptions:
    """What decides an intake apart from the files.

    Attributes:
        test_share: of each class that is drawn for testing where the user gives no test part; 0 to 1.
        seed: of that draw.
        max_classes: more are refused.
        entries: in a zip or an upload; more are refused from the zip's listing. A folder has no such limit.
        size_bytes: of a zip's or upload's files in all, unpacked, as the listing declares them.
        ratio: most that a zip may be larger unpacked than packed. Photos hardly shrink; a hundredfold is a trap.
        image: what is refused of a single picture.
    """

    test_share: float = 0.2
    seed: int = 0
    max_classes: int = 1000
    entries: int = 20_000
    size_bytes: int = 2_000_000_000
    ratio: float = 100.0
    image: ImageLimits = dataclasses.field(default_factory=ImageLimits)
