"""A test between updates: every image once, whole, as predictions see it; logits, accuracy and loss."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Float, Int

from vit_core.errors import NoMemory
from vit_core.models.build import Params
from vit_core.models.config import ModelConfig
from vit_core.training.memory import is_out_of_memory
from vit_core.training.report import log_softmax
from vit_core.training.step import TrainBatch, Trainer, TrainState

_CPU_BYTES, _ACCELERATOR_BYTES = 300_000_000, 4_000_000_000  # that a batch may take on its way through one block
_MOST_ON_CPU, _MOST = 32, 512

Count = Callable[[int, int], None]  # images done, images in all


@runtime_checkable
class Source(Protocol):
    """Images to ask, in their order."""

    def __len__(self) -> int: ...

    def batches(self, batch: int) -> Iterator[TrainBatch]:
        """Give all of them; the last batch is padded."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a test found.

    Attributes:
        logits: float32 [n, K], in the order of the images.
        accuracy: share of the images whose class came out first, 0 to 1.
        loss: mean cross-entropy in nats, without smoothing, every image counted the same.
    """

    logits: Float[np.ndarray, "n K"]
    accuracy: float
    loss: float


def evaluate(
    trainer: Trainer,
    weights: TrainState | Params,
    source: Source,
    labels: Int[np.ndarray, " n"],
    *,
    batch: int,
    count: Count = lambda done, total: None,
) -> Evaluation:
    """Ask about all images.

    Args:
        trainer: of the model.
        weights: a state, whose running average counts if there is one, or parameters.
        source: the images.
        labels: their classes.
        batch: images at a time; halved for as long as memory does not suffice.
        count: told how far it is, after each batch; may raise to end the test.

    Raises:
        NoMemory: not even one image fits.
    """
    logits = ask(lambda images: trainer.predict(weights, images), source, batch=batch, count=count)
    log_probs = log_softmax(logits.astype(np.float64))
    right = logits.argmax(axis=1) == labels
    return Evaluation(logits, float(right.mean()), float(-log_probs[np.arange(len(labels)), labels].mean()))


def ask(
    answer: Callable[[np.ndarray], np.ndarray],
    source: Source,
    *,
    batch: int,
    count: Count = lambda done, total: None,
) -> Float[np.ndarray, "n D"]:
    """Give what `answer` gives for all images, in smaller batches when memory does not suffice; see `evaluate`."""
    while True:
        try:
            return _ask(answer, source, batch, count)
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if batch == 1:
                raise NoMemory(
                    "The device has too little memory for a single image; take a smaller model or resolution."
                ) from error
            batch //= 2


def batch_that_fits(model: ModelConfig, *, on_cpu: bool, num_images: int) -> int:
    """Give how many images to ask about at a time: a power of two that memory allows and that is not mostly padding."""
    tokens = model.num_tokens
    per_image = 4 * (tokens * (8 * model.hidden_size + model.mlp_dim) + 2 * model.num_heads * tokens**2)
    if model.resnet:
        per_image += 4 * 3 * (model.resolution // 2) ** 2 * model.resnet.width
    budget, most = (_CPU_BYTES, _MOST_ON_CPU) if on_cpu else (_ACCELERATOR_BYTES, _MOST)
    fitting = max(1, min(budget // per_image, most, num_images))
    return 1 << (fitting.bit_length() - 1)


def _ask(answer: Callable[[np.ndarray], np.ndarray], source: Source, batch: int, count: Count) -> np.ndarray:
    answers, done = [], 0
    batches = source.batches(batch)
    with closing(batches):  # type: ignore[type-var]  # ours are generators
        for images in batches:
            answers.append(answer(images.images))
            done = min(done + batch, len(source))
            count(done, len(source))
    return np.concatenate(answers)[: len(source)] if answers else np.zeros((0, 0), np.float32)
