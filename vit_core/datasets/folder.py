"""Images that stay where they are: a folder of class folders, or a table of files and labels.

Nothing is copied or written. Links are followed only to files below the same root, and never in circles.
"""

import contextlib
import csv
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from vit_core.datasets.assembly import Arrival, Intake, assemble, check_classes, inspect
from vit_core.datasets.dataset import DataSet, LeftOut
from vit_core.datasets.hashing import Facts
from vit_core.datasets.layout import (
    Layout,
    Place,
    distinct,
    kind_of,
    lay_out,
    plain_name,
    sort_out,
    why_unsafe,
)
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.part_folders import part_of
from vit_core.datasets.spelling import spelt_on_disk
from vit_core.errors import BadDataset, shorten

_MAX_TABLE_BYTES = 500_000_000


def read_folder(
    root: Path,
    *,
    allowed_root: Path | None = None,
    options: IntakeOptions | None = None,
    progress: Progress | None = None,
) -> DataSet:
    """Check the images of a folder, where they lie: `ROOT/CLASS/x.jpg` or `ROOT/train|test/CLASS/x.jpg`.

    Args:
        root: the folder.
        allowed_root: refuse a folder that is not below this one, links resolved; None allows any.
        options: limits, and how the split is drawn; those of a zip's size do not apply.
        progress: told after each image.

    Raises:
        BadDataset: not a folder, not allowed, or without images in class folders.
    """
    options = options or IntakeOptions()
    resolved = _allowed(root, allowed_root)
    if not resolved.is_dir():
        raise BadDataset(f"There is no folder {shorten(str(root), 300)!r}; check the path.")
    names, folders, refused = _walk(resolved)
    chosen, left_out, notes = sort_out(names, inside="folder")
    images = [names[index] for index in chosen]
    layout = lay_out(images, folders=folders)
    intake = Intake(resolved.name, layout, (*refused, *left_out), notes, options)
    check_classes(intake)
    return _checked(intake, [images[place.index] for place in layout.places], resolved, progress)


def read_split_file(
    path: Path,
    *,
    allowed_root: Path | None = None,
    options: IntakeOptions | None = None,
    progress: Progress | None = None,
) -> DataSet:
    """Check the images that a table names: CSV with the columns `file`, `label` and, for parts of one's own, `split`.

    Args:
        path: the table; the files are relative to its folder, and below it. Their names may be written as on Windows,
            and in any of Unicode's forms.
        allowed_root: refuse a table that is not below this folder, links resolved; None allows any.
        options: limits, and how the split is drawn.
        progress: told after each image.

    Raises:
        BadDataset: no such table, not allowed, a missing column, a split that is none, or no images.
    """
    options = options or IntakeOptions()
    resolved = _allowed(path, allowed_root)
    root = resolved.parent
    places, files, refused = _places(_rows(resolved), root)
    layout = Layout(places, tuple(sorted({place.class_name for place in places})))
    intake = Intake(resolved.name, layout, refused, (), options)
    check_classes(intake)
    return _checked(intake, files, root, progress)


