"""From files with a place to a checked data set: each image is decoded once, in a few threads; the broken are left out.

Shared by all ways in: zip, loose files, folder, split file, named set. Writes nothing.
"""

import concurrent.futures
import dataclasses
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path

from vit_core.datasets.dataset import DataSet, Example, LeftOut, Part
from vit_core.datasets.hashing import Facts, read_facts
from vit_core.datasets.layout import Layout, Place
from vit_core.datasets.limits import IntakeOptions, Progress
from vit_core.datasets.split import with_split
from vit_core.errors import BadDataset, BadImage, shorten

BOTH_DRAWN = "both parts were drawn from them."  # how the note ends on a source with one part alone

Arrival = tuple[Place, Path | LeftOut]
"""A file that is there, or why it is not."""
Inspected = tuple[Place, Path | LeftOut, Facts | LeftOut]
"""The facts are why not, too, for a file that is not there."""

_THREADS = min(4, os.cpu_count() or 1)  # each may hold a decoded picture of 120 MB
_AHEAD = 4 * _THREADS  # files that may wait for a thread, so that unpacking never runs far ahead of the checks


@dataclasses.dataclass(frozen=True)
class Intake:
    """What is known before the files are looked at.

    Attributes:
        name: of the data set, for people.
        layout: where each file belongs.
        left_out: files that are out by their names, and why.
        notes: sentences on the whole.
        options: limits, and how the split is drawn.
    """

    name: str
    layout: Layout
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    options: IntakeOptions


def check_classes(intake: Intake) -> None:
    """Refuse data without images or with too many classes, before a file is touched.

    Raises:
        BadDataset: the message names the data and the rule.
    """
    name, layout, options = intake.name, intake.layout, intake.options
    if not layout.places:
        first = next(iter((*layout.left_out, *intake.left_out)), None)
        raise BadDataset(
            f"{shorten(name)!r} holds no images in class folders; put the images of each class into a folder of "
            f"their own.{f' The first file that was left out: {first.reason}' if first else ''}"
        )
    if len(layout.classes) > options.max_classes:
        raise BadDataset(
            f"{shorten(name)!r} has {len(layout.classes)} classes; the limit is {options.max_classes}. "
            "Each folder is a class: is each image in a folder of its own?"
        )


def inspect(
    arrivals: Iterable[Arrival], intake: Intake, *, progress: Progress | None
) -> Generator[Inspected, None, None]:
    """Check files as they arrive, in their order.

    Args:
        arrivals: each file's place, with its path or why it did not arrive.
        intake: gives how many will arrive, and the limits.
        progress: told after each file.
    """
    pool = concurrent.futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="intake")
    try:
        for done, inspected in enumerate(_in_order(pool, arrivals, intake.options), start=1):
            yield inspected
            if progress is not None:
                progress(done, len(intake.layout.places))
    finally:
        pool.shutdown(cancel_futures=True)


def assemble(
    intake: Intake, found: Iterable[tuple[Place, str, Facts]], *, root: Path, left_out: Iterable[LeftOut]
) -> DataSet:
    """Make the data set: classes numbered, examples in order, the parts as given or else drawn.

    Args:
        intake: names, classes and options.
        found: the good images: place, path below `root`, facts.
        root: the data set's.
        left_out: files with a fault, besides those that `intake` knows.

    Raises:
        BadDataset: no image is good.
    """
    out = (*intake.left_out, *intake.layout.left_out, *left_out)
    numbers = {class_name: number for number, class_name in enumerate(intake.layout.classes)}
    examples = [_example(place, file, facts, numbers) for place, file, facts in found]
    examples.sort(key=lambda example: (example.label, example.name))
    if not examples:
        first = f" The first: {out[0].reason}" if out else ""
        raise BadDataset(f"No image of {shorten(intake.name)!r} can be used.{first}")
    dataset = DataSet(
        intake.name,
        root,
        intake.layout.classes,
        tuple(examples),
        split="folders",
        seed=intake.options.seed,
        test_share=intake.options.test_share,
        left_out=out,
        notes=(*intake.notes, *intake.layout.notes),
    )
    return _parted(dataset, {place.part for place in intake.layout.places}, intake.options)


def _example(place: Place, file: str, facts: Facts, numbers: Mapping[str, int]) -> Example:
    return Example(
        file=file,
        name=place.name,
        label=numbers[place.class_name],
        part=place.part or "train",
        sha256=facts.sha256,
        size_bytes=facts.size_bytes,
        width=facts.width,
        height=facts.height,
        dhash=facts.dhash,
    )


def _parted(dataset: DataSet, given: set[Part | None], options: IntakeOptions) -> DataSet:
    """Keep the parts that the user gave, if it is both of them."""
    if given == {"train", "test"}:
        return dataset
    if given != {None}:
        only = "to learn from" if "train" in given else "to test on"
        note = f"There are images {only} alone; {BOTH_DRAWN}"
        dataset = dataclasses.replace(dataset, notes=(*dataset.notes, note))
    return with_split(dataset, seed=options.seed, test_share=options.test_share)


def _in_order(
    pool: concurrent.futures.Executor, arrivals: Iterable[Arrival], options: IntakeOptions
) -> Iterator[Inspected]:
    waiting: deque[tuple[Place, Path | LeftOut, concurrent.futures.Future[Facts | LeftOut]]] = deque()
    for place, path in arrivals:
        waiting.append((place, path, pool.submit(_facts, place, path, options)))
        if len(waiting) > _AHEAD:
            yield _finished(*waiting.popleft())
    while waiting:
        yield _finished(*waiting.popleft())


def _finished(place: Place, path: Path | LeftOut, future: concurrent.futures.Future[Facts | LeftOut]) -> Inspected:
    return place, path, future.result()


def _facts(place: Place, path: Path | LeftOut, options: IntakeOptions) -> Facts | LeftOut:
    if isinstance(path, LeftOut):
        return path
    try:
        return read_facts(path, name=place.name, limits=options.image)
    except BadImage as error:
        return LeftOut(place.name, str(error))
