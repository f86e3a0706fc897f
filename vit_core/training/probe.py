"""The quick look: a first accuracy in seconds, from a linear classifier on the features of a checkpoint as it is."""

import functools
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float32, Int, Int32, PyTree

from vit_core.datasets.dataset import DataSet, Example
from vit_core.errors import BadDataset
from vit_core.training.config import TrainConfig
from vit_core.training.estimates import QuickLook
from vit_core.training.evaluation import Count
from vit_core.training.material import compute_features, open_images
from vit_core.training.report import wilson_interval
from vit_core.training.session import Session, name_devices, open_session
from vit_core.training.step import Trainer

_BUDGET_S = 30.0  # for the features of each part; larger sets are looked at in part
_LEAST_PER_CLASS = 5
_CURVE = (1, 2, 5, 10, 20, 50, 100, 200)  # updates after which the test part is asked
_RATE, _PENALTY = 0.05, 1e-3


class _Part(NamedTuple):
    features: Float32[np.ndarray, "n D"]
    labels: Int32[np.ndarray, " n"]


def quick_look(
    config: TrainConfig,
    dataset: DataSet,
    *,
    source: Path,
    device: str = "auto",
    cache_dir: Path,
    progress: Count | None = None,
) -> QuickLook:
    """Give the accuracy of a linear classifier on features computed once, every image seen whole.

    Of a large data set as many images are taken as can be computed in half a minute, drawn by the seed. The classifier
    is fitted to all of them at once (Adam, standardised features, a small penalty on the weights).

    Args:
        config: the settings of the run; resolution and seed count.
        dataset: what is learned.
        source: file of the checkpoint.
        device: "auto", "cpu", "gpu" or "tpu".
        cache_dir: the product's cache folder; nothing is written there.
        progress: told how many images are done, and of how many.

    Raises:
        BadInput: settings, checkpoint or images that cannot be used; a part without images.
        NoMemory: not even one image fits the device.
    """
    began = time.perf_counter()
    del cache_dir  # every image is asked for once: keeping its pixels would be for nothing
    config = replace(config, trainable="head", accum_steps=1)
    session = open_session(config, dataset, source=source, device=device)
    trainer = session.trainer(1)
    train, test = _drawn(dataset, "train", config.seed), _drawn(dataset, "test", config.seed)
    if not train or not test:
        raise BadDataset("A quick look needs images to learn from and images to test on.")
    total = len(train) + len(test)
    count = progress or (lambda done, total: None)
    learned = _features(session, trainer, train, lambda done, _: count(done, total))
    asked = _features(session, trainer, test, lambda done, _: count(len(train) + done, total))
    curve = _fit(learned, asked, num_classes=len(dataset.classes))
    accuracy = curve[-1][1]
    return QuickLook(
        accuracy=accuracy,
        interval=wilson_interval(round(accuracy * len(asked.labels)), len(asked.labels)),
        num_test=len(asked.labels),
        seconds=time.perf_counter() - began,
        curve=curve,
        device=name_devices(trainer.devices),
    )


def _drawn(dataset: DataSet, part: str, seed: int) -> tuple[Example, ...]:
    """Give a part in a random order, but a few of each class first, lest a class be left out."""
    examples = [example for example in dataset.examples if example.part == part]
    shuffled = [examples[place] for place in np.random.default_rng(seed).permutation(len(examples))]
    if part == "test":  # the accuracy is to be that of the whole part, so its mixture of classes stays
        return tuple(shuffled)
    seen = dict.fromkeys(range(len(dataset.classes)), 0)
    first: list[Example] = []
    rest: list[Example] = []
    for example in shuffled:
        (first if seen[example.label] < _LEAST_PER_CLASS else rest).append(example)
        seen[example.label] += 1
    return tuple(first + rest)


def _features(session: Session, trainer: Trainer, examples: Sequence[Example], count: Count) -> _Part:
    """Compute as many as there is time for."""
    batch = session.test_batch(len(examples))
    params = trainer.place(session.params)
    least = min(len(examples), _LEAST_PER_CLASS * session.num_classes)
    parts, done, began = [], 0, time.monotonic()
    while done < len(examples) and (done < least or time.monotonic() - began < _BUDGET_S):
        chosen = examples[done : done + 4 * batch]
        images = open_images(session.dataset, chosen, session.config, cache_dir=None)
        parts.append(
            compute_features(
                images,
                lambda pixels: trainer.features(params, pixels),
                session.config,
                session.num_classes,
                batch=batch,
            )
        )
        done += len(chosen)
        count(done, len(examples))
    return _Part(np.concatenate([part.features for part in parts]), np.concatenate([part.labels for part in parts]))


def _fit(learned: _Part, asked: _Part, *, num_classes: int) -> tuple[tuple[int, float], ...]:
    """Fit the classifier and give its curve; ends early where a large set takes too long."""
    mean, deviation = learned.features.mean(axis=0), learned.features.std(axis=0) + 1e-6
    features, questions = ((part.features - mean) / deviation for part in (learned, asked))
    optimizer = optax.adam(_RATE)
    weights = {
        "kernel": jnp.zeros((features.shape[1], num_classes)),
        "bias": jnp.zeros(num_classes),
    }
    state = optimizer.init(weights)
    curve: list[tuple[int, float]] = []
    before, began = 0, time.monotonic()
    for updates in _CURVE:
        weights, state = _update(optimizer, weights, state, features, learned.labels, updates - before)
        answers = np.asarray(questions @ weights["kernel"] + weights["bias"]).argmax(axis=1)
        curve.append((updates, float((answers == asked.labels).mean())))
        before = updates
        if time.monotonic() - began > _BUDGET_S:
            break
    return tuple(curve)


@functools.partial(jax.jit, static_argnums=0)
def _update(
    optimizer: optax.GradientTransformation,
    weights: PyTree,
    state: PyTree,
    features: Float[Array | np.ndarray, "n D"],
    labels: Int[Array | np.ndarray, " n"],
    count: int | Array,
) -> tuple[PyTree, PyTree]:
    """Make some updates on all features at once."""

    def loss(weights: PyTree) -> Array:
        logits = features @ weights["kernel"] + weights["bias"]
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        penalised: Array = losses.mean() + _PENALTY * (weights["kernel"] ** 2).sum()
        return penalised

    def once(_: Array, carried: tuple[PyTree, PyTree]) -> tuple[PyTree, PyTree]:
        weights, state = carried
        updates, state = optimizer.update(jax.grad(loss)(weights), state, weights)
        return optax.apply_updates(weights, updates), state

    moved: tuple[PyTree, PyTree] = jax.lax.fori_loop(0, count, once, (weights, state))
    return moved
