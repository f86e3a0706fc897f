"""Arrays in a `.safetensors` file: its list is JSON in front, its values lie behind as they are.

The list is read by ourselves, within limits: the library bounds neither its length nor its names. Nothing is allocated
for values; every array is a view of the mapped file. Format: github.com/huggingface/safetensors, README, "Format".
"""

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from vit_core.checkpoints.arrays import ArrayInfo, Limits, RawArrayFile, check_total, map_file
from vit_core.errors import BadCheckpoint, shorten

_LENGTH_BYTES = 8
_DTYPES: dict[str, Any] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": ml_dtypes.bfloat16,
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
_MOST_AXES = 8
_MOST_VALUES = 2**50


def open_safetensors(path: str | Path, *, limits: Limits | None = None) -> RawArrayFile:
    """List the arrays of a file, after checking that they lie in it one behind the other.

    Args:
        path: a local file; its name does not matter.
        limits: what is accepted; the defaults suit the largest published models.

    Raises:
        BadCheckpoint: missing, empty, not such a file, damaged, or over a limit; nothing was allocated.
    """
    path, limits = Path(path), limits or Limits()
    try:
        data = map_file(path)
        fields, start = _read_list(data, limits)
        found = [_array(name, value) for name, value in fields.items() if name != "__metadata__"]
        if len(found) > limits.max_members:
            raise BadCheckpoint(f"holds {len(found)} arrays; the limit is {limits.max_members}.")
        _check_places(found, length=len(data) - start)
        check_total((info for info, _, _ in found), limits)
    except BadCheckpoint as error:
        raise BadCheckpoint(f"The file {str(path)!r} {error}") from error
    return RawArrayFile(path, data, {info.name: (info, start + begin) for info, begin, _ in found})


def _read_list(data: memoryview, limits: Limits) -> tuple[dict[str, object], int]:
    """Give the list and the offset of the first value."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > len(data) - _LENGTH_BYTES:
        raise BadCheckpoint("is cut short, or no .safetensors file: its list of arrays does not end in it.")
    if length > limits.max_directory_bytes:
        raise BadCheckpoint(f"has a list of arrays of {length} bytes; the limit is {limits.max_directory_bytes}.")
    start = _LENGTH_BYTES + length
    try:
        fields = json.loads(bytes(data[_LENGTH_BYTES:start]).decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint("is damaged: its list of arrays is no JSON.") from error
    if not isinstance(fields, dict):
        raise BadCheckpoint("is damaged: its list of arrays is no list by name.")
    return fields, start


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadCheckpoint(f"holds two arrays named {shorten(twice, 60)!r}.")
    return fields


def _array(name: str, fields: object) -> tuple[ArrayInfo, int, int]:
    """Give what an array is, and where its values begin and end, counted from the first value of all."""
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise BadCheckpoint(f"is damaged: {shorten(name, 60)!r} has no dtype, shape and place.")
    dtype = _DTYPES.get(fields["dtype"]) if isinstance(fields["dtype"], str) else None
    if dtype is None:
        told = shorten(str(fields["dtype"]), 40)
        raise BadCheckpoint(
            f"holds {shorten(name, 60)!r} of the dtype {told!r}, which is no floating-point or whole number."
        )
    shape, place = _whole_numbers(fields["shape"]), _whole_numbers(fields["data_offsets"])
    values = 1
    for axis in shape or ():
        values *= max(axis, 1)  # an axis of 0 hides the others from the number of bytes, but not from numpy
    if shape is None or len(shape) > _MOST_AXES or values > _MOST_VALUES:
        told = shorten(str(fields["shape"]), 60)
        raise BadCheckpoint(f"is damaged: {shorten(name, 60)!r} has the shape {told}, which is none.")
    info = ArrayInfo(name, shape, np.dtype(dtype), mapped=True)
    if place is None or len(place) != 2 or place[1] - place[0] != info.nbytes:
        told = shorten(str(fields["data_offsets"]), 60)
        raise BadCheckpoint(
            f"is damaged: {shorten(name, 60)!r} of shape {shorten(str(shape), 60)} needs {info.nbytes} bytes, and its "
            f"place is {told}."
        )
    return info, place[0], place[1]


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not all(type(number) is int and 0 <= number < 2**63 for number in value):
        return None
    return tuple(value)


def _check_places(found: list[tuple[ArrayInfo, int, int]], *, length: int) -> None:
    """Refuse arrays that share bytes, leave holes, or lie outside: the format allows none of it."""
    position = 0
    for info, begin, end in sorted(found, key=lambda entry: entry[1:]):
        if begin != position:
            word = "overlaps another array" if begin < position else "does not follow the array before it"
            raise BadCheckpoint(f"is damaged: {shorten(info.name, 60)!r} {word}.")
        position = end
    if position > length:
        raise BadCheckpoint(f"is cut short: its arrays need {position} bytes, and it has {length} of them.")
    if position < length:
        raise BadCheckpoint(f"is damaged: {length - position} bytes after its last array belong to none.")
