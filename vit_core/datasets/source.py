"""Whatever the command line is given as images to learn from, and what may be changed of a data set afterwards."""

import dataclasses
import hashlib
import re
from pathlib import Path

from vit_core.datasets.dataset import DataSet
from vit_core.datasets.folder import read_folder, read_split_file
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.saving import FILE_NAME, load_dataset
from vit_core.datasets.split import with_split
from vit_core.datasets.staging import note_use
from vit_core.datasets.tfds import PREFIX, parse_name, read_named
from vit_core.datasets.upload import take_zip
from vit_core.errors import BadDataset, quoted, shorten


def open_source(
    text: str, *, work_dir: Path, options: IntakeOptions | None = None, progress: Progress | None = None
) -> DataSet:
    """Give the data set that a text names.

    Args:
        text: a folder, a zip, a CSV table, a `dataset.json` (or its folder), or "tfds:NAME[:TRAIN[:TEST]]".
        work_dir: where a zip is unpacked to and a named set is written to, once per file and once per name.
        options: limits, and how the split is drawn where the source does not give it.
        progress: told after each image.

    Raises:
        BadDataset: no such source, or not usable; the message says why.
        StorageFull: there is no room on the disk.
        StoreError: `work_dir` cannot be written.
    """
    options = options or IntakeOptions()
    if text.startswith(PREFIX):
        return read_named(text, work_dir=work_dir, options=options, progress=progress)
    path = _existing(text)
    if path.is_dir():
        saved = path / FILE_NAME
        return load_dataset(saved) if saved.is_file() else read_folder(path, options=options, progress=progress)
    match path.suffix.casefold():
        case ".json":
            return load_dataset(path)
        case ".csv":
            return read_split_file(path, options=options, progress=progress)
        case _:
            return _unpacked_once(path, work_dir, options, progress)


def check_source(text: str) -> None:
    """Refuse a source that is not there or cannot be, without reading any of it.

    Raises:
        BadDataset: as of `open_source`.
    """
    if text.startswith(PREFIX):
        parse_name(text)
    else:
        _existing(text)


def drop(dataset: DataSet, names: frozenset[str]) -> DataSet:
    """Give the data set without some images, and without the classes that then have none.

    Args:
        dataset: stays as it is.
        names: `Example.name` of each image to drop; unknown ones do not matter.

    Raises:
        BadDataset: nothing would be left.

    See `with_split` to draw the parts of what is left anew; those that stay keep their part without it.
    """
    smaller = dataset.without(names)
    if not smaller.examples:
        raise BadDataset(f"No image of {shorten(dataset.name)!r} would be left; keep some.")
    used = sorted({example.label for example in smaller.examples})
    numbers = {old: new for new, old in enumerate(used)}
    return dataclasses.replace(
        smaller,
        classes=tuple(dataset.classes[label] for label in used),
        examples=tuple(dataclasses.replace(each, label=numbers[each.label]) for each in smaller.examples),
    )


def _existing(text: str) -> Path:
    try:
        path = Path(text).expanduser().absolute()
        if path.exists():
            return path
    except (OSError, RuntimeError, ValueError) as error:
        raise BadDataset(f"{quoted(text, 300)} is not a path that can be followed; check it.") from error
    raise BadDataset(
        f"There is no {quoted(text, 300)}; give a folder of class folders, a .zip of one, a .csv table or tfds:NAME."
    )


def _unpacked_once(path: Path, work_dir: Path, options: IntakeOptions, progress: Progress | None) -> DataSet:
    """Unpack a zip, or find it unpacked before; the split follows the options of now."""
    about = path.resolve().stat()
    limits = dataclasses.replace(options, seed=0, test_share=0.0)
    key = hashlib.sha256(repr((path.resolve(), about.st_size, about.st_mtime_ns, about.st_ino, limits)).encode())
    slug = re.sub(r"[^a-z0-9]+", "-", path.stem.casefold()).strip("-")[:32]
    folder = work_dir / f"{slug or 'zip'}-{key.hexdigest()[:16]}"
    saved = folder / FILE_NAME
    if not saved.is_file():
        return take_zip(path, folder, name=path.name, options=options, progress=progress)
    note_use(folder)
    dataset = load_dataset(saved)
    if dataset.split == "folders":
        return dataset
    return with_split(dataset, seed=options.seed, test_share=options.test_share)
