"""The trial: some real steps on this machine, and what they say of the time, memory and disk of a whole run."""

import contextlib
import dataclasses
import itertools
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax

from vit_core.datasets.dataset import DataSet, Example
from vit_core.errors import NoMemory
from vit_core.training.config import TrainConfig
from vit_core.training.course import Course
from vit_core.training.estimates import Cost
from vit_core.training.evaluation import Count
from vit_core.training.material import Images, Material, compute_features, open_images
from vit_core.training.memory import is_out_of_memory, more_parts, peak_memory_bytes
from vit_core.training.session import Session, name_devices, open_session
from vit_core.training.step import TrainBatch, Trainer, TrainState

_SAMPLE = 64  # images of each part that are decoded
_STATES = 3  # on the disk at once: the best, the last, and the one that is being written
_RESULT_COPIES = 3  # of the weights: .npz, .safetensors, and a zip for the user
_SMALL_FILES = 2_000_000


class _Steps(NamedTuple):
    """Timed updates: the trainer that made them, its state, the first one's seconds and those of the others."""

    trainer: Trainer
    state: TrainState
    first_seconds: float
    seconds: float


class _Input(NamedTuple):
    """Timed preparation of images, in seconds per image."""

    decode: float
    alter: float


def measure_cost(
    config: TrainConfig,
    dataset: DataSet,
    *,
    source: Path,
    device: str = "auto",
    cache_dir: Path,
    steps: int = 3,
    progress: Count | None = None,
) -> Cost:
    """Measure a few updates at the true batch and resolution, and a part of a test; nothing of it is kept.

    Args:
        config: the settings of the run.
        dataset: what is learned.
        source: file of the checkpoint.
        device: "auto", "cpu", "gpu" or "tpu".
        cache_dir: the product's cache folder; a sample of images is decoded there and deleted.
        steps: updates that are timed, after one that compiles.
        progress: told how many of these steps are done, and of how many.

    Raises:
        BadInput: settings, checkpoint or images that cannot be used.
        NoMemory: not even single images fit.
    """
    session = open_session(config, dataset, source=source, device=device)
    train, test = dataset.of("train"), dataset.of("test")
    count = progress or (lambda done, total: None)
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=cache_dir) as folder:
        images, prepared = _prepare(session, train, Path(folder))
        with contextlib.closing(images):
            feature_seconds = _time_features(session, images) if session.trains_head_alone else 0.0
            timed = _time_steps(session, _material(session, images), steps, count)
        test_compile, test_seconds = _time_test(session, timed, test, Path(folder))
    compute = timed.seconds
    per_step = _step_seconds(session, compute, prepared)
    once = prepared.decode * (len(train) + len(test)) + feature_seconds * (len(train) + len(test))
    compiling = max(0.0, timed.first_seconds - compute) + test_compile
    tests = Course(config, num_test=len(test), tests={}).tests_left(0) + 1  # the last one for the report
    if session.trains_head_alone:
        tests = 1  # the others ask for features that are there
    return Cost(
        seconds=once + compiling + per_step * config.total_steps + test_seconds * tests,
        seconds_per_step=per_step,
        compile_seconds=compiling,
        evaluation_seconds=test_seconds,
        images_per_second=config.batch / per_step,
        memory_bytes=_memory_bytes(session, timed),
        disk_bytes=_disk_bytes(session, timed.state),
        accum_steps=timed.trainer.accum_steps,
        device=name_devices(timed.trainer.devices),
    )


def _prepare(session: Session, train: Sequence[Example], folder: Path) -> tuple[Images, _Input]:
    """Decode a sample and cut crops from it."""
    sample = _sample(train)
    began = time.perf_counter()
    images = open_images(session.dataset, sample, session.config, cache_dir=folder)
    decoded = time.perf_counter() - began
    batch = min(session.config.batch, len(sample))
    short = dataclasses.replace(session.config, batch=batch, total_steps=1, accum_steps=1)
    again = open_images(session.dataset, sample, short, cache_dir=folder)
    with contextlib.closing(again), contextlib.closing(again.training(0)) as batches:
        began = time.perf_counter()
        next(batches)
        altered = time.perf_counter() - began
    return images, _Input(decoded / len(sample), altered / batch)


