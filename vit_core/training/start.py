"""What a run starts from: published weights for another input size, under a new head of zeros."""

import dataclasses
import re
from pathlib import Path

import numpy as np

from vit_core.checkpoints.restore import load_checkpoint
from vit_core.errors import BadSetting
from vit_core.models.build import Params
from vit_core.models.config import ModelConfig


def start_params(
    path: Path, *, resolution: int, num_classes: int, num_heads: int | None = None
) -> tuple[ModelConfig, Params, tuple[str, ...]]:
    """Load a checkpoint to be fine-tuned.

    The head becomes one of zeros, so that every class is equally likely at first, and a `pre_logits` layer before it is
    dropped (vit_jax/checkpoint.py, `load_pretrained`; arXiv 2010.11929, section 3.2).

    Args:
        path: a local file of weights.
        resolution: side of the input in pixels; position embeddings are interpolated to it.
        num_classes: outputs K of the new head.
        num_heads: attention heads, for a file that does not tell them.

    Returns:
        The architecture, its float32 numpy parameters, and sentences on what was changed.

    Raises:
        BadSetting: no classes.
        BadCheckpoint: no checkpoint of a known architecture.
        BadInput: the resolution does not suit the patch size.
    """
    if num_classes < 1:
        raise BadSetting(f"num_classes is {num_classes}; a model needs at least one class to learn.")
    checkpoint = load_checkpoint(path, resolution=resolution, num_heads=num_heads)
    old = checkpoint.config
    config = dataclasses.replace(old, num_classes=num_classes, representation_size=None)
    params = {name: part for name, part in checkpoint.params.items() if name not in ("head", "pre_logits")}
    params["head"] = {
        "kernel": np.zeros((config.num_features, num_classes), np.float32),
        "bias": np.zeros((num_classes,), np.float32),
    }
    return config, params, (*_kept_notes(checkpoint.notes), *_head_notes(old, num_classes))


def _kept_notes(notes: tuple[str, ...]) -> tuple[str, ...]:
    """What was found out about the old head no longer matters."""
    return tuple(note for note in notes if not re.search(r"\bhead\b", note))


def _head_notes(old: ModelConfig, num_classes: int) -> tuple[str, ...]:
    replaced = f"in place of the head for {old.num_classes:,}" if old.num_classes else "since the file has none"
    new = f"A new head for {num_classes:,} classes starts at zero, {replaced}."
    if old.representation_size is None:
        return (new,)
    return (new, f"The layer before the head (pre_logits, {old.representation_size} wide) is left out, as published.")
