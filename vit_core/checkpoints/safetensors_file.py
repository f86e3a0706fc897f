"""Arrays in a `.safetensors` file: its list is JSON in front, its values lie behind as they are.

The list is read by ourselves, within limits: the library bounds neither its length nor its names. Nothing is allocated
for values; every array is a view of the mapped file. Format: github.com/huggingface/safetensors, README, "Format".
"""

import json
import math
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from vit_core.checkpoints.arrays import ArrayInfo, Limits, RawArrayFile, check_total, map_file, naming
from vit_core.errors import BadCheckpoint, DamagedCheckpoint, shorten

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
    with naming(path):
        data = map_file(path)
        fields, start = _read_list(data, limits)
        found = [_array(name, value) for name, value in fields.items() if name != "__metadata__"]
        if len(found) > limits.max_members:
            raise BadCheckpoint(f"holds {len(found)} arrays; the limit is {limits.max_members}.")
        _check_places(found, length=len(data) - start)
        check_total((info for info, _, _ in found), limits)
    return RawArrayFile(path, data, {info.name: (info, start + begin) for info, begin, _ in found})


def _read_list(data: memoryview, limits: Limits) -> tuple[dict[str, object], int]:
    """Give the list and the offset of the first value."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > len(data) - _LENGTH_BYTES:
        raise DamagedCheckpoint("is cut short, or no .safetensors file: its list of arrays does not end in it.")
    if length > limits.max_directory_bytes:
        raise BadCheckpoint(f"has a list of arrays of {length} bytes; the limit is {limits.max_directory_bytes}.")
    start = _LENGTH_BYTES + length
    try:
        fields = json.loads(bytes(data[_LENGTH_BYTES:start]).decode("utf-8"), object_pairs_hook=unique_names)
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpoint("is damaged: its list of arrays is no JSON.") from error
    if not isinstance(fields, dict):
        raise DamagedCheckpoint("is damaged: its list of arrays is no list by name.")
    return fields, start


def unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Give an object of JSON, for `json.loads`, which would take the last of two fields of one name.

    Raises:
        BadCheckpoint: two have one name. Goes on from "The file …".
    """
    fields = dict[str, object]()
    for name, value in pairs:
        if name in fields:
            raise BadCheckpoint(f"holds two arrays named {shorten(name, 60)!r}.")
        fields[name] = value
    return fields


def _array(name: str, fields: object) -> tuple[ArrayInfo, int, int]:
    """Give what an array is, and where its values begin and end, counted from the first value of all."""
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise DamagedCheckpoint(f"is damaged: {shorten(name, 60)!r} has no dtype, shape and place.")
    dtype = _DTYPES.get(fields["dtype"]) if isinstance(fields["dtype"], str) else None
    if dtype is None:
        told = shorten(str(fields["dtype"]), 40)
        raise BadCheckpoint(
            f"holds {shorten(name, 60)!r} of the dtype {told!r}, which is no floating-point or whole number."
        )
    shape, place = _whole_numbers(fields["shape"]), _whole_numbers(fields["data_offsets"])
    if shape is None or not _is_possible(shape):
        told = shorten(str(fields["shape"]), 60)
        raise DamagedCheckpoint(f"is damaged: {shorten(name, 60)!r} has the shape {told}, which is none.")
    info = ArrayInfo(name, shape, np.dtype(dtype), mapped=True)
    if place is None or len(place) != 2 or place[1] - place[0] != info.nbytes:
        told = shorten(str(fields["data_offsets"]), 60)
        raise DamagedCheckpoint(
            f"is damaged: {shorten(name, 60)!r} of shape {shorten(str(shape), 60)} needs {info.nbytes} bytes, and its "
            f"place is {told}."
        )
    return info, place[0], place[1]


def _is_possible(shape: tuple[int, ...]) -> bool:
    # An axis of 0 hides the others from the number of bytes, but not from numpy.
    return len(shape) <= _MOST_AXES and math.prod(max(axis, 1) for axis in shape) <= _MOST_VALUES


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
            raise DamagedCheckpoint(f"is damaged: {shorten(info.name, 60)!r} {word}.")
        position = end
    if position > length:
        raise DamagedCheckpoint(f"is cut short: its arrays need {position} bytes, and it has {length} of them.")
    if position < length:
        raise DamagedCheckpoint(f"is damaged: {length - position} bytes after its last array belong to none.")
