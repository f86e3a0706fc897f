"""`bench train`: images per second and memory of fine-tuning steps, through the product's own trainer."""

from typing import NamedTuple

import jax
import numpy as np

from vit_core.bench.ceilings import MATRIX, matrix_product
from vit_core.bench.conditions import Conditions
from vit_core.bench.options import Options
from vit_core.bench.report import Report, Row, with_share
from vit_core.bench.weights import model_config, random_images, random_params
from vit_core.bench.windows import interleave, rate
from vit_core.devices import pick_devices
from vit_core.models.config import ModelConfig
from vit_core.models.cost import gflops
from vit_core.training.activations import parts_on_cpu
from vit_core.training.config import TrainConfig
from vit_core.training.memory import peak_memory_bytes
from vit_core.training.session import name_devices
from vit_core.training.step import Trainer

NUM_CLASSES = 10
LEARNING_RATE = 0.003
_FORWARD_AND_BACKWARD = 3  # in forward passes: the gradient takes the products once by inputs and once by weights
_ENDLESS = 1_000_000  # steps of a run that is never finished


class RandomBatch(NamedTuple):
    """Noise with classes, as a step takes it: see `vit_core.training.step.TrainBatch`."""

    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


class Steps:
    """A run that only ever learns one batch of noise.

    Attributes:
        peak_bytes: the most memory that was in use so far.
    """

    def __init__(self, model: ModelConfig, *, batch: int, devices: tuple[jax.Device, ...]) -> None:
        """Prepare; the first step compiles."""
        on_cpu = devices[0].platform == "cpu"
        self._trainer = Trainer(
            training_config(batch, model.resolution),
            model,
            devices=devices,
            accum_steps=parts_on_cpu(model, batch=batch, told=1) if on_cpu else 1,  # as a run does
            num_classes=model.num_classes,
        )
        self._state = self._trainer.init(random_params(model))
        self._batch = random_batch(batch, model.resolution, num_classes=model.num_classes)

    @property
    def devices(self) -> tuple[jax.Device, ...]:
        """Those that are used."""
        return self._trainer.devices

    @property
    def peak_bytes(self) -> int:
        """The most memory that was in use so far."""
        return peak_memory_bytes(self._trainer.devices[0])

    def step(self) -> float:
        """Make one update and give its loss, which waits until it is made."""
        self._state, metrics = self._trainer.step(self._state, self._batch)
        return float(metrics.loss)


def training_config(batch: int, resolution: int) -> TrainConfig:
    """Give the settings of the published fine-tunes: SGD with momentum, gradients clipped to length 1."""
    return TrainConfig(
        checkpoint="random",
        resolution=resolution,
        total_steps=_ENDLESS,
        batch=batch,
        learning_rate=LEARNING_RATE,
        warmup_steps=0,
    )


def random_batch(batch: int, resolution: int, *, num_classes: int) -> RandomBatch:
    """Give a batch of noise, its classes in turn."""
    targets = np.eye(num_classes, dtype=np.float32)[np.arange(batch) % num_classes]
    return RandomBatch(random_images(batch, resolution), targets, np.ones(batch, np.float32))


def measure(options: Options) -> Report:
    """Measure one model at one batch size.

    Raises:
        UnknownName: no such model.
        BadInput: the resolution does not suit the model.
    """
    conditions, devices = Conditions(), pick_devices(options.device)
    config = model_config(options.model, resolution=options.resolution, num_classes=NUM_CLASSES)
    steps = Steps(config, batch=options.batch, devices=devices)
    dtype = "float32" if steps.devices[0].platform == "cpu" else "bfloat16"
    figures = interleave(
        {
            MATRIX: matrix_product(steps.devices[0], dtype=dtype, at_least_s=min(0.5, options.window_s)),
            "step": rate(steps.step, amount=options.batch, at_least_s=options.window_s),
        },
        windows=options.windows,
    )
    row = Row(task="fine-tuning step", unit="img/s", better="more", figures=tuple(figures["step"]))
    work = _FORWARD_AND_BACKWARD * gflops(config) / len(steps.devices)
    return Report(
        bench="train",
        subject=f"{options.model}, batch {options.batch}, {options.resolution} px, {dtype}",
        options=options.to_plain(),
        measured=conditions.to_plain(device=name_devices(steps.devices), dtype=dtype),
        rows=(
            with_share(row, of=figures[MATRIX], ceiling=MATRIX, amount=work),
            Row(task="peak memory", unit="MB", better="less", figures=(steps.peak_bytes / 1e6,)),
            Row(task=MATRIX, unit="GFLOP/s", better="more", figures=tuple(figures[MATRIX])),
        ),
    )
