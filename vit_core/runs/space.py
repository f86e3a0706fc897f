"""Whether the disk has room for a run, judged before it begins."""

import shutil

from vit_core.errors import ObjectMissing, StorageFull
from vit_core.runs.files import kept_on_disk
from vit_core.settings import Settings
from vit_core.store.problems import describe_size
from vit_core.store.store import Store
from vit_core.training.config import TrainConfig

_LEAST = 50_000_000  # logs, curves, and the states of the smallest models
_STATES = 3  # the best, the last, and the one being written
_RESULTS = 2  # model.npz and model.safetensors


def expected_bytes(config: TrainConfig, checkpoint_bytes: int) -> int:
    """Give how much a run will keep: weights are as many bytes as the file it starts from, and so is each moment.

    Example:
        >>> from vit_core.training.config import TrainConfig
        >>> config = TrainConfig(
        ...     checkpoint="x", resolution=224, total_steps=9, batch=4, learning_rate=0.01, warmup_steps=0
        ... )
        >>> expected_bytes(config, 100_000_000)
        850000000
    """
    copies = 1 + (2 if config.optimizer == "adamw" else 1) + (1 if config.ema_decay else 0)
    return _LEAST + checkpoint_bytes * (_STATES * copies + _RESULTS)


def check_space(config: TrainConfig, settings: Settings) -> None:
    """Refuse a run for which there is not twice the room that it is expected to need.

    Raises:
        StorageFull: the message gives both figures.
        BadInput: the checkpoint is neither a path nor a name.
    """
    try:
        path = Store(settings).local_path(config.checkpoint)
    except ObjectMissing:
        path = None
    needed = 2 * expected_bytes(config, path.stat().st_size if path else 0)
    with kept_on_disk(settings.runs_dir / "a run"):
        free = shutil.disk_usage(settings.runs_dir).free
    if free < needed:
        raise StorageFull(
            f"The disk of {str(settings.runs_dir)!r} has {describe_size(free)} free, and this run wants "
            f"{describe_size(needed)} (twice what it is expected to keep). Free some space, or set VIT_RUNS_DIR to a "
            "folder on another disk."
        )
