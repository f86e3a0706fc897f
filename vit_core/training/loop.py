"""A run as a whole: `train` until it is done or told to stop, as often as it takes, then `finish`."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np

from vit_core.datasets.dataset import DataSet
from vit_core.errors import BadCheckpoint, BadRun
from vit_core.models.build import Params
from vit_core.models.config import ModelConfig
from vit_core.training.config import TrainConfig
from vit_core.training.evaluation import evaluate
from vit_core.training.listener import Herald, Listener, LoopProgress, Outcome, Silence
from vit_core.training.material import open_images
from vit_core.training.report import Effort, Report, make_report
from vit_core.training.run import Run, curve_until, last_of
from vit_core.training.saved import SavedStates
from vit_core.training.session import Session, name_devices, open_session
from vit_core.training.step import Trainer, TrainState

__all__ = ["Finished", "Listener", "LoopProgress", "Outcome", "Silence", "finish", "train"]

CHECKPOINTS_FOLDER = "checkpoints"


@dataclasses.dataclass(frozen=True)
class Finished:
    """A fine-tuned model.

    Attributes:
        model: its architecture.
        params: float32 numpy arrays of the best test's state; running averages where the run keeps them.
        report: how it did on the test part.
    """

    model: ModelConfig
    params: Params
    report: Report


def train(
    config: TrainConfig,
    dataset: DataSet,
    folder: Path,
    *,
    source: Path,
    listener: Listener,
    device: str = "auto",
    cache_dir: Path,
) -> Outcome:
    """Train until the steps are done, an early stop, or a request to stop; go on from where an earlier call ended.

    A run that was stopped or killed and called again ends with the same weights, to the bit on a CPU, as one that was
    not: order and augmentation follow from the step, and the whole state is saved. What is written: `checkpoints/`,
    `metrics.jsonl` and `tensorboard/` in the folder.

    Args:
        config: the settings.
        dataset: what is learned.
        folder: of the run; it exists.
        source: file of the checkpoint to start from.
        listener: told how it goes, and asked whether to stop.
        device: "auto", "cpu", "gpu" or "tpu"; all of that kind are used.
        cache_dir: the product's cache folder, for decoded images.

    Raises:
        BadInput: settings, checkpoint or images that cannot be used.
        Diverged: the loss is no longer a number; the last good state is kept.
        NoMemory: not even single images fit.
        StorageFull: the disk is full; the states before are intact.
    """
    with Herald(listener, total_steps=config.total_steps) as herald, contextlib.ExitStack() as stack:
        session = open_session(config, dataset, source=source, device=device)
        for note in session.notes:
            herald.say(note)
        saved = stack.enter_context(contextlib.closing(SavedStates(folder / CHECKPOINTS_FOLDER)))
        return Run(session, folder, saved, herald, cache_dir, stack).run()


def finish(
    config: TrainConfig,
    dataset: DataSet,
    folder: Path,
    *,
    source: Path,
    listener: Listener,
    device: str = "auto",
    cache_dir: Path,
) -> Finished:
    """Take the state of the best test, or the last one where there was no test, and test it for the report.

    Args and errors are those of `train`.

    Raises:
        BadRun: there is no saved state.
    """
    with Herald(listener, total_steps=config.total_steps) as herald, contextlib.ExitStack() as stack:
        session = open_session(config, dataset, source=source, device=device)
        saved = stack.enter_context(contextlib.closing(SavedStates(folder / CHECKPOINTS_FOLDER)))
        trainer = session.trainer(session.parts())
        params, steps, best_step = _best(saved, trainer.init(session.params), herald, folder)
        logits = _logits(session, trainer, params, herald, cache_dir)
        rows = curve_until(folder, steps)
        effort = Effort(
            steps=steps,
            best_step=best_step,
            seconds=float(last_of(rows, "seconds") or 0.0),
            device=name_devices(trainer.devices),
            images_per_second=last_of(rows, "images_per_second"),
        )
        return Finished(session.model, params, make_report(dataset, logits, effort=effort))


def _best(saved: SavedStates, like: TrainState, herald: Herald, folder: Path) -> tuple[Params, int, int]:
    """Give the parameters to keep, the updates that were done, and after which of them the parameters were saved."""
    restored = saved.restore(like)
    for note in saved.notes:
        herald.say(note)
    if restored is None:
        raise BadRun(f"The run in {str(folder)!r} has no saved state yet; resume it first.")
    _, steps = restored
    best_step = steps if saved.best_step is None else saved.best_step
    try:
        return saved.restore_params(best_step, like), steps, best_step
    except BadCheckpoint as error:
        herald.say(f"The state of the best test cannot be used, so that of step {steps:,} is taken: {error}")
        return saved.restore_params(steps, like), steps, steps


def _logits(session: Session, trainer: Trainer, params: Params, herald: Herald, cache_dir: Path) -> np.ndarray:
    """Answer the test part with the whole model, whatever the run itself worked on."""
    examples = session.dataset.of("test")
    if not examples:
        return np.zeros((0, session.num_classes), np.float32)
    with herald.doing("decoding"):
        images = open_images(session.dataset, examples, session.config, cache_dir=cache_dir, count=herald.count)
    with contextlib.closing(images), herald.doing("testing"):
        batch = session.test_batch(len(examples))
        return evaluate(trainer, trainer.place(params), images, images.labels, batch=batch, count=herald.count).logits
