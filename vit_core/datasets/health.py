"""What a person should know of a data set before a model learns from it. Pure: no file is read.

Near duplicates are pictures whose 64-bit difference hashes differ in few bits, found by bands of the hash and not by
comparing all with all. A picture that is almost even has a hash that says nothing, and is no near duplicate of another.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from vit_core.datasets.dataset import DataSet, Example
from vit_core.datasets.near import Pair, near_pairs
from vit_core.errors import shorten

Severity = Literal["info", "warning", "block"]

FEW = 5  # images per class that a warning asks for, as other tools do
TINY = 32  # px; below the resolution of the smallest models
LONG = 4.0  # times as long as wide; squeezed to a square, little can be seen
ALIKE, ALIKE_FROM = 0.05, 20  # share and number of near copies across the parts past which the hash is no proof
UNEVEN = 10.0  # times as many images in the largest class as in the smallest


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing to know.

    Attributes:
        kind: a stable word: "one-class", "empty-class", "no-train", "no-test", "leak", "two-classes", "duplicate",
            "near-leak", "near-duplicate", "left-out", "few-images", "imbalance", "tiny" or "odd-size".
        severity: "block" keeps a run from starting; of "leak" and "near-leak" a person may take it off.
        text: one sentence or two.
        names: the images or classes it is about. Of the four about copies: those to drop, one of each pair staying.
        pairs: of the four about copies: the name that stays or is tested on, and the name to drop.
    """

    kind: str
    severity: Severity
    text: str
    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class ClassCount:
    """How many images a class has."""

    name: str
    train: int
    test: int


@dataclasses.dataclass(frozen=True)
class Health:
    """All there is to know, the gravest first.

    Attributes:
        counts: of each class, in the order of `DataSet.classes`.
        findings: ordered by severity, then by kind in the order above.
    """

    counts: tuple[ClassCount, ...]
    findings: tuple[Finding, ...]

    @property
    def blocks(self) -> bool:
        """Whether a run must not start."""
        return any(finding.severity == "block" for finding in self.findings)


def examine(dataset: DataSet) -> Health:
    """Look a data set over."""
    counts = _count(dataset)
    findings = [finding for look in _LOOKS for finding in look(dataset, counts)]
    order = {"block": 0, "warning": 1, "info": 2}
    return Health(counts, tuple(sorted(findings, key=lambda finding: order[finding.severity])))


def _count(dataset: DataSet) -> tuple[ClassCount, ...]:
    train, test = [0] * len(dataset.classes), [0] * len(dataset.classes)
    for example in dataset.examples:
        (train if example.part == "train" else test)[example.label] += 1
    return tuple(map(ClassCount, dataset.classes, train, test))


def _classes(dataset: DataSet, counts: Sequence[ClassCount]) -> Iterable[Finding]:
    if len(dataset.classes) < 2:
        text = f"There is only one class, {_listed(dataset.classes)}; add a second one to tell it from."
        yield Finding("one-class", "block", text, dataset.classes)
    if empty := [count.name for count in counts if not count.train + count.test]:
        text = (
            f"{_many(len(empty), 'class has', 'classes have')} no images: {_listed(empty)}. Add some, or leave it out."
        )
        yield Finding("empty-class", "block", text, tuple(empty))


def _parts(dataset: DataSet, counts: Sequence[ClassCount]) -> Iterable[Finding]:
    filled = [count for count in counts if count.train + count.test]
    if untaught := [count.name for count in filled if not count.train]:
        text = f"{_many(len(untaught), 'class has', 'classes have')} no image to learn from: {_listed(untaught)}."
        yield Finding("no-train", "block", text, tuple(untaught))
    untested = [count.name for count in filled if not count.test]
    if untested and len(untested) == len(filled):
        text = "There is no image to test on: a class needs two different images at least. Add images."
        yield Finding("no-test", "block", text, tuple(untested))
    elif untested:
        text = f"{_many(len(untested), 'class has', 'classes have')} no image to test on: {_listed(untested)}."
        yield Finding("no-test", "warning", text, tuple(untested))


def _balance(dataset: DataSet, counts: Sequence[ClassCount]) -> Iterable[Finding]:
    sizes = {count.name: count.train + count.test for count in counts if count.train + count.test}
    if few := [name for name, size in sizes.items() if size < FEW]:
        text = (
            f"{_many(len(few), 'class has', 'classes have')} fewer than {FEW} images: {_listed(few)}. More would help."
        )
        yield Finding("few-images", "warning", text, tuple(few))
    most, least = max(sizes, key=sizes.__getitem__, default=""), min(sizes, key=sizes.__getitem__, default="")
    if sizes and sizes[most] >= UNEVEN * sizes[least]:
        text = (
            f"{shorten(most, 60)!r} has {sizes[most]} images and {shorten(least, 60)!r} {sizes[least]}. "
            "Add to the small classes, or let every class count the same (class weights)."
        )
        yield Finding("imbalance", "warning", text, (most, least))


