"""What a checkpoint of a catalogue costs and needs, told from its row alone, and whether a machine has room for it.

Joins the catalogue's names with the arithmetic of `vit_core.models`; reads no file and no JAX. A model whose shape the
table of variants does not know has no costs, and of its memory only the weights are known.
"""

import dataclasses
import functools
import math
import numbers
import re
from collections.abc import Mapping
from typing import Literal

import psutil

from vit_core.catalog.collection import TRANSFER_SETS, pretraining_set
from vit_core.catalog.describe import family_of_row
from vit_core.checkpoints.family_shape import family_shape
from vit_core.errors import BadInput
from vit_core.models.config import ModelConfig, variant
from vit_core.models.cost import gflops, gmacs
from vit_core.models.memory import PROCESS_BYTES, Dtype, to_classify, to_fine_tune
from vit_core.settings import bundled_data_dir

Purpose = Literal["classify", "fine-tune"]
PURPOSES: tuple[Purpose, ...] = ("classify", "fine-tune")
FINE_TUNE_IMAGES = 8  # at a time, the smallest batch that is proposed
_OWN_CLASSES = 10  # of a new task; the head is a small part whatever their number

RULE = (
    "A model fits where as much memory is free as one image at a time takes. To classify that is its weights and "
    "working memory; to fine-tune all of it (SGD) also gradients, momentum, what is kept of the image, and the state "
    "that the run began with. On a CPU the program itself takes 0.6 GB more. Computed from the architecture, not tried."
)


@dataclasses.dataclass(frozen=True)
class Needs:
    """What one checkpoint costs and needs.

    Attributes:
        resolution: side of the input in pixels that everything holds for.
        params: parameters, with the head that the file has.
        gmacs: multiply-accumulates of an image in 10^9, as timm's tables count them.
        gflops: floating-point operations of an image in 10^9, twice as many.
        classify_bytes: memory that must be free for one image at a time, on a CPU with the program's own.
        classify_8_bytes: the same for eight at a time.
        fine_tune_bytes: the same to learn from `FINE_TUNE_IMAGES` at a time, all weights, SGD.
        fine_tune_1_bytes: the same from one at a time, the least that a run needs.
        on_cpu: whether all this holds for a CPU, in float32, or for an accelerator, in bfloat16.
        with_head: whether the head is counted; it is not where nothing tells its number of classes.
    """

    resolution: int
    params: int
    gmacs: float
    gflops: float
    classify_bytes: int
    classify_8_bytes: int
    fine_tune_bytes: int
    fine_tune_1_bytes: int
    on_cpu: bool
    with_head: bool = True


def needs_of_row(row: Mapping[str, object], *, on_cpu: bool = True) -> Needs | None:
    """Give what the checkpoint of a row needs, or None where its shape is not known.

    Args:
        row: of a catalogue (a fine-tuned file) or of `pretrained_files`.
        on_cpu: whether a CPU computes.
    """
    family = family_of_row(row)
    if family is not None:
        return needs_of(family_shape(family), on_cpu=on_cpu)
    config = _shape(str(row.get("name", "")), _side(row.get("adapt_resolution")))
    if config is None:
        return None
    count = _num_classes(row)
    needs = needs_of(dataclasses.replace(config, num_classes=count or 0), on_cpu=on_cpu)
    return needs if count else dataclasses.replace(needs, with_head=False)


def cost_facts(needs: Needs) -> tuple[tuple[str, str, str | None], ...]:
    """Give label, value in words, and what to know about the value."""
    one, eight = memory_words(needs.classify_bytes), memory_words(needs.classify_8_bytes)
    headless = "" if needs.with_head else "; without the head, whose number of classes is not known"
    where = "On a CPU, the program included" if needs.on_cpu else "Of an accelerator"
    return (
        (
            "Computation",
            f"{_three_digits(needs.gmacs)} GMACs per image at {needs.resolution} px",
            "10^9 multiply-accumulates, called FLOPs by papers and timm; "
            f"{_three_digits(needs.gflops)} GFLOPs where each of the two operations counts{headless}",
        ),
        (
            "Memory to classify",
            f"{one} for one image, {eight} for 8 at a time",
            f"{where}; computed from the architecture",
        ),
        (
            "Memory to fine-tune",
            f"{memory_words(needs.fine_tune_bytes)} for {FINE_TUNE_IMAGES} images at a time",
            "All weights, SGD; fewer images at a time, a part of the blocks or recomputing need less",
        ),
    )


