"""What is measured before a run: a first accuracy, and what the run will cost. No JAX here.

Holds the two answers and how they are written as JSON; measuring is the business of `probe` and `trial`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from vit_core.errors import BadRun, shorten

Estimate = TypeVar("Estimate", bound="_Plain")


class _Plain:
    """A dataclass that can be written as a JSON object and read back."""

    def to_plain(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]  # the subclasses are dataclasses

    @classmethod
    def from_plain(cls: type[Estimate], plain: Mapping[str, Any], *, where: str = "The estimate") -> Estimate:
        """Read it from a JSON object.

        Args:
            plain: what `to_plain` gave, through JSON or not.
            where: the file, for messages.

        Raises:
            BadRun: not such an object.
        """
        try:
            return cls(**{name: _tuples(plain[name]) for name in cls.__dataclass_fields__})  # type: ignore[attr-defined]  # the subclasses are dataclasses
        except (KeyError, TypeError, ValueError) as error:
            raise BadRun(f"{shorten(where)!r} lacks what belongs there: {shorten(str(error), 80)}.") from error


@dataclasses.dataclass(frozen=True)
class QuickLook(_Plain):
    """A first accuracy: a linear classifier on the features of the checkpoint as it is.

    Attributes:
        accuracy: on the test part, 0 to 1; fine-tuning usually ends above it.
        interval: where it lies with 95 % confidence.
        num_test: test images.
        seconds: that the look took.
        curve: (updates of the classifier, accuracy on the test part), rising in the first.
        device: "CPU", "NVIDIA H200".
    """

    accuracy: float
    interval: tuple[float, float]
    num_test: int
    seconds: float
    curve: tuple[tuple[int, float], ...]
    device: str


@dataclasses.dataclass(frozen=True)
class Cost(_Plain):
    """What a run will take on this machine, from a few real steps of it.

    Attributes:
        seconds: for the whole run, compiling and all tests included.
        seconds_per_step: of one update.
        compile_seconds: before the first update.
        evaluation_seconds: of one test on the test part.
        images_per_second: that are learned from, between tests.
        memory_bytes: most that the run holds: of the accelerator, else of the machine.
        disk_bytes: most that its folder and its cache of decoded images take.
        accum_steps: parts that a batch had to be computed in.
        device: "CPU", "NVIDIA H200".
    """

    seconds: float
    seconds_per_step: float
    compile_seconds: float
    evaluation_seconds: float
    images_per_second: float
    memory_bytes: int
    disk_bytes: int
    accum_steps: int
    device: str


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(_tuples(each) for each in value) if isinstance(value, list | tuple) else value
