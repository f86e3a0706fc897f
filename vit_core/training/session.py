"""What every piece of work on a run begins with: settings that hold, devices, the model as it starts."""

import dataclasses
from pathlib import Path

import jax

from vit_core.datasets.dataset import DataSet
from vit_core.devices import describe_device, pick_devices
from vit_core.errors import BadDataset
from vit_core.models.build import Params
from vit_core.models.config import ModelConfig
from vit_core.training.activations import parts_on_cpu
from vit_core.training.config import TrainConfig, check
from vit_core.training.evaluation import batch_that_fits
from vit_core.training.start import start_params
from vit_core.training.step import Trainer


@dataclasses.dataclass(frozen=True)
class Session:
    """A run's settings, and what follows from them and its checkpoint.

    Attributes:
        config: the settings, checked.
        dataset: what is learned.
        model: the architecture, with a head for the classes of the data set.
        params: where the weights start; float32 numpy arrays, the head zeros.
        notes: sentences on what was changed about the checkpoint.
        devices: those the user chose.
    """

    config: TrainConfig
    dataset: DataSet
    model: ModelConfig
    params: Params
    notes: tuple[str, ...]
    devices: tuple[jax.Device, ...]

    @property
    def trains_head_alone(self) -> bool:
        """Whether the features can be computed once for all."""
        return self.config.trainable == "head"

    @property
    def on_cpu(self) -> bool:
        """Whether there is no accelerator in use."""
        return bool(self.devices[0].platform == "cpu")

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.dataset.classes)

    def parts(self) -> int:
        """Give in how many parts a batch is computed at first.

        An accelerator says when its memory is short, and more parts are taken then. A machine without one would rather
        kill the process, so that the memory is planned there.
        """
        told = self.config.accum_steps
        if not self.on_cpu or self.trains_head_alone:
            return told
        return parts_on_cpu(self.model, batch=self.config.batch, told=told, remat=self.config.remat)

    def trainer(self, accum_steps: int) -> Trainer:
        """Prepare the updates; nothing is compiled yet."""
        return Trainer(
            self.config, self.model, devices=self.devices, accum_steps=accum_steps, num_classes=self.num_classes
        )

    def test_batch(self, num_images: int) -> int:
        """Give how many images to ask about at a time."""
        return batch_that_fits(self.model, on_cpu=self.on_cpu, num_images=num_images) * len(self.devices)


def open_session(config: TrainConfig, dataset: DataSet, *, source: Path, device: str) -> Session:
    """Check settings against the data set and the checkpoint, and load the checkpoint.

    Args:
        config: the settings.
        dataset: what is to be learned.
        source: file of the checkpoint to start from.
        device: "auto", "cpu", "gpu" or "tpu".

    Raises:
        BadDataset: there are no images to learn from.
        BadSetting: a setting does not suit the model, the data set or the machine.
        BadCheckpoint: the file is no checkpoint of a known architecture.
    """
    num_train = len(dataset.of("train"))
    if not num_train:
        raise BadDataset("There are no images to learn from.")
    devices = pick_devices(device)
    model, params, notes = start_params(
        source,
        resolution=config.resolution,
        num_classes=len(dataset.classes),
        num_heads=config.num_heads or None,
    )
    check(config, patch_size=model.stride, num_train=num_train)
    return Session(config, dataset, model, params, notes, devices)


def name_devices(devices: tuple[jax.Device, ...]) -> str:
    """Name what computes, for people: "CPU", "4 x NVIDIA H200"."""
    name = describe_device(devices[0])
    return name if len(devices) == 1 else f"{len(devices)} x {name}"
