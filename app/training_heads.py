"""What a list of data sets shows of each: kept in a small file beside it, so that no long one is read for the list."""

import contextlib
import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

from vit_core.datasets.dataset import DataSet
from vit_core.datasets.saving import FILE_NAME, load_dataset
from vit_core.datasets.staging import disk
from vit_core.errors import BadDataset, StoreError
from vit_core.runs.leftovers import HEAD

DATA_ID = re.compile(r"[0-9a-f]{20}")


@dataclasses.dataclass(frozen=True)
class Head:
    """One data set, in short.

    Attributes:
        data_id: its folder's name.
        name: for people; "" where it cannot be read.
        pictures: as many as came in.
        classes: as many as came in.
        root: the folder of the pictures.
        created: when it came in, in seconds since 1970.
        opened: when it was last opened.
    """

    data_id: str
    name: str
    pictures: int
    classes: int
    root: Path
    created: float
    opened: float


def write_head(folder: Path, dataset: DataSet) -> None:
    """Write the small file of a data set.

    Raises:
        StorageFull: the disk has no room.
        StoreError: the folder cannot be written.
    """
    part = folder / f".{HEAD}.part"
    with disk(folder):
        part.write_text(json.dumps(_plain(dataset)), encoding="utf-8")
        part.replace(folder / HEAD)


def newest_first(parent: Path) -> list[tuple[str, float]]:
    """Give the id of each data set below a folder, and when it came in: a thousand of them take milliseconds."""
    try:
        with os.scandir(parent) as entries:
            folders = [entry for entry in entries if DATA_ID.fullmatch(entry.name)]
    except OSError:  # nobody has brought pictures yet
        return []
    found = [(folder.name, _time_of(f"{folder.path}/{FILE_NAME}")) for folder in folders]
    return sorted(((name, created) for name, created in found if created), key=lambda each: each[1], reverse=True)


def read_head(parent: Path, data_id: str, created: float) -> Head:
    """Give what a list shows of a data set."""
    folder = parent / data_id
    plain = _read(folder)
    return Head(
        data_id,
        name=str(plain.get("name", "")),
        pictures=int(plain.get("pictures", 0)),
        classes=int(plain.get("classes", 0)),
        root=Path(str(plain.get("root", folder))),
        created=created,
        opened=_time_of(str(folder)),
    )


def _read(folder: Path) -> dict[str, Any]:
    try:
        plain: Any = json.loads((folder / HEAD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _from_the_whole(folder)
    kinds = {"name": str, "pictures": int, "classes": int, "root": str}
    whole = isinstance(plain, dict) and all(isinstance(plain.get(key), kind) for key, kind in kinds.items())
    return plain if whole else _from_the_whole(folder)


def _from_the_whole(folder: Path) -> dict[str, Any]:
    """Read all of a data set once, for one whose head is not there or is damaged."""
    try:
        dataset = load_dataset(folder / FILE_NAME)
    except BadDataset:
        return {}
    with contextlib.suppress(StoreError):  # the list is as right without it, only slower
        write_head(folder, dataset)
    return _plain(dataset)


def _plain(dataset: DataSet) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "pictures": len(dataset.examples),
        "classes": len(dataset.classes),
        "root": str(dataset.root),
    }


def _time_of(path: str) -> float:
    """Give when a file or folder was changed; 0 where it is not."""
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - half the time of a Path, for thousands of them
    except OSError:
        return 0.0
