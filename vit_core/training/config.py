"""What a fine-tuning run is told: every setting, checked; explained in `fields`. No JAX here."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

from vit_core.errors import BadSetting, shorten
from vit_core.training.fields import FIELDS, Field

__all__ = ["FIELDS", "Field", "TrainConfig", "check", "check_given", "from_plain", "num_blocks", "to_plain"]

Optimizer = Literal["sgd", "adamw"]
Augmentation = Literal["none", "light0", "light1", "medium1", "medium2", "strong1", "strong2"]
Crop = Literal["inception", "resize"]
ClassWeights = Literal["none", "balanced"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of a run; see `FIELDS` for the meaning, unit and range of each. Check with `check`."""

    checkpoint: str
    resolution: int
    total_steps: int
    batch: int
    learning_rate: float
    warmup_steps: int
    optimizer: Optimizer = "sgd"
    weight_decay: float = 0.0
    trainable: str = "all"
    aug: Augmentation = "none"
    crop: Crop = "inception"
    min_crop_area: float = 0.05
    mirror: bool = True
    label_smoothing: float = 0.0
    class_weights: ClassWeights = "none"
    dropout: float = 0.0
    stochastic_depth: float = 0.0
    clip_norm: float = 1.0
    ema_decay: float = 0.0
    early_stop: int = 0
    eval_every: int = 0
    checkpoint_every: int = 0
    accum_steps: int = 1
    remat: bool = False
    num_heads: int = 0
    seed: int = 0


def check(
    config: TrainConfig, *, patch_size: int | None = None, num_train: int | None = None, num_layers: int | None = None
) -> None:
    """Refuse impossible settings.

    Args:
        config: the settings.
        patch_size: side in pixels of what the resolution must be a multiple of, where it is known.
        num_train: images to learn from, where it is known.
        num_layers: blocks of the model, where they are known.

    Raises:
        BadSetting: the first impossible value; the message names the field, the value and the rule.
    """
    check_given(to_plain(config), patch_size=patch_size, num_layers=num_layers)
    if num_train is not None and config.batch > num_train:
        raise BadSetting(f"batch is {config.batch}, and there are only {num_train} images to learn from; take fewer.")


def check_given(given: Mapping[str, Any], *, patch_size: int | None = None, num_layers: int | None = None) -> None:
    """Refuse impossible settings among some, as soon as they are known: before data are read, say.

    Args:
        given: values by the name of their field.
        patch_size: as for `check`.
        num_layers: as for `check`.

    Raises:
        BadSetting: the first impossible value; the message names the field, the value and the rule.
    """
    for name in filter(given.__contains__, FIELDS):
        _check_field(name, FIELDS[name], given[name])
    blocks = num_blocks(given.get("trainable", "all"))
    if num_layers is not None and blocks is not None and blocks > num_layers:
        raise BadSetting(f"trainable is {given['trainable']!r}, and this model has {num_layers} blocks; take fewer.")
    steps, warmup = given.get("total_steps"), given.get("warmup_steps")
    if warmup and steps is not None and warmup >= steps:
        raise BadSetting(f"warmup_steps is {warmup}, and there are only {steps} steps; take fewer.")
    batch, parts = given.get("batch", 0), given.get("accum_steps", 1)
    if batch % parts:
        raise BadSetting(f"batch is {batch}, which does not divide into accum_steps = {parts} parts.")
    resolution = given.get("resolution")
    if patch_size and resolution is not None and resolution % patch_size:
        near = max(1, round(resolution / patch_size)) * patch_size
        raise BadSetting(
            f"resolution is {resolution}, and this model needs a multiple of {patch_size} pixels; {near} is close."
        )


def num_blocks(trainable: str) -> int | None:
    """Give how many of the last blocks are trained: None for all, 0 for the head alone.

    Raises:
        BadSetting: neither "all", "head" nor "last-N".

    Example:
        >>> num_blocks("last-4")
        4
    """
    if trainable == "all":
        return None
    if trainable == "head":
        return 0
    kind, _, count = trainable.partition("-")
    if kind != "last" or not (count.isascii() and count.isdigit()) or not 1 <= int(count[:4]) <= 999:
        raise BadSetting(
            f'trainable is {shorten(trainable)!r}; it must be "all", "head" or "last-N", such as "last-4".'
        )
    return int(count)


def to_plain(config: TrainConfig) -> dict[str, Any]:
    """Give the settings as a JSON object."""
    return dataclasses.asdict(config)


def from_plain(plain: Mapping[str, object], *, where: str) -> TrainConfig:
    """Read settings from a JSON object.

    Raises:
        BadSetting: a missing or unknown field, or an impossible value; the message names it and `where`.
    """
    known = {field.name: field for field in dataclasses.fields(TrainConfig)}
    required = {name for name, field in known.items() if field.default is dataclasses.MISSING}
    if missing := required - set(plain):
        raise BadSetting(f"{shorten(where)!r} lacks the setting {sorted(missing)[0]!r}.")
    if unknown := set(plain) - set(known):
        raise BadSetting(f"{shorten(where)!r} has the unknown setting {shorten(sorted(unknown)[0])!r}.")
    config = TrainConfig(**{name: _typed(name, value, known[name].type) for name, value in plain.items()})  # type: ignore[arg-type]  # checked by _typed
    check(config)
    return config


def _typed(name: str, value: object, kind: object) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else math.copysign(math.inf, value)
    expected = kind if isinstance(kind, type) else str
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise BadSetting(f"{name} is {shorten(repr(value))}, which is not a value of that setting.")
    return value


def _check_field(name: str, field: Field, value: object) -> None:
    if field.choices and value not in field.choices:
        raise BadSetting(f"{name} is {shorten(str(value))!r}; it must be one of {', '.join(field.choices)}.")
    if field.least is None or field.most is None:
        return
    assert isinstance(value, int | float)  # noqa: S101 - the types of TrainConfig
    inside = field.least < value <= field.most if field.open_ended else field.least <= value <= field.most
    if not inside:  # nor is what is not a number
        rule = f"above {field.least:,.15g} and at most" if field.open_ended else f"from {field.least:,.15g} to"
        shown = f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"
        raise BadSetting(f"{name} is {shorten(shown, 40)}; it must be {rule} {field.most:,.15g}.")
