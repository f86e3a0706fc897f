"""What a benchmark is told, and what it takes where it is told nothing."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from vit_core.errors import BadSetting

Dtype = Literal["auto", "float32", "bfloat16"]
DTYPES: tuple[Dtype, ...] = ("auto", "float32", "bfloat16")
RESOLUTION = 224
WINDOWS = 7


class Default(NamedTuple):
    """The model and the batch of a benchmark; None where it has neither."""

    model: str | None = None
    batch: int | None = None


BENCHES: Mapping[str, Default] = MappingProxyType(
    {
        "infer": Default("B/16", 8),
        "train": Default("Ti/16", 32),
        "load": Default("B/16"),
        "start": Default("B/16"),
        "decode": Default("Ti/16", 32),
        "catalog": Default(),
        "pages": Default(),
    }
)
"""The benchmarks by name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one run of a benchmark.

    Attributes:
        model: a published architecture, "B/16"; "" for a benchmark without one.
        batch: images at a time; 0 for a benchmark without one.
        resolution: side of the input in pixels.
        dtype: what products are computed in; "auto" as the product does on the device.
        windows: how often each figure is measured.
        window_s: shortest window, in seconds.
        device: "auto", "cpu", "gpu" or "tpu".
    """

    model: str = ""
    batch: int = 0
    resolution: int = RESOLUTION
    dtype: Dtype = "auto"
    windows: int = WINDOWS
    window_s: float = 1.0
    device: str = "auto"

    def to_plain(self) -> dict[str, object]:
        """Give what was told, without what does not apply."""
        told = dataclasses.asdict(self)
        if not self.model:
            told = {name: told[name] for name in ("windows", "window_s")}
        return {name: value for name, value in told.items() if value not in ("", 0)}


def choose(
    bench: str,
    *,
    model: str | None,
    batch: int | None,
    resolution: int | None,
    dtype: Dtype,
    windows: int,
    window_s: float,
    device: str,
) -> Options:
    """Fill in what was not told, and refuse what a benchmark would pass over in silence.

    Raises:
        BadSetting: a number out of its range, or an option that this benchmark has no use for.
    """
    default = BENCHES[bench]
    for flag, value, used in (
        ("model", model, default.model),
        ("resolution", resolution, default.model),
        ("batch", batch, default.batch),
    ):
        if value is not None and used is None:
            raise BadSetting(
                f"--{flag} is {value!r}, but bench {bench} measures nothing that depends on it; leave it out."
            )
    if dtype != "auto" and bench != "infer":
        raise BadSetting(f"--dtype is {dtype!r}, but bench {bench} computes as the product does; it goes with infer.")
    for flag, number in (("batch", batch), ("windows", windows), ("resolution", resolution)):
        if number is not None and number < 1:
            raise BadSetting(f"--{flag} is {number}; it must be 1 or more.")
    if not 0 < window_s <= 3600:
        raise BadSetting(f"--window-s is {window_s:g}; it must be above 0 and at most 3600 seconds.")
    return Options(
        model=model or default.model or "",
        batch=batch or default.batch or 0,
        resolution=resolution or RESOLUTION,
        dtype=dtype,
        windows=windows,
        window_s=window_s,
        device=device,
    )
