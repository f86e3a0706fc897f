"""Names for the outputs of a classifier.

What lies beside the file of weights decides (`labels.json`, then a `config.json` with class names), else the data set
in the checkpoint's name, else the number of classes where it belongs to one data set alone. The list must be as long
as the classifier is wide, else outputs are numbered: a wrong name looks exactly like a right one. `Labels.source` says
what was found or assumed.
"""

import dataclasses
import functools
import gzip
import re
from collections.abc import Sequence
from pathlib import Path

from vit_core.catalog.naming import parse_name
from vit_core.checkpoints.beside import CONFIG_FILE, class_names
from vit_core.errors import BadInput, shorten
from vit_core.inference.own_names import MAX_NAME, read_names
from vit_core.settings import bundled_data_dir

LABELS_FILE = "labels.json"


@dataclasses.dataclass(frozen=True)
class LabelSet:
    """A data set whose class names are bundled as `data/labels/CODE.txt`.

    Attributes:
        title: for people.
        aliases: other codes of the set: of the index's column `ds` and of other collections.
        defined: whether each class has a dictionary definition, in `data/labels/CODE_definitions.tsv.gz`.
    """

    title: str
    aliases: tuple[str, ...] = ()
    defined: bool = False


SETS: dict[str, LabelSet] = {
    "imagenet2012": LabelSet("ImageNet-1k", ("i1k", "imagenet", "imagenet1k"), defined=True),
    "i21k": LabelSet("ImageNet-21k", ("i21k_30", "imagenet21k"), defined=True),
    "cifar10": LabelSet("CIFAR-10"),
    "cifar100": LabelSet("CIFAR-100"),
    "oxford_iiit_pet": LabelSet("Oxford-IIIT Pets", ("oxford_pets", "pets")),
    "oxford_flowers102": LabelSet("Flowers-102", ("flowers102", "flowers")),
    "resisc45": LabelSet("RESISC45"),
    "kitti": LabelSet("KITTI distance"),
}
_CODES = {alias: code for code, known in SETS.items() for alias in known.aliases}
# Where a name tells nothing; no other width belongs to one data set alone.
_BY_WIDTH = {1000: "imagenet2012", 21_843: "i21k"}
_SO_NUMBERED = "So the classes are numbered."


@dataclasses.dataclass(frozen=True)
class Labels:
    """Names of all outputs.

    Attributes:
        names: one per output, in order.
        source: where they come from, or why outputs are numbered, as a sentence.
        dataset: name of the data set they belong to; "" for numbers and for the user's own names.
        numbered: whether outputs are numbered, for no names are known.
    """

    names: tuple[str, ...]
    source: str
    dataset: str = ""
    numbered: bool = False


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
        file: the weights; a list of names called `labels.json` beside them, as a fine-tuned model has it, comes first,
            then the names in a `config.json` of timm or transformers.

    Example:
        >>> labels_for("my-model.npz", 2).names
        ('class 0', 'class 1')
    """
    if adapt_ds or ds:
        return _labels_of(adapt_ds or str(ds), num_classes)
    beside = file.with_name(LABELS_FILE) if file else None
    if beside is None or not beside.is_file():
        return _labels_of_config(file, num_classes) or _labels_by_name(name_or_path, num_classes)
    try:
        return read_labels(beside, num_classes)
    except BadInput as error:
        labels = _labels_by_name(name_or_path, num_classes)
        return dataclasses.replace(labels, source=f"{labels.source} Not used: {error}")


def _labels_of_config(file: Path | None, num_classes: int) -> Labels | None:
    names = class_names(file, num_classes) if file else None
    if names is None:
        return None
    return own_labels([shorten(name, MAX_NAME) for name in names], num_classes, where=f"{CONFIG_FILE} beside the file")


def _labels_by_name(name_or_path: str | Path, num_classes: int) -> Labels:
    dataset = _dataset_of(Path(name_or_path).name)
    if dataset:
        return _labels_of(dataset, num_classes)
    if num_classes not in _BY_WIDTH:
        return _numbered(num_classes, "The name of the checkpoint does not tell its classes, so they are numbered.")
    labels = _labels_of(_BY_WIDTH[num_classes], num_classes)
    assumed = f"{labels.source.removesuffix('.')}, by the number of classes: nothing else tells what they are."
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
        BadInput: the file holds no names, or names that are given as such do not fit. A file of names that does not
            fit gives numbers, and `Labels.source` says why.
    """
    if wanted is None:
        return labels_for(name, num_classes, file=file)
    if isinstance(wanted, str | Path):
        path = Path(wanted)
        names = read_names(path)
        if len(names) != num_classes:
            return _numbered(num_classes, f"{misfit(len(names), path.name, num_classes)} {_SO_NUMBERED}")
        return own_labels(names, num_classes, where=_the_file(path))
    if isinstance(wanted, Labels):
        own_labels(wanted.names, num_classes)  # for the check of their number
        return wanted
    return own_labels(wanted, num_classes)


def read_labels(path: Path, num_classes: int) -> Labels:
    """Read the user's own names: a text file with one per line, or a JSON list.

    Raises:
        BadInput: not such a file, or not one name per output; the message gives both numbers.
    """
    return own_labels(read_names(path), num_classes, where=_the_file(path))


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


def misfit(count: int, file_name: str, num_classes: int) -> str:
    """Say that a file of so many names does not fit a classifier."""
    return (
        f"The file {shorten(file_name)!r} has {count:,} class names and this classifier {num_classes:,} outputs; one "
        "name per output is needed, in the order of the outputs."
    )


@functools.lru_cache(maxsize=8)
def definitions_for(dataset: str) -> tuple[str, ...]:
    """Give the dictionary definition of each class of "imagenet2012" or "i21k"; empty for other data sets."""
    if dataset not in SETS or not SETS[dataset].defined:
        return ()
    lines = gzip.decompress((_labels_dir() / f"{dataset}_definitions.tsv.gz").read_bytes()).decode().splitlines()
    return tuple(line.split("\t", 1)[1] for line in lines)


def _the_file(path: Path) -> str:
    return f"the file {shorten(path.name)!r}"


def _labels_of(dataset: str, num_classes: int) -> Labels:
    code = _CODES.get(dataset, dataset)
    title = SETS[code].title if code in SETS else shorten(dataset)
    names = _bundled_names(code)
    if names is None:
        return _numbered(num_classes, f"There is no list of class names for {title!r}, so the classes are numbered.")
    if len(names) != num_classes:
        reason = f"{title} has {len(names):,} classes and this classifier {num_classes:,} outputs. {_SO_NUMBERED}"
        return _numbered(num_classes, reason)
    return Labels(names, f"The {num_classes:,} classes of {title}.", code)


def _numbered(num_classes: int, reason: str) -> Labels:
    return Labels(tuple(f"class {index}" for index in range(num_classes)), reason, numbered=True)


def _dataset_of(name: str) -> str | None:
    try:
        parsed = parse_name(name)
    except BadInput:  # the user's own file may have any name
        return None
    return parsed.adapt_ds or parsed.ds


@functools.lru_cache(maxsize=32)
def _bundled_names(dataset: str) -> tuple[str, ...] | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", dataset):
        return None
    path = _labels_dir() / f"{dataset}.txt"
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else None


def _labels_dir() -> Path:
    return bundled_data_dir() / "labels"