def _allowed(path: Path, allowed_root: Path | None) -> Path:
    """Resolve links, and refuse what is not below the allowed folder before anything is said of whether it exists."""
    try:
        resolved = path.expanduser().resolve()
        allowed = allowed_root is None or resolved.is_relative_to(allowed_root.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a home of nobody, a NUL character
        raise BadDataset(f"{shorten(str(path), 300)!r} is not a path that can be followed; check it.") from error
    if not allowed:
        raise BadDataset(
            f"{shorten(str(path), 300)!r} is not below {shorten(str(allowed_root), 300)!r}, the folder that training "
            "images may be taken from; choose one below it, or upload a zip."
        )
    return resolved


def _walk(root: Path) -> tuple[list[str], list[str], list[LeftOut]]:
    """Give the files and folders below a root, as paths below it in order, and what is left out."""
    files: list[str] = []
    folders: list[str] = []
    left_out = []

    def unreadable(error: OSError) -> None:
        name = os.path.relpath(error.filename or root, root)
        left_out.append(LeftOut(plain_name(name), f"The folder {shorten(name)!r} cannot be read: {error.strerror}."))

    for folder, inner, names in os.walk(root, onerror=unreadable):
        inner.sort()
        for name in (*inner, *sorted(names)):
            path = Path(folder, name)
            below = path.relative_to(root).as_posix()
            if reason := _why_not(path, root):
                left_out.append(LeftOut(plain_name(below), f"{shorten(plain_name(below))!r} {reason}"))
            else:
                (folders if path.is_dir() else files).append(below)
    clutter = [each for each in left_out if kind_of(each.name) != "clutter"]
    return files, folders, clutter


def _why_not(path: Path, root: Path) -> str | None:
    """Give the end of a sentence that starts with the name; None for a file or folder that may be read."""
    if any("\udc80" <= letter <= "\udcff" for letter in path.name):
        return "has a name that is not UTF-8; rename it."
    try:
        kind = path.stat().st_mode
    except OSError as error:
        return "is a link to nothing." if path.is_symlink() else f"cannot be read: {error.strerror or error}."
    if path.is_symlink():
        if not path.resolve().is_relative_to(root):
            return "is a link out of the folder, which is not followed; put the images themselves there."
        if stat.S_ISDIR(kind):
            return "is a link to another folder, which is not followed; put the images themselves there."
    if not stat.S_ISDIR(kind) and not stat.S_ISREG(kind):
        return "is no ordinary file."
    return None


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the rows of a table with their line numbers."""
    shown = shorten(str(path), 300)
    try:
        if path.stat().st_size > _MAX_TABLE_BYTES:
            raise BadDataset(f"{shown!r} has more than {_MAX_TABLE_BYTES // 10**6} MB, which is the limit of a table.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True, strict=True, restval="")
            columns = [column.strip().casefold() for column in reader.fieldnames or ()]
            if missing := [column for column in ("file", "label") if column not in columns]:
                raise BadDataset(
                    f"{shown!r} has no column {missing[0]!r}; it needs file and label, and may have split."
                )
            reader.fieldnames = columns
            for row in reader:
                yield reader.line_num, row
    except OSError as error:
        raise BadDataset(f"{shown!r} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise BadDataset(f"{shown!r} is not UTF-8 text; save the table as CSV in UTF-8.") from error
    except csv.Error as error:
        raise BadDataset(f"{shown!r} is not a CSV table: {error}.") from error


def _places(
    rows: Iterator[tuple[int, dict[str, str]]], root: Path
) -> tuple[tuple[Place, ...], list[str], tuple[LeftOut, ...]]:
    places, left_out = [], []
    files: list[str] = []
    seen: set[str] = set()
    used: set[str] = set()
    with_parts: bool | None = None
    for line, row in rows:
        name, label, word = plain_name(row["file"]), plain_name(row["label"]), row.get("split") or ""
        part = part_of(word)
        if word.strip() and part is None:
            raise BadDataset(f"Line {line} of the table has the split {shorten(word)!r}; it must be train or test.")
        with_parts = bool(part) if with_parts is None else with_parts
        if with_parts != bool(part):
            raise BadDataset(
                f"Line {line} of the table {'lacks' if with_parts else 'has'} a split, unlike those before."
            )
        file = spelt_on_disk(root, row["file"]) if name and not why_unsafe(name) else row["file"]
        reason = _why_no_row(name, label, root / file, root)
        if reason is None and file in seen:
            reason = "is listed twice; the first line counts."
        if reason:
            left_out.append(LeftOut(name, f"{shorten(name)!r} (line {line} of the table) {reason}"))
            continue
        seen.add(file)
        places.append(Place(len(files), distinct(name, used), label, part))
        files.append(file)
    return tuple(places), files, tuple(left_out)


def _why_no_row(name: str, label: str, path: Path, root: Path) -> str | None:
    """Judge a line by its words and by the very file that will be opened for it."""
    if not name or not label:
        return f"has no {'label' if name else 'file'}."
    if why_unsafe(name):
        return "is not below the folder of the table."
    try:
        there = path.is_file()
    except OSError as error:
        return f"cannot be read: {error.strerror or error}."
    if not there:
        return "is not there."
    if reason := _why_not(path, root):
        return reason
    return None if path.resolve().is_relative_to(root) else "is not below the folder of the table."


def _checked(intake: Intake, files: Sequence[str], root: Path, progress: Progress | None) -> DataSet:
    arrivals: Iterator[Arrival] = (
        (place, root / file) for place, file in zip(intake.layout.places, files, strict=True)
    )
    found: list[tuple[Place, str, Facts]] = []
    faults: list[LeftOut] = []
    paths = iter(files)
    with contextlib.closing(inspect(arrivals, intake, progress=progress)) as inspected:
        for place, _, facts in inspected:
            file = next(paths)
            if isinstance(facts, LeftOut):
                faults.append(facts)
            else:
                found.append((place, file, facts))
    return assemble(intake, found, root=root, left_out=faults)
