"""Pictures that visitors brought to fine-tune on: one folder per data set, shared by all who use this machine.

A folder holds `dataset.json` as it was taken in, `choice.json` with what the visitor changed since (dropped pictures,
another split, a leak that is known), `chosen.json` with the outcome, and thumbnails. A link with the id opens it again
after a reload. Nothing is decoded here but thumbnails.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from app.training_heads import DATA_ID, Head, newest_first, read_head, write_head
from app.training_spool import fate_of
from vit_core.datasets.dataset import DataSet, Example, to_json
from vit_core.datasets.health import Health, examine
from vit_core.datasets.saving import load_dataset, save_dataset
from vit_core.datasets.split import with_split
from vit_core.datasets.staging import disk
from vit_core.datasets.thumbnails import thumbnail
from vit_core.errors import BadDataset, BadImage, shorten

THUMBNAIL_SIDE = 96
KEPT_IN_MEMORY = 8  # data sets; one of 40,000 pictures takes about 40 MB
_TOUCH_S = 3600.0  # how exactly it is kept when a data set was last opened


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a visitor changed of a data set.

    Attributes:
        dropped: names of pictures that are not used.
        seed: of a split drawn anew; None leaves the split as it came.
        test_share: of that split; None leaves the split as it came.
        accepted: whether the visitor has read that pictures stand in both parts, and wants to go on.
    """

    dropped: frozenset[str] = frozenset()
    seed: int | None = None
    test_share: float | None = None
    accepted: bool = False


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A data set with what was found out about it.

    Attributes:
        data_id: its folder's name.
        whole: as it was taken in.
        choice: what was changed since.
        dataset: what a run would learn from.
        health: of `dataset`.
    """

    data_id: str
    whole: DataSet
    choice: Choice
    dataset: DataSet
    health: Health


_Stamp = tuple[int, int]


class TrainingData:
    """The data sets below one folder; remembers those it read last. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[_Stamp, Prepared]] = {}  # the one asked for last at the end
        self._lock = threading.Lock()

    @property
    def parent(self) -> Path:
        """The folder of all data sets."""
        return self._folder

    def new_id(self) -> str:
        """Give an id that is not taken."""
        return secrets.token_hex(10)

    def folder(self, data_id: str) -> Path:
        """Give the folder of a data set, there or not.

        Raises:
            BadDataset: no id, but what somebody wrote into a link.
        """
        if not DATA_ID.fullmatch(data_id):
            raise BadDataset("The link names no data set of this page; bring your pictures again.")
        return self._folder / data_id

    def chosen_path(self, data_id: str) -> Path:
        """Give the file that describes what a run would learn from."""
        return self.folder(data_id) / "chosen.json"

    def all_ids(self) -> list[tuple[str, float]]:
        """Give the id of each data set and when it came in, in seconds since 1970; the newest first."""
        return newest_first(self._folder)

    def head(self, data_id: str, created: float) -> Head:
        """Give what a list shows of a data set that came in at `created`."""
        return read_head(self._folder, data_id, created)

    def load(self, data_id: str) -> Prepared:
        """Give a data set with what was changed and what was found out; at once when it was asked for of late.

        Raises:
            BadDataset: it is not here, or cannot be read.
        """
        folder = self.folder(data_id)
        if not (folder / "dataset.json").is_file():
            raise BadDataset(self._why_not(data_id))
        stamp = (_changed(folder / "dataset.json"), _changed(folder / "choice.json"))
        with self._lock:
            known = self._read.pop(data_id, None)
            if known and known[0] == stamp:
                self._read[data_id] = known
        if known is None or known[0] != stamp:
            known = stamp, self._prepare(data_id, folder)
            with self._lock:
                self._read[data_id] = known
                while len(self._read) > KEPT_IN_MEMORY:
                    del self._read[next(iter(self._read))]
        _touch(folder)
        return known[1]

    def choose(self, data_id: str, choice: Choice) -> None:
        """Keep what a visitor changed.

        Raises:
            StorageFull: the disk has no room for it.
        """
        plain = dataclasses.asdict(choice) | {"dropped": sorted(choice.dropped)}
        path = self.folder(data_id) / "choice.json"
        part = path.with_suffix(".part")
        with disk(path.parent):
            part.write_text(json.dumps(plain), encoding="utf-8")
            part.replace(path)

    def adopt(self, dataset: DataSet) -> str:
        """Take a data set of a run, or of a folder of this machine, without a copy of the pictures; give its id.

        What a visitor has changed of it meanwhile stays as it is: `choice_of` tells whether it differs.

        Raises:
            BadDataset: its pictures are gone.
            StorageFull: the disk has no room.
        """
        if not all(dataset.path(example).is_file() for example in dataset.examples[:1]) or not dataset.root.is_dir():
            raise BadDataset("The pictures of this run were deleted; bring them again.")
        # The same pictures once more are the same data set, not one more in the list.
        data_id = self._owner_of(dataset.root) or hashlib.sha256(to_json(dataset).encode()).hexdigest()[:20]
        folder = self.folder(data_id)
        if not (folder / "dataset.json").is_file():
            save_dataset(dataset, folder / "dataset.json")
            write_head(folder, dataset)
        if not (folder / "choice.json").is_file():
            self.choose(data_id, self.choice_of(data_id, dataset))
        return data_id

    def choice_of(self, data_id: str, dataset: DataSet) -> Choice:
        """Give the choice that makes the data set of a run out of one of these.

        Raises:
            BadDataset: there is none of this id.
        """
        return _choice_behind(load_dataset(self.folder(data_id) / "dataset.json"), dataset)

    def keeps(self, root: Path) -> bool:
        """Whether pictures lie where those that nobody uses are deleted; a server folder is never touched."""
        return root.is_relative_to(self._folder)

    def thumbnail(self, prepared: Prepared, example: Example) -> bytes | None:
        """Give a small JPEG of a picture, or None where the picture is not readable any more."""
        path = self.folder(prepared.data_id) / "thumbnails" / f"{example.sha256}.jpg"
        try:
            return path.read_bytes()
        except OSError:
            pass
        try:
            small = thumbnail(prepared.dataset.path(example), side=THUMBNAIL_SIDE)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(small)
        except (BadImage, OSError):
            return None
        return small

    def is_own(self, data_id: str, root: Path) -> bool:
        """Whether pictures lie in the folder of their data set, and are deleted with it."""
        return root.is_relative_to(self.folder(data_id))

    def delete(self, data_id: str) -> None:
        """Delete what was brought, thumbnails and all; a server folder is never touched."""
        shutil.rmtree(self.folder(data_id), ignore_errors=True)
        with self._lock:
            self._read.pop(data_id, None)

    def _owner_of(self, root: Path) -> str:
        """Give the id of the data set in whose folder pictures lie; "" where they lie elsewhere."""
        for place in (root, *root.parents):
            known = place.parent == self._folder and DATA_ID.fullmatch(place.name)
            if known and (place / "dataset.json").is_file():
                return place.name
        return ""

    def _prepare(self, data_id: str, folder: Path) -> Prepared:
        whole, choice = load_dataset(folder / "dataset.json"), _read_choice(folder / "choice.json")
        dataset = _apply(whole, choice)
        save_dataset(dataset, folder / "chosen.json")
        return Prepared(data_id, whole, choice, dataset, examine(dataset))

    def _why_not(self, data_id: str) -> str:
        fate, name = fate_of(self._folder, data_id)
        if fate == "abandoned":
            return (
                f"The pictures of {shorten(name, 60)!r} were not fully taken in, because the server stopped meanwhile; "
                "upload them again."
            )
        if fate == "under way":
            return f"The pictures of {shorten(name, 60)!r} are still being checked; open the link again in a while."
        return "The pictures of this link are not on this machine any more; bring them again."


