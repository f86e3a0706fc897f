"""Settings to start from, each with its reason: the published recipe at the size of a user's data. No JAX here."""

import dataclasses
import math
import types
from collections.abc import Mapping

import numpy as np
import pandas as pd

from vit_core.models.config import ModelConfig
from vit_core.training.activations import parts_within
from vit_core.training.config import TrainConfig, check
from vit_core.training.published import Sister, gain_of_resolution, nearest_sister

BATCHES_PER_EPOCH = 6  # as on Oxford-IIIT Pets, the smallest published set: 3,312 images in batches of 512
LEAST_BATCH = 8
LEAST_STEPS = 100
EPOCHS_OF_SMALL_SETS = 40
LEAST_WAY = 0.5  # learning rate times steps of the gentlest published fine-tune: 0.001 for 500 steps
MOST_ENLARGED = 7  # CIFAR-100's 32 px were enlarged to 224 for the published fine-tunes; more was not tried
HEAD_LEARNING_RATE = 0.1
HEAD_STEPS = 500
# Published warm-ups by length of the schedule (arXiv 2106.10270; vit_jax/configs/augreg.py).
_WARMUP = ((0, 500, 2_500, 10_000), (0, 100, 200, 500))


@dataclasses.dataclass(frozen=True)
class Proposal:
    """Settings to start from.

    Attributes:
        config: the settings, checked.
        reasons: by field of `TrainConfig`, one sentence each; fields that stay at their default may have none.
    """

    config: TrainConfig
    reasons: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class _Case:
    """What a proposal is made for."""

    model: ModelConfig
    num_train: int
    sister: Sister
    sisters: pd.DataFrame | None
    head: bool

    @property
    def is_small(self) -> bool:
        """Whether the set is far smaller than the one that is followed."""
        return 2 * self.num_train < self.sister.num_train


def propose(
    *,
    checkpoint: str,
    model: ModelConfig,
    num_train: int,
    num_test: int,
    num_classes: int,
    sisters: pd.DataFrame | None,
    memory_bytes: int | None = None,
    trainable: str = "all",
    typical_side: int | None = None,
) -> Proposal:
    """Propose settings for a data set.

    Args:
        checkpoint: name or file that the run starts from.
        model: its architecture, at its own resolution.
        num_train: images to learn from.
        num_test: images to test on.
        num_classes: of the data set.
        sisters: the catalogue's fine-tunes of the same pre-trained file; None or no scores: the paper's grid is used.
        memory_bytes: of the device, or None: then the run finds out by itself in how many parts it computes a batch.
        trainable: "all", "head" or "last-N".
        typical_side: median of the shorter sides of the images, in pixels, where it is known.
    """
    resolution, why_resolution = _resolution(model, sisters, typical_side)
    sister = nearest_sister(sisters, num_train=num_train, resolution=resolution)
    case = _Case(model.with_resolution(resolution), max(num_train, 1), sister, sisters, trainable == "head")
    batch, why_batch = _batch(case)
    steps, why_steps = _steps(case, batch)
    rate, why_rate = _learning_rate(case, batch, steps)
    warmup = min(_warmup(steps), steps - 1)
    parts, why_parts = _parts(case, batch, memory_bytes)
    area, why_area = _crop_area(case)
    config = TrainConfig(
        checkpoint=checkpoint,
        resolution=resolution,
        total_steps=steps,
        batch=batch,
        learning_rate=rate,
        warmup_steps=warmup,
        trainable=trainable,
        crop="resize" if case.head else "inception",
        min_crop_area=area,
        mirror=not case.head,
        accum_steps=parts,
    )
    check(config, patch_size=model.stride, num_train=num_train or None)
    reasons = {
        "resolution": why_resolution,
        "batch": why_batch,
        "total_steps": why_steps,
        "learning_rate": why_rate,
        "min_crop_area": why_area,
        "accum_steps": why_parts,
        "trainable": _why_trainable(trainable, num_classes),
        "eval_every": f"The {num_test} test images are asked about ten times in the run.",
        **_published_reasons(config, head=case.head),
    }
    return Proposal(config, types.MappingProxyType(reasons))


def _published_reasons(config: TrainConfig, *, head: bool) -> dict[str, str]:
    return {
        "warmup_steps": f"The rate rises over the first {config.warmup_steps} steps, in the published proportion.",
        "crop": _HEAD_WHOLE if head else "A random part of an image at each look, as in the published fine-tunes.",
        "mirror": _HEAD_WHOLE if head else _MIRROR,
        "optimizer": "SGD with momentum 0.9, as in all published fine-tunes.",
    }


_HEAD_WHOLE = "The features are computed once, so each image is always seen whole and unmirrored."
_MIRROR = "On, as published; switch it off where left and right differ in meaning, as in writing."


