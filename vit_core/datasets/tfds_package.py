"""What is used of tensorflow-datasets: finding a set, preparing it, reading its examples. The package is optional.

Prepared sets are read without TensorFlow: as array_record by the package itself, and as TFRecord, its older and more
frequent format, here.
"""

import contextlib
import difflib
import importlib
import itertools
import re
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from vit_core.errors import BadDataset, Unreachable, shorten

_LENGTH = struct.Struct("<Q4x")  # of a TFRecord, and a checksum of it
_CHECKSUM_BYTES = 4


@runtime_checkable
class Features(Protocol):
    """What is used of `tfds.features.FeaturesDict`."""

    def __getitem__(self, key: str) -> Any: ...  # noqa: ANN401 - a feature of any kind
    def __iter__(self) -> Iterator[str]: ...
    def deserialize_example_np(self, record: bytes, *, decoders: Mapping[str, object]) -> Mapping[str, Any]:
        """Unpack an example, without decoding what a decoder says to skip."""


@runtime_checkable
class Info(Protocol):
    """What is used of `tfds.core.DatasetInfo`."""

    full_name: str
    download_size: int
    dataset_size: int
    features: Features
    supervised_keys: tuple[str, ...] | None
    splits: Mapping[str, Any]
    file_format: Any


@runtime_checkable
class Builder(Protocol):
    """What is used of `tfds.core.DatasetBuilder`."""

    name: str
    info: Info

    def is_prepared(self) -> bool:
        """Tell whether the set's files are there."""

    def download_and_prepare(self, *, file_format: str) -> None:
        """Get the set's files and convert them."""

    def as_data_source(self, split: str, *, deserialize_method: object) -> Iterable[bytes]:
        """Open a split."""


def open_builder(name: str, *, data_dir: Path | None, limit_bytes: int | None = None) -> Builder:
    """Find a set and prepare it, where that was not done before.

    Args:
        name: with its configuration and version.
        data_dir: where the package keeps its prepared sets; None for its own default.
        limit_bytes: of what is downloaded for a set, and of what is made of it; None for no limit.

    Raises:
        BadDataset: the package or the set is not there, or the set is over the limit or cannot be prepared here.
        Unreachable: its files could not be downloaded.
    """
    with _quiet():
        builder = _find(name, data_dir)
        if not builder.is_prepared():
            _check_size(builder.info, name, limit_bytes)
            _prepare(builder, name)
        return builder


def read_examples(builder: Builder, split: str, keys: tuple[str, str]) -> Iterator[tuple[bytes, int]]:
    """Read the images of a split, in the bytes of their files, and their labels.

    Args:
        builder: of a prepared set.
        split: with an optional slice.
        keys: names of the image and of the label.

    Raises:
        BadDataset: the prepared files cannot be read.
    """
    features = builder.info.features
    undecoded = {key: package().decode.SkipDecoding() for key in features}
    for record in _records(builder, split):
        example = features.deserialize_example_np(record, decoders=undecoded)
        yield bytes(example[keys[0]]), int(example[keys[1]])


def package() -> ModuleType:
    """Give tensorflow-datasets.

    Raises:
        BadDataset: it is not installed.
    """
    try:
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise BadDataset(
            "Named sets need the package tensorflow-datasets, which is not installed; "
            "install it with: pip install tensorflow-datasets importlib-resources"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package's messages and bars out of what a command prints for machines."""
    package().disable_progress_bar()
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _find(name: str, data_dir: Path | None) -> Builder:
    tfds = package()
    try:
        builder: Builder = tfds.builder(name, data_dir=None if data_dir is None else str(data_dir))
        return builder
    except (ValueError, AssertionError, ImportError, OSError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(plain_name := re.split("[/:]", name)[0], known, n=3)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close and plain_name not in known else ""
        raise BadDataset(
            f"tensorflow-datasets gives no set {shorten(name)!r}: {shorten(str(error).partition(chr(10))[0])}{hint}"
        ) from error


def _check_size(info: Info, name: str, limit_bytes: int | None) -> None:
    """Refuse a set by the sizes its publisher gives; some give none."""
    size = max(int(info.download_size), int(info.dataset_size))
    if limit_bytes is not None and size > limit_bytes:
        raise BadDataset(
            f"The set {shorten(name)!r} has {size / 1e6:,.0f} MB, and the limit here is {limit_bytes / 1e6:,.0f} MB; "
            "take a smaller one, or have it prepared on this machine first with tensorflow-datasets."
        )


def _prepare(builder: Builder, name: str) -> None:
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


def _records(builder: Builder, split: str) -> Iterator[bytes]:
    """Give the examples of a split as they lie in the files."""
    if builder.info.file_format.value == "tfrecord":
        for part in builder.info.splits[split].file_instructions:
            end = None if part.take < 0 else part.skip + part.take
            yield from itertools.islice(_tfrecords(Path(part.filename)), part.skip, end)
        return
    try:
        yield from builder.as_data_source(split=split, deserialize_method=package().decode.DeserializeMethod.RAW_BYTES)
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
