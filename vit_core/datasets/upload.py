"""Images that somebody hands in: unpacked or copied into a folder of ours, under names of ours, and checked.

    FOLDER/dataset.json, FOLDER/files/000001.jpg …

The folder appears when all is well; until then, and for ever after a refusal or an interruption, it is not there.
"""

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from vit_core.datasets.assembly import Arrival, Intake, assemble, check_classes, inspect
from vit_core.datasets.dataset import DataSet, LeftOut
from vit_core.datasets.hashing import Facts
from vit_core.datasets.layout import Place, kind_of, lay_out, plain_name, sort_out
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.listing import Seekable, open_zip, read_listing
from vit_core.datasets.saving import FILE_NAME, save_dataset
from vit_core.datasets.staging import check_room, disk, staged
from vit_core.errors import BadDataset, shorten

_FILES = "files"
_BLOCK = 1 << 18
# What zipfile raises on an entry that is not what the listing says.
_ENTRY_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


@runtime_checkable
class Readable(Protocol):
    """A file open for reading bytes from its start."""

    def read(self, size: int = -1, /) -> bytes:
        """Give the next bytes, at most so many; none at the end."""


def take_zip(
    source: Path | Seekable,
    folder: Path,
    *,
    name: str,
    options: IntakeOptions | None = None,
    progress: Progress | None = None,
) -> DataSet:
    """Unpack a zip of class folders.

    Args:
        source: the zip; as a file object it must be seekable, and is not closed.
        folder: becomes the data set's root; must not be there yet.
        name: how people call the data: the zip's name.
        options: limits, and how the split is drawn.
        progress: told after each image.

    Returns:
        The data set. Entries that are refused, damaged or no images are in `left_out`, each with its reason.

    Raises:
        BadDataset: no zip, over a limit, a trap, or without images in class folders.
        StorageFull: there is no room on the disk.
        StoreError: the folder cannot be written.
    """
    options = options or IntakeOptions()
    with open_zip(source, name=name, options=options) as archive:
        listing = read_listing(archive, name=name, options=options)
        layout = lay_out([entry.filename for entry in listing.entries], folders=listing.folders)
        intake = Intake(name, layout, listing.left_out, listing.notes, options)
        check_classes(intake)
        wanted = [(place, listing.entries[place.index]) for place in layout.places]
        check_room(folder, sum(entry.file_size for _, entry in wanted))
        with staged(folder) as staging:
            arrivals = _unpack(archive, wanted, files_in(staging))
            return finish(arrivals, intake, staging, folder, progress)


def take_files(
    files: Iterable[tuple[str, bytes | Readable]],
    folder: Path,
    *,
    name: str,
    options: IntakeOptions | None = None,
    progress: Progress | None = None,
) -> DataSet:
    """Copy loose files.

    Args:
        files: name and content of each, taken one after the other; names are "CLASS/x.jpg" or "train/CLASS/x.jpg".
        folder: becomes the data set's root; must not be there yet.
        name: how people call the data.
        options: limits, and how the split is drawn.
        progress: told after each image, once all are copied.

    Returns:
        The data set. Files that are refused or no images are in `left_out`, each with its reason.

    Raises:
        BadDataset: over a limit, or no images in class folders.
        StorageFull: there is no room on the disk.
        StoreError: the folder cannot be written.
    """
    options = options or IntakeOptions()
    with staged(folder) as staging:
        names, copies = _copy(files, files_in(staging), name, options)
        chosen, left_out, notes = sort_out(names, inside="upload")
        layout = lay_out([names[index] for index in chosen])
        intake = Intake(name, layout, left_out, notes, options)
        check_classes(intake)
        arrivals = [(place, copies[chosen[place.index]]) for place in layout.places]
        unplaced = set(copies) - {chosen[place.index] for place in layout.places}
        for copy in (copies[index] for index in unplaced):
            if isinstance(copy, Path):
                copy.unlink()
        return finish(arrivals, intake, staging, folder, progress)


