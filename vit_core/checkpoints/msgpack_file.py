"""Arrays in a msgpack file of Flax, such as vit_jax's `checkpoint_N`: nested maps with arrays at the ends.

Read by ourselves, as views of the mapped file: the library copies every value, and a hostile file must not say how much
is allocated. Numbers, texts and lists beside the arrays are passed over. Formats: github.com/msgpack/msgpack, spec.md;
for arrays flax/serialization.py (extension 1 holds the msgpack list of shape, name of the dtype and bytes).
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from vit_core.checkpoints.arrays import ArrayInfo, Limits, RawArrayFile, check_total, map_file, naming
from vit_core.errors import BadCheckpoint, DamagedCheckpoint, shorten

_DTYPES: dict[str, Any] = {
    "bfloat16": ml_dtypes.bfloat16,
    "bool": "?",
    **{name: name for name in ("float16", "float32", "float64")},
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_ARRAY, _SCALAR = 1, 3  # extension types
_MOST_DEPTH = 32
_MOST_NAME = 1000  # characters of a path
_MOST_AXES = 8
_MOST_VALUES = 2**50
_VALUES_PER_ARRAY = 20  # values of all kinds for each array that is allowed; an array of 4 axes has 11

# First byte: kind, and how many bytes tell the length or the value.
_HEADS = {
    **{0xC0 + at: ("plain", 0) for at in (0, 2, 3)},
    **{0xC4 + at: ("bytes", 1 << at) for at in range(3)},
    **{0xC7 + at: ("extension", 1 << at) for at in range(3)},
    **{0xCA + at: ("skip", 4 << at) for at in range(2)},
    **{0xCC + at: ("number", 1 << at) for at in range(4)},
    **{0xD0 + at: ("skip", 1 << at) for at in range(4)},
    **{0xD9 + at: ("text", 1 << at) for at in range(3)},
    **{0xDC + at: ("list", 2 << at) for at in range(2)},
    **{0xDE + at: ("map", 2 << at) for at in range(2)},
}
# Kinds whose length is in the first byte itself: from, kind.
_SHORT = ((0xE0, "plain"), (0xC0, ""), (0xA0, "text"), (0x90, "list"), (0x80, "map"), (0x00, "number"))


@dataclasses.dataclass(frozen=True)
class _Value:
    """A value's kind; its number, count or length; where its content begins; and its extension type."""

    kind: str
    size: int
    start: int
    code: int = 0


def open_msgpack(path: str | Path, *, limits: Limits | None = None) -> RawArrayFile:
    """List the arrays of a file by their paths, joined by "/".

    Args:
        path: a local file; its name does not matter.
        limits: what is accepted; the defaults suit the largest published models.

    Raises:
        BadCheckpoint: missing, empty, not such a file, damaged, or over a limit; nothing was allocated.
    """
    path, limits = Path(path), limits or Limits()
    with naming(path):
        data = map_file(path)
        found = _Reader(data, limits).arrays()
        check_total((info for info, _ in found.values()), limits)
    return RawArrayFile(path, data, found)