def _resolution(model: ModelConfig, sisters: pd.DataFrame | None, typical_side: int | None) -> tuple[int, str]:
    own = model.resolution
    if model.is_mixer:
        return own, f"An MLP-Mixer has weights for each place of its patches, so {own} px is its only resolution."
    if typical_side and own > MOST_ENLARGED * typical_side:
        fitting = max(MOST_ENLARGED * typical_side // model.stride, 2) * model.stride
        if fitting < own:
            return fitting, (
                f"Your images are about {typical_side} px; enlarged to the {own} px of this checkpoint they would "
                "cost more and show nothing more."
            )
    gain = gain_of_resolution(sisters, own)
    if gain is None or gain[1] <= 0:
        return own, f"{own} px is what this checkpoint was made for."
    larger, better, slower = gain
    return own, (
        f"{own} px is what this checkpoint was made for; its published runs at {larger} px are {100 * better:.1f} "
        f"points better and {slower:.1f} times slower."
    )


def _batch(case: _Case) -> tuple[int, str]:
    wanted = max(LEAST_BATCH, case.num_train / BATCHES_PER_EPOCH)
    batch = min(1 << round(math.log2(wanted)), case.sister.batch, case.num_train)
    if batch == case.sister.batch:
        return batch, f"As in the published runs on {case.sister.label}."
    return batch, (
        f"The published runs used {case.sister.batch}; {case.num_train:,} images allow a few updates "
        f"per pass with {batch}."
    )


def _steps(case: _Case, batch: int) -> tuple[int, str]:
    if case.head:
        return HEAD_STEPS, "A step on computed features is cheap, and the curve is flat well before the end."
    sister = case.sister
    epochs = min(sister.epochs, EPOCHS_OF_SMALL_SETS) if case.is_small else sister.epochs
    wanted = epochs * case.num_train / batch
    steps = _rounded_up(max(float(LEAST_STEPS), min(wanted, sister.steps * sister.batch / batch)))
    seen = f"each image is seen about {max(1, round(steps * batch / case.num_train))} times"
    if wanted < LEAST_STEPS:
        return steps, f"The least that a new head learns in; {seen}."
    if case.is_small and sister.epochs > EPOCHS_OF_SMALL_SETS:
        return steps, f"So {seen}; more mostly learns few images by heart."
    return steps, f"So {seen}, as in the published run on {sister.label}, the nearest in size."


def _learning_rate(case: _Case, batch: int, steps: int) -> tuple[float, str]:
    if case.head:
        return HEAD_LEARNING_RATE, "The head alone takes a higher rate than a whole model, whose rates are published."
    sister = case.sister
    scaled = sister.learning_rate * batch / sister.batch
    rate = _two_digits(min(sister.learning_rate, max(scaled, LEAST_WAY / steps)))
    known = "best" if sister.accuracy is not None else "middle"
    start = f"The {known} published rate on {sister.label}, the nearest in size, is {sister.learning_rate:g}"
    if rate == _two_digits(sister.learning_rate):
        return rate, f"{start} (batch {sister.batch})."
    if scaled >= LEAST_WAY / steps:
        return rate, f"{start} for batches of {sister.batch}; for {batch} it is lowered in proportion."
    return rate, f"{start} for batches of {sister.batch}; lowered for {batch}, but not below what {steps} steps need."


def _warmup(steps: int) -> int:
    return round(float(np.interp(steps, *_WARMUP)))


def _crop_area(case: _Case) -> tuple[float, str]:
    if case.head:
        return 1.0, _HEAD_WHOLE
    if case.model.resolution < 100:
        return 0.5, "A small part of so small an image shows little, so at least half of it is kept."
    if case.is_small:
        return 0.3, "With few images, parts that miss the thing itself teach the wrong lesson; a third is kept."
    return 0.05, "As in the published fine-tunes."


def _parts(case: _Case, batch: int, memory_bytes: int | None) -> tuple[int, str]:
    if memory_bytes is None or case.head:
        return 1, "As few as fit; when memory is short the run takes more by itself, with the same result."
    parts = parts_within(case.model, batch=batch, budget_bytes=memory_bytes // 2)
    if parts == 1:
        return 1, "A whole batch fits the memory at once."
    return parts, f"In {parts} parts of {batch // parts} a batch fits the memory; the result is the same."


def _why_trainable(trainable: str, num_classes: int) -> str:
    if trainable == "head":
        return (
            f"A new head for {num_classes} classes on features that stay as they are: fast, and somewhat less accurate."
        )
    if trainable == "all":
        return "All weights adapt to your images, as in the published fine-tunes."
    return "The last blocks and the head adapt; the rest stays as it is and costs less."


def _rounded_up(steps: float) -> int:
    """Round to two digits, upwards."""
    unit: int = 10 ** max(0, math.floor(math.log10(steps)) - 1)
    return math.ceil(steps / unit) * unit


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