def files_in(staging: Path) -> Path:
    """Make the folder for the files of a staged data set."""
    files = staging / _FILES
    with disk(staging):
        files.mkdir()
    return files


def finish(
    arrivals: Iterable[Arrival], intake: Intake, staging: Path, folder: Path, progress: Progress | None
) -> DataSet:
    """Check the files, remove those with a fault, and write the data set as it will be at `folder`.

    Args:
        arrivals: the files, below `staging`, without a suffix.
        intake: what is known of them.
        staging: the folder that will become `folder`.
        folder: the data set's root.
        progress: told after each image.

    Raises:
        BadDataset: no image is good.
        StorageFull: there is no room on the disk.
    """
    found: list[tuple[Place, str, Facts]] = []
    faults: list[LeftOut] = []
    with contextlib.closing(inspect(arrivals, intake, progress=progress)) as inspected:
        for place, path, facts in inspected:
            if isinstance(path, LeftOut):
                faults.append(path)
            elif isinstance(facts, LeftOut):
                faults.append(facts)
                path.unlink()
            else:
                with disk(folder.parent):
                    final = path.rename(path.with_suffix(facts.suffix))
                found.append((place, f"{_FILES}/{final.name}", facts))
    dataset = assemble(intake, found, root=folder.absolute(), left_out=faults)
    save_dataset(dataset, staging / FILE_NAME)
    return dataset


def _unpack(
    archive: zipfile.ZipFile, wanted: Iterable[tuple[Place, zipfile.ZipInfo]], files: Path
) -> Iterator[Arrival]:
    for number, (place, entry) in enumerate(wanted, start=1):
        target = files / f"{number:06d}"
        try:
            with archive.open(entry) as packed:
                if _write(packed, target, limit=entry.file_size) != entry.file_size:
                    raise EOFError
        except _ENTRY_ERRORS as error:
            target.unlink(missing_ok=True)
            yield place, LeftOut(place.name, f"{shorten(place.name)!r} is damaged in the zip ({_why(error)}).")
        else:
            yield place, target


def _why(error: Exception) -> str:
    text = str(error)
    if "CRC" in text:
        return "its checksum does not fit"
    if isinstance(error, EOFError):
        return "it ends too early"
    return shorten(text) or type(error).__name__


def _copy(
    files: Iterable[tuple[str, bytes | Readable]], folder: Path, name: str, options: IntakeOptions
) -> tuple[list[str], dict[int, Path | LeftOut]]:
    """Write what may be images as it comes; give all names, and the copies by the place of their names."""
    names: list[str] = []
    copies: dict[int, Path | LeftOut] = {}
    room = options.size_bytes
    for index, (file_name, content) in enumerate(files):
        names.append(file_name)
        if len(names) > options.entries:
            raise BadDataset(
                f"{shorten(name)!r} has more than {options.entries} files, which is the limit; hand in a folder's path."
            )
        if kind_of(file_name) != "image":
            continue
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        target = folder / f"{index + 1:06d}"
        written = _write(stream, target, limit=options.image.size_bytes + 1)
        room -= written
        copies[index] = target
        if written > options.image.size_bytes:
            target.unlink()
            copies[index] = LeftOut(plain_name(file_name), _too_large(file_name, options))
        if room < 0:
            raise BadDataset(
                f"{shorten(name)!r} has more than {options.size_bytes / 1e6:.0f} MB, which is the limit; "
                "name a folder on this machine instead, or make the images smaller."
            )
    return names, copies


def _too_large(file_name: str, options: IntakeOptions) -> str:
    return f"{shorten(plain_name(file_name))!r} is over the limit of {options.image.size_bytes / 1e6:g} MB per image."


def _write(source: Readable, target: Path, *, limit: int) -> int:
    """Copy at most `limit` bytes, a block at a time; give how many."""
    written = 0
    with disk(target.parent):
        file = target.open("wb")
    with file:
        while block := source.read(min(_BLOCK, limit - written)):
            with disk(target.parent):
                file.write(block)
            written += len(block)
        with disk(target.parent):
            file.flush()
    return written
