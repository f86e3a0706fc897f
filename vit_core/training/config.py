"""What a fine-tuning run is told: every setting, its range, and one sentence of explanation. No JAX here.

The command line's flags and the page's form are made from `FIELDS`, so that a setting is explained in one place.
"""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal

from vit_core.errors import BadSetting, shorten

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
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting, for people.

    Attributes:
        label: what a form calls it.
        help: one sentence; what it does and when to change it.
        least: smallest value, for numbers.
        most: largest value, for numbers.
        open_ended: whether `least` itself is not allowed.
        choices: the values of a choice, with a phrase for each.
        basic: shown without unfolding "advanced".
    """

    label: str
    help: str
    least: float | int | None = None
    most: float | int | None = None
    open_ended: bool = False
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    basic: bool = False


_AUG_CHOICES = types.MappingProxyType(
    {
        "none": "none: crop and mirror only, as in the published fine-tunes",
        "light0": "light0: RandAugment 2 operations at magnitude 0",
        "light1": "light1: RandAugment 2 at 10, Mixup 0.2",
        "medium1": "medium1: RandAugment 2 at 15, Mixup 0.2",
        "medium2": "medium2: RandAugment 2 at 15, Mixup 0.5",
        "strong1": "strong1: RandAugment 2 at 20, Mixup 0.5",
        "strong2": "strong2: RandAugment 2 at 20, Mixup 0.8",
    }
)

FIELDS: Mapping[str, Field] = types.MappingProxyType(
    {
        "checkpoint": Field("Checkpoint", "A name in the catalogue, a file, or run:NAME, to start from.", basic=True),
        "resolution": Field(
            "Resolution (px)",
            "Side of the square the model sees; larger sees more detail and costs more than its square.",
            least=16,
            most=1024,
            basic=True,
        ),
        "total_steps": Field(
            "Steps",
            "Updates of the weights; each sees one batch. More steps help large sets and overfit tiny ones.",
            least=1,
            most=1_000_000,
            basic=True,
        ),
        "batch": Field(
            "Batch (images)",
            "Images per update. The published fine-tunes used 512; small sets want fewer.",
            least=1,
            most=65_536,
            basic=True,
        ),
        "learning_rate": Field(
            "Learning rate",
            "Highest step size, reached after the warm-up; too high diverges, too low learns nothing.",
            least=0.0,
            most=10.0,
            open_ended=True,
            basic=True,
        ),
        "warmup_steps": Field(
            "Warm-up steps",
            "Updates in which the learning rate rises from 0, so that the new head does not wreck the old weights.",
            least=0,
            most=1_000_000,
        ),
        "optimizer": Field(
            "Optimizer",
            "SGD with momentum 0.9 is what the paper fine-tuned with; AdamW wants about a 30th of the learning rate.",
            choices=types.MappingProxyType(
                {"sgd": "SGD, momentum 0.9 (as published)", "adamw": "AdamW, decoupled weight decay"}
            ),
        ),
        "weight_decay": Field(
            "Weight decay",
            "Pull of the kernels towards 0, times the learning rate; the published fine-tunes used none.",
            least=0.0,
            most=1.0,
        ),
        "trainable": Field(
            "What is trained",
            '"all"; "head" the new head alone, on features computed once; "last-4" the last four blocks and the head.',
        ),
        "aug": Field(
            "Augmentation",
            "Extra distortion of the training images by the levels of the paper; for larger sets and longer runs.",
            choices=_AUG_CHOICES,
        ),
        "crop": Field(
            "Crop",
            "A random part of each training image, as in the original recipe, or the whole, as in evaluation.",
            choices=types.MappingProxyType(
                {"inception": "random part (as published)", "resize": "the whole image, always"}
            ),
        ),
        "min_crop_area": Field(
            "Smallest crop",
            "Share of an image that a random part keeps at least; raise it where a part no longer shows the class.",
            least=0.01,
            most=1.0,
        ),
        "mirror": Field(
            "Mirror", "Swap left and right at random; switch it off where the side matters, as in writing."
        ),
        "label_smoothing": Field(
            "Label smoothing",
            "Share of each target spread over all classes; helps with noisy labels.",
            least=0.0,
            most=0.9,
        ),
        "class_weights": Field(
            "Class weights",
            "Whether a rare class counts as much as a frequent one.",
            choices=types.MappingProxyType(
                {"none": "every image counts the same", "balanced": "every class counts the same"}
            ),
        ),
        "dropout": Field(
            "Dropout",
            "Share of activations blanked while training; off in the published fine-tunes.",
            least=0.0,
            most=0.9,
        ),
        "stochastic_depth": Field(
            "Stochastic depth",
            "Chance that the last block is skipped while training, less for earlier ones; off as published.",
            least=0.0,
            most=0.9,
        ),
        "clip_norm": Field(
            "Gradient clip",
            "Longest gradient; a longer one is shortened to it. 0 switches it off.",
            least=0.0,
            most=1000.0,
        ),
        "ema_decay": Field(
            "Averaging",
            "Decay of a running average of the weights that is tested and kept, 0.999 say; 0 is off.",
            least=0.0,
            most=0.99999,
        ),
        "early_stop": Field(
            "Early stop", "End after this many tests without a better accuracy; 0 never ends early.", least=0, most=1000
        ),
        "eval_every": Field(
            "Test every (steps)", "Steps between tests; 0 tests about ten times a run.", least=0, most=1_000_000
        ),
        "checkpoint_every": Field(
            "Save every (steps)", "Steps between saved states; 0 saves at each test.", least=0, most=1_000_000
        ),
        "accum_steps": Field(
            "Parts per batch",
            "A batch is computed in this many parts, with the same result in less memory.",
            least=1,
            most=4096,
        ),
        "remat": Field(
            "Recompute", "Compute activations twice instead of keeping them: a third more time, far less memory."
        ),
        "seed": Field("Seed", "Decides the order of the images and all random choices.", least=0, most=2**31 - 1),
    }
)


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