def _sample(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Give some, evenly over the classes, which follow one another."""
    return tuple(examples[:: max(1, -(-len(examples) // _SAMPLE))])


def _material(session: Session, images: Images) -> Material:
    if not session.trains_head_alone:
        return images
    trainer = session.trainer(1)
    params = trainer.place(session.params)
    return compute_features(
        images,
        lambda pixels: trainer.features(params, pixels),
        session.config,
        session.num_classes,
        batch=session.test_batch(len(images)),
    )


def _time_features(session: Session, images: Images) -> float:
    """Give the seconds per image, the second time, when all is compiled."""
    _material(session, images)
    began = time.perf_counter()
    _material(session, images)
    return (time.perf_counter() - began) / len(images)


def _time_steps(session: Session, material: Material, steps: int, count: Count) -> _Steps:
    """Make one update that compiles and some that are timed, in as many parts as memory asks for."""
    with contextlib.closing(material.training(0)) as endless:
        batches = list(itertools.islice(endless, min(steps, session.config.total_steps - 1) + 1))
    parts = session.parts()
    while True:
        trainer = session.trainer(parts)
        try:
            return _make_steps(trainer, trainer.init(session.params), batches, count)
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            smaller = more_parts(session.config.batch, parts)
            if smaller is None:
                raise NoMemory(
                    f"The device ({name_devices(trainer.devices)}) has too little memory for a single image of "
                    f"{session.model.variant} at {session.config.resolution} px; take a smaller model or resolution."
                ) from error
            parts = smaller


def _make_steps(trainer: Trainer, state: TrainState, batches: Sequence[TrainBatch], count: Count) -> _Steps:
    seconds = []
    for number, batch in enumerate(batches):
        began = time.perf_counter()
        state, metrics = trainer.step(state, batch)
        jax.device_get(metrics)  # of the same program as the state, so that both are there
        seconds.append(time.perf_counter() - began)
        count(number + 1, len(batches))
    return _Steps(trainer, state, seconds[0], statistics.median(seconds[1:] or seconds))


def _time_test(session: Session, timed: _Steps, test: Sequence[Example], folder: Path) -> tuple[float, float]:
    """Give the seconds that compiling a test and that one test take."""
    if not test:
        return 0.0, 0.0
    batch = session.test_batch(len(test))
    images = open_images(session.dataset, _sample(test), session.config, cache_dir=folder)
    with contextlib.closing(images), contextlib.closing(images.batches(batch)) as batches:
        pixels = next(batches).images
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        timed.trainer.predict(timed.state, pixels)
        seconds.append(time.perf_counter() - began)
    return max(0.0, seconds[0] - seconds[1]), seconds[1] * math.ceil(len(test) / batch)


def _step_seconds(session: Session, compute: float, prepared: _Input) -> float:
    """On a CPU preparing the images takes from the cores that compute; beside an accelerator it goes on meanwhile."""
    if session.trains_head_alone:
        return compute
    preparing = prepared.alter * session.config.batch
    return compute + preparing if session.on_cpu else max(compute, preparing)


def _memory_bytes(session: Session, timed: _Steps) -> int:
    peak = peak_memory_bytes(timed.trainer.devices[0])
    return peak + _state_bytes(timed.state) if session.on_cpu else peak  # a state is copied to be written


def _state_bytes(state: TrainState) -> int:
    moving = (state.trained, state.opt_state, state.ema)
    return sum(int(leaf.nbytes) for leaf in jax.tree.leaves(moving))


def _disk_bytes(session: Session, state: TrainState) -> int:
    weights = sum(int(leaf.nbytes) for leaf in jax.tree.leaves(session.params))
    pixels = sum(_kept_bytes(session, example) for example in session.dataset.examples)
    return _STATES * _state_bytes(state) + _RESULT_COPIES * weights + pixels + _SMALL_FILES


def _kept_bytes(session: Session, example: Example) -> int:
    """Give what a decoded image takes: whole and square, or for crops with a shorter side of 8/7 of the resolution."""
    resolution, config = session.config.resolution, session.config
    if example.part == "test" or session.trains_head_alone or config.crop == "resize":
        return 3 * resolution**2
    short, long = sorted((example.width, example.height))
    scale = min(1.0, 8 / 7 * resolution / short)
    return int(3 * short * long * scale**2)
