"""Writing the curve of a run: `metrics.jsonl` for our pages, event files for TensorBoard."""

import json
import math
import os
import types
from collections.abc import Mapping
from pathlib import Path

from tensorboardX import SummaryWriter

from vit_core.training.disk import keeping
from vit_core.training.metrics_file import Row

FILE_NAME = "metrics.jsonl"
EVENTS_FOLDER = "tensorboard"
# The names in TensorBoard; what is not named here is not shown there.
_TAGS: Mapping[str, str] = types.MappingProxyType(
    {
        "loss": "train/loss",
        "accuracy": "train/accuracy",
        "learning_rate": "train/learning_rate",
        "grad_norm": "train/grad_norm",
        "test_accuracy": "test/accuracy",
        "test_loss": "test/loss",
        "images_per_second": "machine/images_per_second",
        "memory_bytes": "machine/memory_bytes",
    }
)


class MetricsWriter:
    """Appends the points of a run's curve. Use it as a context manager, or close it.

    A row has `step` and any of loss, accuracy, learning_rate, grad_norm, images_per_second, memory_bytes, seconds,
    test_accuracy, test_loss. Each is one line, whole when the process is killed after `write`.
    """

    def __init__(self, folder: Path, *, first_step: int = 0) -> None:
        """Open the files of a run's folder, to be continued from a step on.

        Args:
            folder: of the run; it exists.
            first_step: updates done; TensorBoard forgets what an earlier process told of later ones.

        Raises:
            StorageFull: there is no room.
            Failure: the folder cannot be written.
        """
        self._folder = folder
        with keeping("the curve", folder):
            self._file = (folder / FILE_NAME).open("a", encoding="utf-8")
            if self._file.tell() and not _ends_a_line(folder / FILE_NAME):
                self._file.write("\n")  # a torn line of a process that was killed
            self._events = SummaryWriter(
                str(folder / EVENTS_FOLDER),
                purge_step=first_step + 1,
                flush_secs=10,
                filename_suffix=f".{os.getpid()}.{first_step}",  # two files of one second would have one name
            )

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def write(self, row: Row) -> None:
        """Append a point; values that are no finite numbers are left out.

        Raises:
            StorageFull: there is no room.
            Failure: the file cannot be written.
        """
        finite = {name: value for name, value in row.items() if math.isfinite(value)}
        with keeping("the curve", self._folder):
            self._file.write(json.dumps(finite) + "\n")
            self._file.flush()
            for name in finite.keys() & _TAGS.keys():
                self._events.add_scalar(_TAGS[name], finite[name], global_step=int(row["step"]))

    def close(self) -> None:
        """Write what is left and close the files."""
        with keeping("the curve", self._folder):
            self._file.close()
            self._events.close()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
