"""Arrays into a `.safetensors` file, one after the other: no second copy of all weights in memory.

Format: eight bytes of length, a JSON header, the values (github.com/huggingface/safetensors, "Format"). The library's
own writer turns every array into bytes first, and tells a full disk from a bug by nothing but its words.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_ALIGNMENT = 8  # of the values in the file


def write_safetensors(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write float32 arrays; equal arrays give equal files.

    Raises:
        ValueError: an array of another type.
        OSError: the disk refused; the file may be there in part.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}  # what PyTorch's loaders look for
    end = 0
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise ValueError(f"{name!r} is {array.dtype}, not float32.")
        start, end = end, end + array.nbytes
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array, dtype="<f4").data)