def memory_words(size_bytes: int) -> str:
    """Give an amount of memory with two or three digits.

    Example:
        >>> memory_words(1_893_000_000), memory_words(346_270_000), memory_words(23_456_000_000)
        ('1.9 GB', '0.35 GB', '23 GB')
    """
    return f"{size_bytes / 1e9:.{2 if size_bytes < 1e9 else 1 if size_bytes < 1e10 else 0}f} GB"


def _three_digits(value: float) -> str:
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


@functools.lru_cache(maxsize=1024)
def needs_of(config: ModelConfig, *, on_cpu: bool = True) -> Needs:
    """Give what a model needs, at the resolution and with the head of its configuration."""
    own, dtype = _own_bytes(on_cpu), _dtype(on_cpu)
    return Needs(
        resolution=config.resolution,
        params=config.num_params,
        gmacs=gmacs(config),
        gflops=gflops(config),
        classify_bytes=own + to_classify(config, batch=1, dtype=dtype).total,
        classify_8_bytes=own + to_classify(config, batch=8, dtype=dtype).total,
        fine_tune_bytes=_fine_tune_bytes(config, FINE_TUNE_IMAGES, on_cpu=on_cpu),
        fine_tune_1_bytes=_fine_tune_bytes(config, 1, on_cpu=on_cpu),
        on_cpu=on_cpu,
    )


@dataclasses.dataclass(frozen=True)
class Room:
    """The memory of a machine.

    Attributes:
        free_bytes: that a model may take.
        device: what computes, for people: "CPU", "NVIDIA H200".
        on_cpu: whether the memory is that of the machine, in which the program itself lies, too.
    """

    free_bytes: int
    device: str = "CPU"
    on_cpu: bool = True

    def holds(self, purpose: str, name: str, resolution: float, params: float) -> bool:
        """Tell whether a model fits.

        Args:
            purpose: one of `PURPOSES`.
            name: of the model, "B/16".
            resolution: side of its input in pixels; NaN for its own.
            params: parameters, which count where the shape is not known; NaN where they are not known either.
        """
        config = _shape(name, _side(resolution))
        if config is None:
            weights = 4 * params
            return bool(weights * (3 if purpose == "fine-tune" else 1) + _own_bytes(self.on_cpu) <= self.free_bytes)
        needs = needs_of(config, on_cpu=self.on_cpu)
        return (needs.fine_tune_1_bytes if purpose == "fine-tune" else needs.classify_bytes) <= self.free_bytes


def room_here() -> Room:
    """Give the memory that is free on this machine now, of the CPU."""
    return Room(psutil.virtual_memory().available)


@functools.lru_cache(maxsize=256)
def _shape(name: str, resolution: int | None) -> ModelConfig | None:
    try:
        config = variant(name)
        return config if resolution is None else config.with_resolution(resolution)
    except BadInput:
        return None


def _own_bytes(on_cpu: bool) -> int:
    """Give what the program takes of the memory in which the model lies."""
    return PROCESS_BYTES if on_cpu else 0


def _fine_tune_bytes(config: ModelConfig, batch: int, *, on_cpu: bool) -> int:
    own_head = dataclasses.replace(config, num_classes=_OWN_CLASSES)
    memory = to_fine_tune(own_head, batch=batch, dtype=_dtype(on_cpu), halves=on_cpu)
    # The weights as they were read stay in the memory of the machine.
    return memory.first_update + (memory.weights + PROCESS_BYTES if on_cpu else 0)


def _dtype(on_cpu: bool) -> Dtype:
    return "float32" if on_cpu else "bfloat16"


def _num_classes(row: Mapping[str, object]) -> int | None:
    """Give the number of classes of a row's head; None where nothing tells it."""
    tuned = _text(row, "adapt_ds")
    dataset = tuned or _text(row, "ds")
    facts = TRANSFER_SETS.get(tuned) if tuned else pretraining_set(dataset)
    return facts.num_classes if facts else _num_names(dataset)


@functools.lru_cache(maxsize=64)
def _num_names(dataset: str) -> int | None:
    """Count the class names that are bundled for a data set."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", dataset):
        return None
    path = bundled_data_dir() / "labels" / f"{dataset}.txt"
    return len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else None


def _text(row: Mapping[str, object], key: str) -> str:
    """Read a cell; empty ones are NaN, the only value that is not itself."""
    value = row.get(key)
    return "" if value is None or value != value else str(value)


def _side(value: object) -> int | None:
    """Read a resolution; empty cells are NaN, and numpy's integers are no `int`."""
    return int(float(value)) if isinstance(value, numbers.Real) and math.isfinite(value) else None
