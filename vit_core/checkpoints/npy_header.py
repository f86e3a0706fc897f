"""The header in front of a numpy array (`.npy`), read from bounded text without running anything.

Format: numpy/lib/format.py (NEP 1). Accepts what weights can be: floating-point and whole numbers.
"""

import ast
import dataclasses
import math

import ml_dtypes
import numpy as np

from vit_core.errors import BadCheckpoint, shorten

MAGIC = b"\x93NUMPY"
FIXED_BYTES = 12  # magic, version and the longer form of the length

_BFLOAT16: np.dtype = np.dtype(ml_dtypes.bfloat16)
_NUMBERS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})
_MOST_AXES = 8
_MOST_VALUES = 2**50


@dataclasses.dataclass(frozen=True)
class Header:
    """What stands before the values.

    Attributes:
        dtype: of the values; 2-byte void is bfloat16, which numpy writes so.
        fortran_order: whether the first axis varies fastest.
        shape: lengths of the axes.
        length: bytes from the start of the array to its values.
    """

    dtype: np.dtype
    fortran_order: bool
    shape: tuple[int, ...]
    length: int


def parse_header(start: bytes, *, max_bytes: int) -> Header:
    """Read a header.

    Args:
        start: the beginning of the array, `max_bytes + FIXED_BYTES` of it or all there is.
        max_bytes: longest header that is accepted.

    Raises:
        BadCheckpoint: no header, too long, or for values that are no plain numbers. The message goes on from "it".
    """
    if not start.startswith(MAGIC) or len(start) < FIXED_BYTES:
        raise BadCheckpoint("does not start like a numpy array.")
    width = {1: 2, 2: 4, 3: 4}.get(start[6])
    if width is None:
        raise BadCheckpoint(f"has the unknown format version {start[6]}.")
    length = int.from_bytes(start[8 : 8 + width], "little")
    if length > max_bytes:
        raise BadCheckpoint(f"has a header of {length} bytes; the limit is {max_bytes}.")
    end = 8 + width + length
    if len(start) < end:
        raise BadCheckpoint("has a header that is cut short.")
    fields = _parse_literal(start[8 + width : end].decode("latin-1"))
    return Header(_dtype(fields["descr"]), _flag(fields["fortran_order"]), _shape(fields["shape"]), end)


def _parse_literal(text: str) -> dict[str, object]:
    """Read the dict: constants only, no code runs."""
    if "\\" in text:
        raise BadCheckpoint("has a header with escapes, which none needs.")
    try:
        fields = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise BadCheckpoint("has a header that is no plain description.") from error
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise BadCheckpoint("has a header that does not name dtype, order and shape.")
    return fields


def _dtype(descr: object) -> np.dtype:
    if descr in ("|V2", "<V2"):
        return _BFLOAT16
    if descr == "|O":
        raise BadCheckpoint("holds Python objects, which are never unpickled.")
    known = isinstance(descr, str) and len(descr) == 3 and descr[0] in "<>|=" and descr[1:] in _NUMBERS
    if not known:
        raise BadCheckpoint(f"has the dtype {shorten(str(descr), 40)!r}, which is no floating-point or whole number.")
    dtype: np.dtype = np.dtype(str(descr))
    return dtype


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadCheckpoint("does not say in which order its values are.")
    return value


def _shape(value: object) -> tuple[int, ...]:
    axes = value if isinstance(value, tuple) and len(value) <= _MOST_AXES else (None,)
    lengths = all(type(axis) is int and axis >= 0 for axis in axes)
    # An axis of 0 hides the others from the number of bytes, but not from numpy.
    if not lengths or math.prod(max(axis, 1) for axis in axes) > _MOST_VALUES:
        raise BadCheckpoint(f"has the shape {shorten(str(value), 40)}, which is none.")
    return axes
