"""A data set's file: `dataset.json`, written whole or not at all."""

import os
import tempfile
from pathlib import Path

from vit_core.datasets.dataset import DataSet, from_json, to_json
from vit_core.datasets.staging import disk
from vit_core.errors import BadDataset, shorten

FILE_NAME = "dataset.json"
_MAX_BYTES = 1_000_000_000  # 4 million images


def save_dataset(dataset: DataSet, path: Path) -> None:
    """Write a data set; whoever reads meanwhile finds the old file or the new one, never a part.

    Raises:
        StorageFull: there is no room.
        StoreError: the folder cannot be written.
    """
    with disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(to_json(dataset))
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)  # mkstemp lets nobody else read, and a run may belong to another user of the group
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def load_dataset(path: Path) -> DataSet:
    """Read a data set.

    Raises:
        BadDataset: there is no such file, or it is not a data set; the message names it.
    """
    shown = shorten(str(path), 300)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadDataset(f"{shown!r} has more than {_MAX_BYTES // 10**6} MB; it is no data set of ViT Explorer.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadDataset(f"There is no data set {shown!r}.") from error
    except OSError as error:
        raise BadDataset(f"{shown!r} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise BadDataset(f"{shown!r} is not text, so it is no data set of ViT Explorer.") from error
    return from_json(text, where=str(path))