class _Reader:
    """Walks through a file once, from the front."""

    def __init__(self, data: memoryview, limits: Limits) -> None:
        self._data = data
        self._limits = limits
        self._budget = limits.max_members * _VALUES_PER_ARRAY
        self._found: dict[str, tuple[ArrayInfo, int]] = {}

    def arrays(self) -> dict[str, tuple[ArrayInfo, int]]:
        end = self._walk(0, "", depth=0)
        if end != len(self._data):
            raise DamagedCheckpoint("is damaged: it goes on after the end of its content.")
        return self._found

    def _walk(self, at: int, path: str, *, depth: int) -> int:
        """Take a value and all in it; give the offset behind it."""
        if depth > _MOST_DEPTH or len(path) > _MOST_NAME:
            raise BadCheckpoint(
                f"is nested more than {_MOST_DEPTH} levels deep, or has a name of more than {_MOST_NAME} characters."
            )
        value = self._head(at)
        end = value.start
        if value.kind == "map":
            for _ in range(value.size):
                key, end = self._text(end)
                end = self._walk(end, f"{path}/{key}" if path else key, depth=depth + 1)
        elif value.kind == "list":
            for index in range(value.size):
                end = self._walk(end, f"{path}/{index}" if path else str(index), depth=depth + 1)
        elif value.kind in ("text", "bytes", "extension"):
            end += value.size
            if value.kind == "extension" and value.code in (_ARRAY, _SCALAR):
                self._take(path, value)
        return end

    def _take(self, path: str, value: _Value) -> None:
        """Note the array that an extension holds."""
        name = shorten(path, 60)
        if path in self._found:
            raise BadCheckpoint(f"holds two arrays named {name!r}.")
        if len(self._found) >= self._limits.max_members:
            raise BadCheckpoint(f"holds more than {self._limits.max_members} arrays, which is the limit.")
        shape, at = self._shape(value.start, name)
        told, at = self._text(at)
        if told not in _DTYPES:
            raise BadCheckpoint(
                f"holds {name!r} of the dtype {shorten(told, 40)!r}, which is no floating-point or whole number."
            )
        info = ArrayInfo(path, shape, np.dtype(_DTYPES[told]).newbyteorder("<"), mapped=True)
        content = self._head(at)
        end = value.start + value.size
        if content.kind != "bytes" or content.size != info.nbytes or content.start + content.size != end:
            raise DamagedCheckpoint(
                f"is damaged: {name!r} of shape {shorten(str(shape), 60)} needs {info.nbytes} bytes and has "
                f"{content.size}."
            )
        self._found[path] = info, content.start

    def _shape(self, at: int, name: str) -> tuple[tuple[int, ...], int]:
        parts, axes = self._head(at), None
        if (parts.kind, parts.size) == ("list", 3):
            axes = self._head(parts.start)
        if axes is None or axes.kind != "list" or axes.size > _MOST_AXES:
            raise DamagedCheckpoint(f"is damaged: {name!r} has no shape, dtype and values.")
        shape, at = [], axes.start
        for _ in range(axes.size):
            axis = self._head(at)
            if axis.kind != "number":
                raise DamagedCheckpoint(f"is damaged: {name!r} has a shape that is none.")
            shape.append(axis.size)
            at = axis.start
        # An axis of 0 hides the others from the number of bytes, but not from numpy.
        if math.prod(max(axis, 1) for axis in shape) > _MOST_VALUES:
            raise DamagedCheckpoint(f"is damaged: {name!r} has the shape {shorten(str(shape), 60)}, which is none.")
        return tuple(shape), at

    def _text(self, at: int) -> tuple[str, int]:
        """Give a text, or bytes that are one, and the offset behind it."""
        value = self._head(at)
        if value.kind not in ("text", "bytes") or value.size > _MOST_NAME:
            raise DamagedCheckpoint("is damaged, or no checkpoint: one of its names is no short text.")
        end = value.start + value.size
        try:
            return bytes(self._data[value.start : end]).decode("utf-8"), end
        except UnicodeDecodeError as error:
            raise DamagedCheckpoint("is damaged: one of its names is no text.") from error

    def _head(self, at: int) -> _Value:
        """Read what stands in front of a value, which has to end within the file."""
        self._budget -= 1
        if self._budget < 0:
            raise BadCheckpoint("holds more values than a checkpoint has.")
        value = self._parse(at, self._byte(at))
        inside = value.size if value.kind in ("text", "bytes", "extension") else 0
        least = value.size * (2 if value.kind == "map" else 1) if value.kind in ("map", "list") else inside
        if value.start + least > len(self._data):
            raise DamagedCheckpoint("is cut short: a value does not end in it.")
        return value

    def _parse(self, at: int, first: int) -> _Value:
        if 0xD4 <= first <= 0xD8:  # an extension of a fixed size
            return _Value("extension", 1 << (first - 0xD4), at + 2, self._byte(at + 1))
        if first in _HEADS:
            kind, width = _HEADS[first]
            size = int.from_bytes(self._data[at + 1 : at + 1 + width], "big")
            start = at + 1 + width
            return (
                _Value(kind, size, start + 1, self._byte(start)) if kind == "extension" else _Value(kind, size, start)
            )
        base, kind = next(entry for entry in _SHORT if first >= entry[0])
        if not kind:
            raise DamagedCheckpoint("is damaged, or no checkpoint: it is not the msgpack that Flax writes.")
        return _Value(kind, first - base, at + 1)

    def _byte(self, at: int) -> int:
        if at >= len(self._data):
            raise DamagedCheckpoint("is cut short: it ends within a value.")
        return self._data[at]