def _sizes(dataset: DataSet, counts: Sequence[ClassCount]) -> Iterable[Finding]:
    if tiny := [each.name for each in dataset.examples if min(each.width, each.height) < TINY]:
        text = f"{_many(len(tiny), 'image is', 'images are')} smaller than {TINY} pixels on a side: {_listed(tiny)}."
        yield Finding("tiny", "warning", text, tuple(tiny))
    if long := [each.name for each in dataset.examples if _longness(each) > LONG]:
        text = (
            f"{_many(len(long), 'image is', 'images are')} more than {LONG:g} times as long as wide, and will be "
            f"squeezed to a square: {_listed(long)}."
        )
        yield Finding("odd-size", "info", text, tuple(long))


def _left_out(dataset: DataSet, counts: Sequence[ClassCount]) -> Iterable[Finding]:
    if names := tuple(each.name for each in dataset.left_out):
        text = f"{_many(len(names), 'file was', 'files were')} left out. {dataset.left_out[0].reason}"
        yield Finding("left-out", "warning", text, names)


def _copies(dataset: DataSet, counts: Sequence[ClassCount]) -> Iterable[Finding]:
    leaks, contradictions, plain = [], [], []
    for group in _groups(dataset):
        tested = next((each for each in group if each.part == "test"), None)
        kept = tested or group[0]
        for copy in group:
            if copy is kept:
                continue
            if tested and copy.part == "train":
                leaks.append((kept, copy))
            elif copy.label != kept.label:
                contradictions.append((kept, copy))
            else:
                plain.append((kept, copy))
    yield from _about_pairs("leak", "block", leaks)
    yield from _about_pairs("two-classes", "warning", contradictions)
    yield from _about_pairs("duplicate", "warning", plain)


def _near_copies(dataset: DataSet, counts: Sequence[ClassCount]) -> Iterable[Finding]:
    leaks: dict[str, Pair] = {}
    plain: dict[str, Pair] = {}
    for tested, learned in near_pairs(dataset.examples, across=True):
        leaks.setdefault(learned.name, (tested, learned))
    for first, second in near_pairs(dataset.examples):
        if first.part == second.part:
            plain.setdefault(second.name, (first, second))
    # Where so many are near, pictures of a class are simply alike, as handwritten digits are, and nobody copied them.
    alike = len(leaks) > max(ALIKE_FROM, ALIKE * len(dataset.examples))
    yield from _about_pairs("near-leak", "warning" if alike else "block", list(leaks.values()))
    yield from _about_pairs("near-duplicate", "info", [pair for name, pair in plain.items() if name not in leaks])


_SENTENCES = {
    "leak": (
        "The same picture is both learned from and tested on, {count} in all: {example}. A test on them says too much. "
        "Drop them from the training images, or accept it."
    ),
    "near-leak": (
        "Nearly the same picture is both learned from and tested on, {count} in all: {example}. A test on them says "
        "too much. Look at them and drop the training images, or accept it."
    ),
    "two-classes": "The same picture is in two classes, {count} in all: {example}. Drop the wrong one of each pair.",
    "duplicate": "The same picture is there more than once, {count} too many: {example}. Drop the copies.",
    "near-duplicate": "Pictures are nearly the same, {count} in all: {example}. Look at them; copies teach little.",
}


def _about_pairs(kind: str, severity: Severity, pairs: Sequence[Pair]) -> Iterable[Finding]:
    if pairs:
        kept, copy = pairs[0]
        example = f"{shorten(copy.name, 60)!r} and {shorten(kept.name, 60)!r}"
        text = _SENTENCES[kind].format(count=len(pairs), example=example)
        names = tuple(copy.name for _, copy in pairs)
        yield Finding(kind, severity, text, names, tuple((kept.name, copy.name) for kept, copy in pairs))


def _groups(dataset: DataSet) -> list[list[Example]]:
    """Give the examples of one content, where there are several."""
    by_checksum: dict[str, list[Example]] = defaultdict(list)
    for example in dataset.examples:
        by_checksum[example.sha256].append(example)
    return [group for group in by_checksum.values() if len(group) > 1]


def _longness(example: Example) -> float:
    return max(example.width, example.height) / min(example.width, example.height)


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _listed(names: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(repr(shorten(name, 60)) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


_LOOKS: tuple[Callable[[DataSet, Sequence[ClassCount]], Iterable[Finding]], ...] = (
    _classes,
    _parts,
    _copies,
    _near_copies,
    _left_out,
    _balance,
    _sizes,
)
