"""Names for the outputs of a classifier.

A `labels.json` beside the file of weights decides, else the data set in the checkpoint's name; the list must be as long
as the classifier is wide, else outputs are numbered. `Labels.source` says what was found or assumed: a wrong name looks
exactly like a right one.
"""

import dataclasses
import functools
import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path

from vit_core.catalog.naming import parse_name
from vit_core.errors import BadInput, shorten
from vit_core.settings import bundled_data_dir

# What the pre-training sets of the index are called as data sets.
_UPSTREAM = {"i1k": "imagenet2012", "i21k": "i21k", "i21k_30": "i21k"}
# Where a name tells nothing; no other width of the collection belongs to one data set alone.
_BY_WIDTH = {1000: "imagenet2012", 21_843: "i21k"}
LABELS_FILE = "labels.json"
_MAX_FILE_BYTES = 20_000_000
_MAX_NAME = 200


@dataclasses.dataclass(frozen=True)
class Labels:
    """Names of all outputs.

    Attributes:
        names: one per output, in order.
        source: where they come from, or why outputs are numbered, as a sentence.
        dataset: name of the data set they belong to; "" for numbers and for the user's own names.
    """

    names: tuple[str, ...]
    source: str
    dataset: str = ""


def labels_for(
    name_or_path: str | Path,
    num_classes: int,
    *,
    adapt_ds: str | None = None,
    ds: str | None = None,
    file: Path | None = None,
) -> Labels:
    """Name the outputs of a checkpoint.

    Args:
        name_or_path: the checkpoint; a name of the collection, with or without ".npz" and folders, tells its data set.
        num_classes: width of its classifier.
        adapt_ds: the data set it was fine-tuned on, where the caller knows better than the name.
        ds: the data set it was pre-trained on, likewise.
        file: the weights; a list of names called `labels.json` beside them, as a fine-tuned model has it, comes first.

    Example:
        >>> labels_for("my-model.npz", 2).names
        ('class 0', 'class 1')
    """
    if adapt_ds or ds:
        return _labels_of(adapt_ds or _UPSTREAM.get(str(ds), str(ds)), num_classes)
    beside = file.with_name(LABELS_FILE) if file else None
    if beside is None or not beside.is_file():
        return _labels_by_name(name_or_path, num_classes)
    try:
        return read_labels(beside, num_classes)
    except BadInput as error:
        labels = _labels_by_name(name_or_path, num_classes)
        return dataclasses.replace(labels, source=f"{labels.source} Not used: {error}")


def _labels_by_name(name_or_path: str | Path, num_classes: int) -> Labels:
    dataset = _dataset_of(Path(name_or_path).name)
    if dataset:
        return _labels_of(dataset, num_classes)
    if num_classes not in _BY_WIDTH:
        return _numbered(num_classes, "The name of the checkpoint does not tell its classes, so they are numbered.")
    labels = _labels_of(_BY_WIDTH[num_classes], num_classes)
    assumed = f"Assumed from the {num_classes:,} outputs: {labels.source[0].lower()}{labels.source[1:]}"
    return dataclasses.replace(labels, source=assumed)


def choose_labels(
    wanted: Labels | Sequence[str] | Path | None, name: str, num_classes: int, *, file: Path | None = None
) -> Labels:
    """Give the class names that somebody wants for a checkpoint; None takes those of `labels_for`.

    Args:
        wanted: names, or a file of them.
        name: of the checkpoint.
        num_classes: width of its classifier.
        file: the weights, as in `labels_for`.

    Raises:
        BadInput: the names do not fit.
    """
    if wanted is None:
        return labels_for(name, num_classes, file=file)
    if isinstance(wanted, str | Path):
        return read_labels(Path(wanted), num_classes)
    if isinstance(wanted, Labels):
        own_labels(wanted.names, num_classes)  # for the check of their number
        return wanted
    return own_labels(wanted, num_classes)


def read_labels(path: Path, num_classes: int) -> Labels:
    """Read the user's own names: a text file with one per line, or a JSON list.

    Raises:
        BadInput: not such a file, or not one name per output; the message gives both numbers.
    """
    name = shorten(path.name)
    names = _parse_names(path, _read_text(path))
    if not all(names):
        raise BadInput(f"Line {names.index('') + 1} of the class names {name!r} is empty; give every class a name.")
    return own_labels(names, num_classes, where=f"the file {name!r}")


def own_labels(names: Sequence[str], num_classes: int, *, where: str = "the caller") -> Labels:
    """Take names that somebody gave.

    Raises:
        BadInput: not one name per output.
    """
    if len(names) != num_classes:
        raise BadInput(
            f"There are {len(names):,} class names from {where} and {num_classes:,} outputs of the classifier; "
            "one name per output is needed, in the order of the outputs."
        )
    return Labels(tuple(names), f"The {num_classes:,} names of {where}.")


@functools.lru_cache(maxsize=8)
def definitions_for(dataset: str) -> tuple[str, ...]:
    """Give the dictionary definition of each class of "imagenet2012" or "i21k"; empty for other data sets."""
    path = _labels_dir() / f"{dataset}_definitions.tsv.gz"
    if dataset not in _BY_WIDTH.values():
        return ()
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return tuple(line.split("\t", 1)[1] for line in lines)


def _labels_of(dataset: str, num_classes: int) -> Labels:
    names = _bundled_names(dataset)
    if names is None:
        reason = f"There is no list of class names for {shorten(dataset)!r}, so the classes are numbered."
        return _numbered(num_classes, reason)
    if len(names) != num_classes:
        reason = (
            f"{dataset} has {len(names):,} classes and this classifier {num_classes:,} outputs, "
            "so the classes are numbered."
        )
        return _numbered(num_classes, reason)
    return Labels(names, f"The {num_classes:,} classes of {dataset}.", dataset)


def _numbered(num_classes: int, reason: str) -> Labels:
    return Labels(tuple(f"class {index}" for index in range(num_classes)), reason)


def _dataset_of(name: str) -> str | None:
    try:
        parsed = parse_name(name)
    except BadInput:  # the user's own file may have any name
        return None
    return parsed.adapt_ds or _UPSTREAM.get(parsed.ds, parsed.ds)


@functools.lru_cache(maxsize=32)
def _bundled_names(dataset: str) -> tuple[str, ...] | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", dataset):
        return None
    path = _labels_dir() / f"{dataset}.txt"
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else None


def _labels_dir() -> Path:
    return bundled_data_dir() / "labels"


def _read_text(path: Path) -> str:
    name = shorten(str(path))
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise BadInput(f"The class names {name!r} are over the limit of {_MAX_FILE_BYTES // 1_000_000} MB.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"The class names {name!r} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"The class names {name!r} are not UTF-8 text; save them as UTF-8.") from error


def _parse_names(path: Path, text: str) -> list[str]:
    if path.suffix.lower() != ".json":
        return [shorten(line, _MAX_NAME) for line in text.rstrip().splitlines()]
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The class names {shorten(path.name)!r} are not JSON: {shorten(str(error))}.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput(f"The class names {shorten(path.name)!r} are not a JSON list of texts.")
    return [shorten(name, _MAX_NAME) for name in names]
