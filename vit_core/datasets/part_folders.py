"""Folders that say whether to learn from the images in them or to test on them, told from classes of the same name."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from vit_core.datasets.dataset import Part
from vit_core.errors import shorten

PARTS: Mapping[str, Part] = MappingProxyType({"train": "train", "training": "train", "test": "test", "testing": "test"})
"""What a folder or a cell may be called that says whether to learn from an image or to test on it."""
VALIDATION = frozenset({"val", "valid", "validation", "eval", "dev"})


def part_folders(paths: Sequence[tuple[str, ...]]) -> tuple[dict[str, Part], list[str]]:
    """Give the part of each folder at the top; none where the folders there are classes, of which one may be "train".

    They are parts where all of them are called so, or where one to learn from and one to test on share a class: what
    lies beside these is left out, and said.
    """
    inner: dict[str, set[str]] = {}
    for path in paths:
        if len(path) > 1:
            inner.setdefault(path[0], set()).update(path[1:2] if len(path) > 2 else ())
    named = sorted(top for top in inner if part_of(top))
    strays = sorted(set(inner) - set(named))
    has_test = any(PARTS.get(top.casefold()) == "test" for top in named)
    parts = {top: part for top in named if (part := part_of(top, validation="train" if has_test else "test"))}
    if not any(inner.values()) or not (_share_a_class(parts, inner) if strays else named):
        return {}, _taken_for_classes(named, strays)
    return parts, [*_uses(parts), *_left_beside(parts, {stray: _count(paths, stray) for stray in strays})]


def part_of(text: str, *, validation: Part = "test") -> Part | None:
    """Give the part that a word means, in any case; None for other words.

    Example:
        >>> part_of("Training"), part_of("val"), part_of("cat")
        ('train', 'test', None)
    """
    word = text.strip().casefold()
    return validation if word in VALIDATION else PARTS.get(word)


def _share_a_class(parts: Mapping[str, Part], inner: Mapping[str, set[str]]) -> bool:
    classes: dict[Part, set[str]] = {"train": set(), "test": set()}
    for top, part in parts.items():
        classes[part] |= inner[top]
    return not classes["train"].isdisjoint(classes["test"])


def _uses(parts: Mapping[str, Part]) -> list[str]:
    return [
        f"The images of {top!r} are used {'to learn from' if part == 'train' else 'to test on'}."
        for top, part in parts.items()
        if top.casefold() in VALIDATION
    ]


def _left_beside(parts: Mapping[str, Part], strays: Mapping[str, int]) -> list[str]:
    return [
        f"The folder {shorten(stray, 60)!r} is left out, with {count} image{'' if count == 1 else 's'}: beside "
        f"{_and(parts)} nothing else is learned from or tested on."
        for stray, count in strays.items()
    ]


def _taken_for_classes(named: Sequence[str], strays: Sequence[str]) -> list[str]:
    """Say that a folder which is called like a part is a class, so that nobody finds out from the report."""
    if not named:
        return []
    are = "is a class here" if len(named) == 1 else "are classes here"
    beside = f", like {_and(strays[:3])}" if strays else ""
    return [
        f"{_and(named)} {are}{beside}. For parts of your own there must be a folder train and a folder test, each with "
        "the same class folders in it."
    ]


def _count(paths: Iterable[tuple[str, ...]], top: str) -> int:
    return sum(len(path) > 1 and path[0] == top for path in paths)


def _and(names: Iterable[str]) -> str:
    return " and ".join(repr(shorten(name, 60)) for name in names)
