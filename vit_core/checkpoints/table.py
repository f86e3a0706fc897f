"""Tables of names: a row is a pattern of names in a file, a pattern of our paths, and the layout between them.

Patterns have places in braces: `{block}` stands for a whole number, `{stage+1}` for the same number counted from 1, and
`{leaf}` for a word. `{block*}` on our side alone runs along an axis of the file's array, which then holds several of
ours. Knows how rows are read in both directions; the rows themselves are in `generations`.
"""

import dataclasses
import functools
import re
from collections.abc import Mapping
from typing import Literal

from vit_core.checkpoints.layout import SAME, Layout, Shape

_PLACE = re.compile(r"\{(\w+?)(\+1|\*)?\}")
_WORDS = {
    "leaf": ("kernel", "bias", "scale"),
    "qkvo": ("query", "key", "value", "out"),
    "qkv": ("query", "key", "value"),
    "kv": ("key", "value"),
}
_MOST_PIECES = 256  # of one array: more blocks than any model has


@dataclasses.dataclass(frozen=True)
class Row:
    """One kind of array.

    Attributes:
        published: pattern of the name in a file.
        ours: pattern of the path in the parameter tree, joined by "/".
        layout: of each of our arrays in the file.
        pieces: how an array of the file holds several of ours: "stacked" along a leading axis of their number, or
            "joined" end to end along the first axis. None where it holds one.
    """

    published: str
    ours: str
    layout: Layout = SAME
    pieces: Literal["stacked", "joined"] | None = None


@dataclasses.dataclass(frozen=True)
class Generation:
    """The naming of one era of files.

    Attributes:
        name: for messages.
        prefixes: what may stand before all names; the first is written, the others are only read.
        rows: the table.
        class_position: where the class token's position is: among the others ("whole"), added to `cls` ("folded"), or
            in some files here and in some there ("either", written whole).
        sincos: whether position embeddings can be missing, being a fixed table of sines and cosines then.
        origin: the library whose layers a file of this naming was written for.
    """

    name: str
    prefixes: tuple[str, ...]
    rows: tuple[Row, ...]
    class_position: Literal["whole", "folded", "either"] = "whole"
    sincos: bool = False
    origin: Literal["google", "timm", "transformers"] = "google"


@dataclasses.dataclass(frozen=True)
class Piece:
    """Where one of our arrays lies.

    Attributes:
        name: of the array in the file, without the generation's prefix.
        row: of the table.
        index: which part of the file's array it is.
        count: how many parts there are; 0 where that depends on the model.
    """

    name: str
    row: Row
    index: int = 0
    count: int = 1

    def shape_in_file(self, shape: Shape) -> Shape:
        """Give the shape of this part alone for that of the file's array."""
        if self.row.pieces == "stacked":
            return shape[1:]
        if self.row.pieces == "joined" and shape and shape[0] % self.count == 0:
            return (shape[0] // self.count, *shape[1:])
        return shape


@functools.cache
def names_of(generation: Generation) -> re.Pattern[str]:
    """Give the pattern that matches, as a whole, every name in a file that the table has a row for, without prefix."""
    return re.compile("|".join(_regex(row.published, "(?:{1})") for row in generation.rows), re.ASCII)


def pieces_of(generation: Generation, name: str, shape: Shape) -> dict[str, Piece] | None:
    """Give the parts of a file's array by our paths, or None where the table has no row for it.

    Args:
        generation: the table.
        name: in the file, without prefix.
        shape: in the file; tells how many arrays are stacked.
    """
    for row in generation.rows:
        if (places := _match(row.published, name)) is not None:
            return _spread(row, name, places, shape)
    return None


def piece_at(generation: Generation, path: str) -> Piece | None:
    """Give where our array at `path` lies, or None where the table has no row for it: the inverse of `pieces_of`."""
    for row in generation.rows:
        if (places := _match(row.ours, path)) is not None:
            running = _running(row)
            words = _WORDS.get(running or "", ())
            index = 0 if running is None else words.index(places[running]) if words else int(places[running])
            return Piece(_fill(row.published, places), row, index, 1 if running is None else len(words))
    return None


def _spread(row: Row, name: str, places: Mapping[str, str], shape: Shape) -> dict[str, Piece] | None:
    running = _running(row)
    if running is None:
        return {_fill(row.ours, places): Piece(name, row)}
    words = _WORDS.get(running) or tuple(str(number) for number in range(min(shape[0] if shape else 0, _MOST_PIECES)))
    return {
        _fill(row.ours, {**places, running: word}): Piece(name, row, index, len(words))
        for index, word in enumerate(words)
    }


@functools.cache
def _running(row: Row) -> str | None:
    return next((place[1] for place in _PLACE.finditer(row.ours) if place[2] == "*"), None)


def _match(pattern: str, text: str) -> Mapping[str, str] | None:
    """Read the places of a pattern from a text; numbers come out counted from 0."""
    regex, from_one = _compile(pattern)
    match = regex.fullmatch(text)
    if match is None:
        return None
    return {key: str(int(value) - 1) if key in from_one else value for key, value in match.groupdict().items()}


def _fill(pattern: str, places: Mapping[str, str]) -> str:
    def text(place: re.Match[str]) -> str:
        value = places[place[1]]
        return str(int(value) + 1) if place[2] == "+1" else value

    return _PLACE.sub(text, pattern)


@functools.cache
def _compile(pattern: str) -> tuple[re.Pattern[str], frozenset[str]]:
    from_one = frozenset(place[1] for place in _PLACE.finditer(pattern) if place[2] == "+1")
    return re.compile(_regex(pattern, "(?P<{}>{})"), re.ASCII), from_one


def _regex(pattern: str, group: str) -> str:
    """Give a regular expression for a pattern; `group` is what a place becomes, for its name and what it can be."""
    parts = []
    position = 0
    for place in _PLACE.finditer(pattern):
        # Leading zeros are refused: two names must never mean one array. Four digits are more than any model has.
        number = r"[1-9]\d{0,3}" if place[2] == "+1" else r"0|[1-9]\d{0,3}"
        words = "|".join(_WORDS.get(place[1], (number,)))
        parts += [re.escape(pattern[position : place.start()]), group.format(place[1], words)]
        position = place.end()
    return "".join([*parts, re.escape(pattern[position:])])