def _apply(whole: DataSet, choice: Choice) -> DataSet:
    kept = whole.without(choice.dropped) if choice.dropped else whole
    if choice.seed is None and choice.test_share is None:
        return kept
    seed = whole.seed if choice.seed is None else choice.seed
    share = whole.test_share if choice.test_share is None else choice.test_share
    return with_split(kept, seed=seed, test_share=share)


def _choice_behind(whole: DataSet, chosen: DataSet) -> Choice:
    """Give the choice that makes `chosen` of `whole`."""
    kept = {example.name for example in chosen.examples}
    dropped = frozenset(example.name for example in whole.examples if example.name not in kept)
    same_split = (whole.split, whole.seed, whole.test_share) == (chosen.split, chosen.seed, chosen.test_share)
    return Choice(dropped) if same_split else Choice(dropped, chosen.seed, chosen.test_share)


def _read_choice(path: Path) -> Choice:
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        seed, share = plain["seed"], plain["test_share"]
        return Choice(
            dropped=frozenset(map(str, plain["dropped"])),
            seed=None if seed is None else int(seed),
            test_share=None if share is None else float(share),
            accepted=bool(plain["accepted"]),
        )
    except FileNotFoundError:
        return Choice()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadDataset("What was changed of this data set cannot be read; bring the pictures again.") from error


def _touch(folder: Path) -> None:
    """Note that a data set was opened: those that no run uses are deleted a week later."""
    with contextlib.suppress(OSError):  # it has just been deleted, or belongs to another user of the machine
        if time.time() - folder.stat().st_mtime > _TOUCH_S:
            os.utime(folder)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
