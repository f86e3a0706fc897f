"""Named data sets, by tensorflow-datasets where it is installed. A prepared set is read without TensorFlow.

The images are written as the set holds them, in the bytes of their JPEG or PNG, into a folder like that of an upload,
so that everything behind works alike. Prepared sets are read as array_record by tensorflow-datasets itself, and as
TFRecord, its older and more frequent format, here.
"""

import contextlib
import dataclasses
import difflib
import hashlib
import importlib
import itertools
import re
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from vit_core.datasets.assembly import Arrival, Intake, check_classes
from vit_core.datasets.dataset import DataSet, LeftOut, Part
from vit_core.datasets.layout import Layout, Place, plain_name
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.saving import FILE_NAME, load_dataset
from vit_core.datasets.split import with_split
from vit_core.datasets.staging import check_room, disk, staged
from vit_core.datasets.upload import files_in, finish
from vit_core.errors import BadDataset, Unreachable, shorten

PREFIX = "tfds:"
# A builder's name with its configuration and version, but no namespace: those name code from anywhere.
_SLICE = r"[\w-]+(?:\[[^\[\]]*\])?"
_SPLIT = rf"{_SLICE}(?:\+{_SLICE})*"
_NAME = re.compile(rf"(\w+(?:/[\w.+-]+)?)(?::(\d+\.\d+\.\d+))?(?::({_SPLIT}))?(?::({_SPLIT}))?")
_LENGTH = struct.Struct("<Q4x")  # of a TFRecord, and a checksum of it
_CHECKSUM_BYTES = 4


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What "tfds:NAME[:VERSION][:TRAIN[:TEST]]" asks for.

    Attributes:
        name: of the builder, with its configuration.
        version: or None for the newest.
        train: split to learn from, such as "train[:98%]"; None for all of "train".
        test: split to test on; None for the set's own, where it has one.
    """

    name: str
    version: str | None
    train: str | None
    test: str | None


def parse_name(text: str) -> Wanted:
    """Take a name apart.

    Raises:
        BadDataset: it is not of that form.

    Example:
        >>> parse_name("tfds:cifar10:train[:98%]:test")
        Wanted(name='cifar10', version=None, train='train[:98%]', test='test')
    """
    match = _NAME.fullmatch(text.removeprefix(PREFIX).strip())
    if match is None:
        raise BadDataset(
            f"{shorten(text)!r} names no data set; write tfds:NAME, tfds:NAME:TRAIN or tfds:NAME:TRAIN:TEST, "
            "such as tfds:cifar10:train[:98%]:test."
        )
    return Wanted(*match.groups())


def read_named(
    text: str,
    *,
    work_dir: Path,
    options: IntakeOptions | None = None,
    progress: Progress | None = None,
    data_dir: Path | None = None,
) -> DataSet:
    """Write the images of a named set into a folder below `work_dir`, once; later calls find them there.

    Args:
        text: "tfds:NAME", with the splits to learn from and to test on if they are to be others than "train" and the
            set's own "test" or "validation". Where a set has neither, the test part is drawn.
        work_dir: parent of the folder.
        options: seed and share of a drawn test part, limits of classes and images; those of a zip do not apply.
        progress: told after each image.
        data_dir: where tensorflow-datasets keeps its prepared sets; None for its own default, ~/tensorflow_datasets.

    Raises:
        BadDataset: no such set or split, one without one image and one label each, or one that cannot be prepared here.
        Unreachable: the set's files could not be downloaded.
        StorageFull: there is no room on the disk.
    """
    options = options or IntakeOptions()
    wanted = parse_name(text)
    with _quiet():
        builder = _builder(wanted, data_dir)
        _prepare(builder, wanted.name)
    keys = _keys(builder.info, wanted.name)
    splits = _splits(builder.info, wanted)
    about = repr((builder.info.full_name, sorted(splits.items()), options.image))
    folder = work_dir / f"tfds-{builder.name}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"
    if (folder / FILE_NAME).is_file():
        saved = load_dataset(folder / FILE_NAME)
        drawn = saved.split == "seed"
        return with_split(saved, seed=options.seed, test_share=options.test_share) if drawn else saved
    check_room(folder, int(builder.info.dataset_size))
    with staged(folder) as staging:
        arrivals, left_out, absent = _write(builder, splits, keys, files_in(staging))
        places = tuple(place for place, _ in arrivals)
        layout = Layout(places, tuple(sorted({place.class_name for place in places})))
        what = "class of the set has no image in these splits and is"
        what = what if absent == 1 else "classes of the set have no image in these splits and are"
        notes = (f"{absent} {what} left out.",) if absent else ()
        intake = Intake(shorten(text), layout, tuple(left_out), notes, options)
        check_classes(intake)
        return finish(arrivals, intake, staging, folder, progress)


@runtime_checkable
class _Features(Protocol):
    """What is used of `tfds.features.FeaturesDict`."""

    def __getitem__(self, key: str) -> Any: ...  # noqa: ANN401 - a feature of any kind
    def __iter__(self) -> Iterator[str]: ...
    def deserialize_example_np(self, record: bytes, *, decoders: Mapping[str, object]) -> Mapping[str, Any]: ...


@runtime_checkable
class _Info(Protocol):
    """What is used of `tfds.core.DatasetInfo`."""

    full_name: str
    dataset_size: int
    features: _Features
    supervised_keys: tuple[str, ...] | None
    splits: Mapping[str, Any]
    file_format: Any


@runtime_checkable
class _Builder(Protocol):
    """What is used of `tfds.core.DatasetBuilder`."""

    name: str
    info: _Info

    def is_prepared(self) -> bool: ...
    def download_and_prepare(self, *, file_format: str) -> None: ...
    def as_data_source(self, split: str, *, deserialize_method: object) -> Iterable[bytes]: ...


def _package() -> ModuleType:
    try:
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise BadDataset(
            "Named sets need the package tensorflow-datasets, which is not installed; "
            "install it with: pip install tensorflow-datasets"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package's messages and bars out of what a command prints for machines."""
    _package().disable_progress_bar()
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _builder(wanted: Wanted, data_dir: Path | None) -> _Builder:
    tfds = _package()
    name = f"{wanted.name}:{wanted.version}" if wanted.version else wanted.name
    try:
        builder: _Builder = tfds.builder(name, data_dir=None if data_dir is None else str(data_dir))
        return builder
    except (ValueError, AssertionError, ImportError, OSError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(wanted.name.partition("/")[0], known, n=3)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close and wanted.name not in known else ""
        raise BadDataset(
            f"tensorflow-datasets gives no set {shorten(name)!r}: {shorten(str(error).partition(chr(10))[0])}{hint}"
        ) from error


def _prepare(builder: _Builder, name: str) -> None:
    """Download and convert the set, where that was not done before."""
    if builder.is_prepared():
        return
    try:
        builder.download_and_prepare(file_format="array_record")
    except ImportError as error:
        raise BadDataset(
            f"The set {name!r} is not prepared yet, and preparing it needs the package {error.name or 'tensorflow'}. "
            "Install that once, or bring a prepared set to ~/tensorflow_datasets (or TFDS_DATA_DIR)."
        ) from error
    except OSError as error:  # of requests, too
        raise Unreachable(f"The files of the set {name!r} could not be had: {shorten(str(error))}.") from error
    except (ValueError, AssertionError, RuntimeError, LookupError) as error:
        raise BadDataset(f"The set {name!r} cannot be prepared here: {shorten(str(error), 300)}.") from error


def _keys(info: _Info, name: str) -> tuple[str, str]:
    """Give the names of the image and of its label."""
    tfds = _package()
    is_flat = isinstance(info.features, tfds.features.FeaturesDict)
    features = {key: info.features[key] for key in info.features} if is_flat else {}
    keys = tuple(info.supervised_keys or ())
    kinds = (tfds.features.Image, tfds.features.ClassLabel)
    if len(keys) != 2 or not all(isinstance(features.get(key), kind) for key, kind in zip(keys, kinds, strict=True)):
        found = [[key for key, feature in features.items() if isinstance(feature, kind)] for kind in kinds]
        if [len(each) for each in found] != [1, 1]:
            raise BadDataset(f"The set {name!r} has not one image and one label for each example; take another one.")
        keys = found[0][0], found[1][0]
    if np.dtype(features[keys[0]].np_dtype).name not in ("uint8", "uint16"):
        raise BadDataset(f"The set {name!r} holds measurements in place of pictures; take another one.")
    return keys


def _splits(info: _Info, wanted: Wanted) -> dict[str, Part | None]:
    """Give the splits to read, and the part that each is."""
    own = next((split for split in ("test", "validation") if split in info.splits), None)
    train = wanted.train or ("train" if "train" in info.splits else next(iter(info.splits)))
    test = wanted.test or (None if own is None or own in train else own)
    if train == test:
        raise BadDataset(f"The split {shorten(train)!r} cannot be both learned from and tested on; name another one.")
    for split in filter(None, (train, test)):
        try:
            info.splits[split]
        except (ValueError, LookupError) as error:
            raise BadDataset(
                f"There is no split {shorten(split)!r}; the set has {', '.join(info.splits)}, and parts of them are "
                "written like train[:98%]."
            ) from error
    return {train: None} if test is None else {train: "train", test: "test"}


def _write(
    builder: _Builder, splits: Mapping[str, Part | None], keys: tuple[str, str], folder: Path
) -> tuple[list[Arrival], list[LeftOut], int]:
    """Write the images as they are stored; give also what has no label, and the number of classes without images."""
    names = [plain_name(name) for name in builder.info.features[keys[1]].names]
    arrivals: list[Arrival] = []
    left_out: list[LeftOut] = []
    for split, part in splits.items():
        for index, (data, label) in enumerate(_images(builder, split, keys)):
            if not 0 <= label < len(names):
                left_out.append(LeftOut(f"{split}/{index}", f"Image {index} of {shorten(split)!r} has no label."))
                continue
            target = folder / f"{len(arrivals) + 1:06d}"
            with disk(folder):
                target.write_bytes(data)
            place = Place(len(arrivals), f"{split}/{names[label]}/{index:06d}", names[label], part)
            arrivals.append((place, target))
    return arrivals, left_out, len(names) - len({place.class_name for place, _ in arrivals})


def _images(builder: _Builder, split: str, keys: tuple[str, str]) -> Iterator[tuple[bytes, int]]:
    features = builder.info.features
    undecoded = {key: _package().decode.SkipDecoding() for key in features}
    for record in _records(builder, split):
        example = features.deserialize_example_np(record, decoders=undecoded)
        yield bytes(example[keys[0]]), int(example[keys[1]])


def _records(builder: _Builder, split: str) -> Iterator[bytes]:
    """Give the examples of a split as they lie in the files."""
    if builder.info.file_format.value == "tfrecord":
        for part in builder.info.splits[split].file_instructions:
            end = None if part.take < 0 else part.skip + part.take
            yield from itertools.islice(_tfrecords(Path(part.filename)), part.skip, end)
        return
    try:
        yield from builder.as_data_source(split=split, deserialize_method=_package().decode.DeserializeMethod.RAW_BYTES)
    except (NotImplementedError, ValueError) as error:
        raise BadDataset(
            f"The prepared files of {builder.name!r} cannot be read: {shorten(str(error), 300)}"
        ) from error


def _tfrecords(path: Path) -> Iterator[bytes]:
    """Read a TFRecord file: length, checksum of it, data, checksum of them (tensorflow/core/lib/io/record_writer.h)."""
    try:
        with path.open("rb") as file:
            while head := file.read(_LENGTH.size):
                (length,) = _LENGTH.unpack(head)
                data = file.read(length)
                if len(data) + len(file.read(_CHECKSUM_BYTES)) != length + _CHECKSUM_BYTES:
                    raise BadDataset(f"{shorten(str(path), 300)!r} is cut short; prepare the set again.")
                yield data
    except (OSError, struct.error, MemoryError, OverflowError) as error:
        raise BadDataset(f"{shorten(str(path), 300)!r} cannot be read: {shorten(str(error))}.") from error
