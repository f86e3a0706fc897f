"""The frames that the web process and the predictor process send each other over pipes.

    b"VITF"  header length (4 bytes, big-endian)  header (JSON, UTF-8)  blob  blob  …

The header is an object with "kind", the fields of the message and "blobs", one entry per blob that gives its length
or, for an array, dtype and shape. Everything is checked against limits before memory is taken for it, and nothing that
is received is ever executed. Knows nothing of what the messages mean.
"""

import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vit_core.errors import PredictorError

MAGIC = b"VITF"
MAX_HEADER_BYTES = 64_000_000
MAX_BLOBS_BYTES = 2_000_000_000
DTYPES = ("uint8", "float16", "float32")

Blob = bytes | np.ndarray


class FrameError(PredictorError):
    """Bytes that are not a frame; the two sides have lost each other."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """One message.

    Attributes:
        kind: what it is.
        fields: values that JSON can hold.
        blobs: bytes and arrays, in the order in which they were given.
    """

    kind: str
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # Any: JSON
    blobs: Sequence[Blob] = ()


def write_frame(stream: io.BufferedIOBase, frame: Frame) -> None:
    """Send a frame and flush.

    Raises:
        OSError: the other side is gone.
    """
    blobs = [blob if isinstance(blob, bytes) else np.ascontiguousarray(blob) for blob in frame.blobs]
    header = {**frame.fields, "kind": frame.kind, "blobs": [_describe(blob) for blob in blobs]}
    text = json.dumps(header, allow_nan=False).encode()
    stream.write(MAGIC + len(text).to_bytes(4) + text)
    for blob in blobs:
        stream.write(blob if isinstance(blob, bytes) else blob.data)
    stream.flush()


def read_frame(stream: io.BufferedIOBase) -> Frame | None:
    """Receive a frame; None where the stream ends between two frames.

    Raises:
        FrameError: the bytes are not a frame, or over a limit, or end in the middle.
    """
    start = stream.read(len(MAGIC) + 4)
    if not start:
        return None
    if len(start) < len(MAGIC) + 4 or not start.startswith(MAGIC):
        raise FrameError("The predictor process sent something that is not a message.")
    size = int.from_bytes(start[len(MAGIC) :])
    if size > MAX_HEADER_BYTES:
        raise FrameError(f"A message's header of {size} bytes is over the limit of {MAX_HEADER_BYTES}.")
    header = _parse(_read_exactly(stream, size))
    descriptions = header.pop("blobs")
    if sum(_blob_bytes(description) for description in descriptions) > MAX_BLOBS_BYTES:
        raise FrameError(f"A message's arrays are over the limit of {MAX_BLOBS_BYTES} bytes.")
    blobs = tuple(_read_blob(stream, description) for description in descriptions)
    return Frame(header.pop("kind"), header, blobs)


def _describe(blob: Blob) -> dict[str, Any]:
    if isinstance(blob, bytes):
        return {"bytes": len(blob)}
    return {"dtype": blob.dtype.name, "shape": list(blob.shape)}


def _parse(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError("A message's header is not JSON.") from error
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
        raise FrameError("A message's header has no kind.")
    if not isinstance(header.get("blobs"), list):
        raise FrameError("A message's header does not say what follows it.")
    return header


def _blob_bytes(description: object) -> int:
    match description:
        case {"bytes": int(size)} if size >= 0:
            return size
        case {"dtype": str(dtype), "shape": list(shape)} if dtype in DTYPES and _is_shape(shape):
            return math.prod(shape) * np.dtype(dtype).itemsize
    raise FrameError(f"A message holds an array that is not allowed: {description!r:.100}.")


def _is_shape(shape: list[Any]) -> bool:
    return len(shape) <= 8 and all(isinstance(size, int) and 0 <= size <= MAX_BLOBS_BYTES for size in shape)


def _read_blob(stream: io.BufferedIOBase, description: Mapping[str, Any]) -> Blob:
    if "bytes" in description:
        return _read_exactly(stream, description["bytes"])
    data = _read_exactly(stream, _blob_bytes(description))
    return np.frombuffer(data, description["dtype"]).reshape(description["shape"])


def _read_exactly(stream: io.BufferedIOBase, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise FrameError("A message ended too early.")
    return data
