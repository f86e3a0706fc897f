"""Named data sets, by tensorflow-datasets where it is installed. A prepared set is read without TensorFlow.

The images are written as the set holds them, in the bytes of their JPEG or PNG, into a folder like that of an upload,
so that everything behind works alike.
"""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vit_core.datasets.assembly import Arrival, Intake, check_classes
from vit_core.datasets.dataset import DataSet, LeftOut, Part
from vit_core.datasets.layout import Layout, Place, plain_name
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.saving import FILE_NAME, load_dataset
from vit_core.datasets.split import with_split
from vit_core.datasets.staging import check_room, disk, note_use, staged
from vit_core.datasets.tfds_package import Builder, Info, open_builder, package, read_examples
from vit_core.datasets.upload import files_in, finish
from vit_core.errors import BadDataset, shorten

PREFIX = "tfds:"
# A builder's name with its configuration and version, but no namespace: those name code from anywhere.
_SLICE = r"[\w-]+(?:\[[^\[\]]*\])?"
_SPLIT = rf"{_SLICE}(?:\+{_SLICE})*"
_NAME = re.compile(rf"(\w+(?:/[\w.+-]+)?)(?::(\d+\.\d+\.\d+))?(?::({_SPLIT}))?(?::({_SPLIT}))?")


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
        progress: told after each image, and with (0, 0) before their number is known.
        data_dir: where tensorflow-datasets keeps its prepared sets; None for its own default, ~/tensorflow_datasets.

    Raises:
        BadDataset: no such set or split, one without one image and one label each, or one that cannot be prepared here.
        Unreachable: the set's files could not be downloaded.
        StorageFull: there is no room on the disk.
    """
    options = options or IntakeOptions()
    found = _find(text, data_dir, limit_bytes=None)
    about = repr((found.builder.info.full_name, sorted(found.splits.items()), options.image))
    folder = work_dir / f"tfds-{found.builder.name}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"
    if (folder / FILE_NAME).is_file():
        note_use(folder)
        saved = load_dataset(folder / FILE_NAME)
        drawn = saved.split == "seed"
        return with_split(saved, seed=options.seed, test_share=options.test_share) if drawn else saved
    return _take(found, folder, text, options, _Pace(progress, None))


def take_named(
    text: str,
    folder: Path,
    *,
    options: IntakeOptions | None = None,
    progress: Progress | None = None,
    data_dir: Path | None = None,
) -> DataSet:
    """Write the images of a named set into a folder of its own, as an upload is.

    Args:
        text: as of `read_named`.
        folder: becomes the data set's root; must not be there yet.
        options: as of `read_named`; `size_bytes` also limits what is downloaded, and what is written.
        progress: told after each image, and with (0, 0) again and again before their number is known.
        data_dir: as of `read_named`.

    Raises:
        BadDataset: as of `read_named`, or the set is over the limit.
        Unreachable: the set's files could not be downloaded.
        StorageFull: there is no room on the disk.
    """
    options = options or IntakeOptions()
    pace = _Pace(progress, options.size_bytes)
    pace.step(0)
    found = _find(text, data_dir, limit_bytes=options.size_bytes)
    return _take(found, folder, text, options, pace)


@dataclasses.dataclass(frozen=True)
class _Found:
    """A prepared set, the names of its image and label, and the splits to read with the part that each is."""

    builder: Builder
    keys: tuple[str, str]
    splits: Mapping[str, Part | None]


class _Pace:
    """What may end the writing: whoever follows it, and the limit of its size in bytes."""

    def __init__(self, progress: Progress | None, limit_bytes: int | None) -> None:
        self.progress, self._limit, self._written = progress, limit_bytes, 0

    def step(self, size: int) -> None:
        """Count bytes that are about to be written."""
        self._written += size
        if self._limit is not None and self._written > self._limit:
            raise BadDataset(
                f"The pictures of this set are over {self._limit / 1e6:,.0f} MB, which is the limit here; "
                "name a part of it, such as train[:10%], or take a smaller set."
            )
        if self.progress is not None:
            self.progress(0, 0)


def _find(text: str, data_dir: Path | None, *, limit_bytes: int | None) -> _Found:
    wanted = parse_name(text)
    name = f"{wanted.name}:{wanted.version}" if wanted.version else wanted.name
    builder = open_builder(name, data_dir=data_dir, limit_bytes=limit_bytes)
    return _Found(builder, _keys(builder.info, wanted.name), _splits(builder.info, wanted))


def _take(found: _Found, folder: Path, text: str, options: IntakeOptions, pace: _Pace) -> DataSet:
    check_room(folder, int(found.builder.info.dataset_size))
    with staged(folder) as staging:
        arrivals, left_out, absent = _write(found, files_in(staging), pace)
        places = tuple(place for place, _ in arrivals)
        layout = Layout(places, tuple(sorted({place.class_name for place in places})))
        what = "class of the set has no image in these splits and is"
        what = what if absent == 1 else "classes of the set have no image in these splits and are"
        notes = (f"{absent} {what} left out.",) if absent else ()
        intake = Intake(shorten(text), layout, tuple(left_out), notes, options)
        check_classes(intake)
        return finish(arrivals, intake, staging, folder, pace.progress)


def _keys(info: Info, name: str) -> tuple[str, str]:
    """Give the names of the image and of its label."""
    tfds = package()
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


def _splits(info: Info, wanted: Wanted) -> dict[str, Part | None]:
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


def _write(found: _Found, folder: Path, pace: _Pace) -> tuple[list[Arrival], list[LeftOut], int]:
    """Write the images as they are stored; give also what has no label, and the number of classes without images."""
    names = [plain_name(name) for name in found.builder.info.features[found.keys[1]].names]
    arrivals: list[Arrival] = []
    left_out: list[LeftOut] = []
    pace.step(0)
    for split, part in found.splits.items():
        for index, (data, label) in enumerate(read_examples(found.builder, split, found.keys)):
            pace.step(len(data))
            if not 0 <= label < len(names):
                left_out.append(LeftOut(f"{split}/{index}", f"Image {index} of {shorten(split)!r} has no label."))
                continue
            target = folder / f"{len(arrivals) + 1:06d}"
            with disk(folder):
                target.write_bytes(data)
            place = Place(len(arrivals), f"{split}/{names[label]}/{index:06d}", names[label], part)
            arrivals.append((place, target))
    return arrivals, left_out, len(names) - len({place.class_name for place, _ in arrivals})
