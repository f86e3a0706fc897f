"""Which images of a source are judged, and what their classes are called by the user. Reads no pixels."""

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path

from vit_core.datasets.assembly import BOTH_DRAWN
from vit_core.datasets.dataset import DataSet, Example
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.saving import FILE_NAME
from vit_core.datasets.source import open_source
from vit_core.errors import BadDataset, BadInput, shorten

_MOST_CLASSES = 21_843  # of ImageNet-21k, the widest classifier there is
_MAX_TABLE_BYTES = 10_000_000
MOST_BATCH = 4096
_COLUMNS = ("dataset_class", "checkpoint_class")


@dataclasses.dataclass(frozen=True)
class Choice:
    """The images to judge.

    Attributes:
        dataset: where they come from.
        examples: the images.
        classes: of the data set, those that have images among them.
        part: which images these are, as a sentence.
        notes: of the data set, those that concern them.
    """

    dataset: DataSet
    examples: tuple[Example, ...]
    classes: tuple[str, ...]
    part: str
    notes: tuple[str, ...]


def check_amounts(*, batch: int | None, limit: int | None) -> None:
    """Refuse amounts that are impossible whatever the checkpoint and the images; None is the usual one.

    Args:
        batch: images computed at a time.
        limit: images judged at most.

    Raises:
        BadInput: one is; the message gives the range.
    """
    if batch is not None and not 1 <= batch <= MOST_BATCH:
        raise BadInput(f"The batch is {batch}; it must be 1 to {MOST_BATCH:,} images.")
    if limit is not None and limit < 1:
        raise BadInput(f"The limit is {limit}; at least one image has to be judged.")


def open_data(source: str, *, work_dir: Path, progress: Progress | None = None) -> tuple[DataSet, bool]:
    """Read and check the images of a source; those that cannot be used are left out by name.

    Args:
        source: what `vit_core.datasets.source.open_source` takes.
        work_dir: where a zip is unpacked to and a named set is written to.
        progress: told after each image.

    Returns:
        The data set, and whether its parts were there before: given by the user, or drawn when it was made.

    Raises:
        BadDataset: no such source, or without usable images.
        StorageFull: there is no room on the disk.
    """
    options = IntakeOptions(max_classes=_MOST_CLASSES)
    dataset = open_source(source, work_dir=work_dir, options=options, progress=progress)
    path = Path(source)
    saved = path.suffix.casefold() == ".json" or (path.is_dir() and (path / FILE_NAME).is_file())
    return dataset, saved or dataset.split == "folders"


def choose(dataset: DataSet, *, parted: bool, limit: int | None = None) -> Choice:
    """Choose the images to judge: the test part where there is one, else all.

    Args:
        dataset: checked images.
        parted: whether its parts mean something; else they are ignored.
        limit: judge at most so many, taken evenly from the images in the order of their classes.

    Raises:
        BadInput: a limit below 1.
        BadDataset: there is nothing to judge.
    """
    check_amounts(batch=None, limit=limit)
    examples = dataset.of("test") if parted else dataset.examples
    if not examples:
        raise BadDataset(f"{shorten(dataset.name)!r} has no usable image in its test part.")
    total = len(examples)
    part = f"The test part of {shorten(dataset.name)!r}" if parted else f"All of {shorten(dataset.name)!r}"
    part += f": {total:,} images" if total > 1 else ": 1 image"
    if limit is not None and limit < total:
        examples = tuple(examples[(2 * place + 1) * total // (2 * limit)] for place in range(limit))
        part += f", of which {limit:,} were taken evenly"
    if parted and (others := len(dataset.examples) - total):
        part += f"; the {others:,} to learn from were not judged"
    labels = sorted({example.label for example in examples})
    notes = tuple(note for note in dataset.notes if parted or not note.endswith(BOTH_DRAWN))
    return Choice(dataset, examples, tuple(dataset.classes[label] for label in labels), f"{part}.", notes)


def read_table(path: Path) -> Mapping[str, str]:
    """Read a CSV table with the columns dataset_class and checkpoint_class.

    Raises:
        BadInput: no such table, or a class twice; the message names the file and the line.
    """
    name = f"The table of classes {shorten(str(path), 300)!r}"
    table: dict[str, str] = {}
    try:
        if path.stat().st_size > _MAX_TABLE_BYTES:
            raise BadInput(f"{name} has more than {_MAX_TABLE_BYTES // 10**6} MB, which is the limit.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True, strict=True, restval="")
            if missing := [column for column in _COLUMNS if column not in (reader.fieldnames or ())]:
                raise BadInput(f"{name} has no column {missing[0]!r}; it needs {' and '.join(_COLUMNS)}.")
            for row in reader:
                ours, theirs = (row[column].strip() for column in _COLUMNS)
                if not ours or not theirs:
                    raise BadInput(f"{name} has an empty field in line {reader.line_num}.")
                if ours in table:
                    raise BadInput(
                        f"{name} has the class {shorten(ours, 60)!r} twice, again in line {reader.line_num}."
                    )
                table[ours] = theirs
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 text; save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise BadInput(f"{name} is not a CSV table: {error}.") from error
    return table
