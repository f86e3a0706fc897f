"""A checked data set: which files there are, what class and which part each belongs to, and what was left out.

Knows how that is written to and read from `dataset.json`; knows nothing of where the files came from or of pixels.
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, Literal

from vit_core.errors import BadDataset, shorten

Part = Literal["train", "test"]
VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """One image.

    Attributes:
        file: path below the data set's root, with forward slashes.
        name: how the user called it, such as "tulip/IMG_1.jpg"; for messages and screens, never for paths.
        label: place of its class in `DataSet.classes`.
        part: whether it is learned from or tested on.
        sha256: of the file's bytes, in hexadecimal. The same bytes twice are two examples of one checksum.
        size_bytes: of the file.
        width: in pixels, upright.
        height: in pixels, upright.
        dhash: 64-bit difference hash of the picture in 16 hexadecimal digits; near duplicates differ in few bits.
    """

    file: str
    name: str
    label: int
    part: Part
    sha256: str
    size_bytes: int
    width: int
    height: int
    dhash: str


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of the user that is not part of the data set.

    Attributes:
        name: how the user called it.
        reason: one sentence that names the file, the value and the rule.
    """

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Images by class, ready to train on.

    Attributes:
        name: for people: the zip's or folder's name.
        root: absolute folder that `Example.file` is relative to.
        classes: their names, sorted; text of the user, never used as a path.
        examples: in the order of (class, name).
        split: "folders" where the user gave train and test, "seed" where it was drawn here.
        seed: of the drawn split.
        test_share: share of each class that was drawn for testing; 0 to 1.
        left_out: files that are not used, and why.
        notes: sentences on what was assumed or skipped as a whole.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    examples: tuple[Example, ...]
    split: Literal["folders", "seed"] = "seed"
    seed: int = 0
    test_share: float = 0.2
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, part: Part) -> tuple[Example, ...]:
        """Give the examples of one part."""
        return tuple(example for example in self.examples if example.part == part)

    def path(self, example: Example) -> Path:
        """Give where an example's file lies."""
        return self.root / example.file

    def without(self, names: frozenset[str]) -> "DataSet":
        """Give the data set without the examples of these names; classes stay as they are."""
        return dataclasses.replace(self, examples=tuple(each for each in self.examples if each.name not in names))


def to_json(dataset: DataSet) -> str:
    """Write a data set as text, one list per field of the examples: 100,000 images are about 25 MB."""
    fields = [field.name for field in dataclasses.fields(Example)]
    plain: dict[str, Any] = {
        field.name: getattr(dataset, field.name) for field in dataclasses.fields(DataSet) if field.name != "examples"
    }
    plain |= {
        "version": VERSION,
        "root": str(dataset.root),
        "left_out": [dataclasses.asdict(each) for each in dataset.left_out],
        "examples": {field: [getattr(each, field) for each in dataset.examples] for field in fields},
    }
    return json.dumps(plain, ensure_ascii=False, indent=None)


def from_json(text: str, *, where: str) -> DataSet:
    """Read what `to_json` wrote.

    Args:
        text: the JSON.
        where: the file, for messages.

    Raises:
        BadDataset: not such a text, or of another version.
    """
    try:
        plain = json.loads(text)
        if plain["version"] != VERSION:
            raise BadDataset(f"{shorten(where)!r} was written by another version of ViT Explorer.")
        columns = plain["examples"]
        rows = zip(*(columns[field.name] for field in dataclasses.fields(Example)), strict=True)
        dataset = DataSet(
            name=str(plain["name"]),
            root=Path(plain["root"]),
            classes=tuple(map(str, plain["classes"])),
            examples=tuple(Example(*row) for row in rows),
            split=plain["split"],
            seed=int(plain["seed"]),
            test_share=float(plain["test_share"]),
            left_out=tuple(LeftOut(str(each["name"]), str(each["reason"])) for each in plain["left_out"]),
            notes=tuple(map(str, plain["notes"])),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadDataset(f"{shorten(where)!r} is not a data set of ViT Explorer: {shorten(str(error))}.") from error
    _check(dataset, where)
    return dataset


def _check(dataset: DataSet, where: str) -> None:
    if dataset.split not in ("folders", "seed"):
        raise BadDataset(f"{shorten(where)!r} describes a split with an impossible value.")
    for example in dataset.examples:
        if not _is_possible(example, len(dataset.classes)):
            raise BadDataset(f"{shorten(where)!r} describes {shorten(str(example.name))!r} with impossible values.")


def _is_possible(example: Example, num_classes: int) -> bool:
    texts = (example.file, example.name, example.part, example.sha256, example.dhash)
    numbers = (example.label, example.size_bytes, example.width, example.height)
    if not all(type(text) is str for text in texts) or not all(type(number) is int for number in numbers):
        return False
    return (
        not Path(example.file).is_absolute()
        and ".." not in Path(example.file).parts
        and 0 <= example.label < num_classes
        and example.part in ("train", "test")
        and min(example.width, example.height) > 0
        and re.fullmatch(r"[0-9a-f]{16}", example.dhash) is not None
    )
