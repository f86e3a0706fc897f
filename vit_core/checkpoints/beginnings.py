"""What a file is, by its first bytes; its name plays no part."""

from typing import Literal

from vit_core.checkpoints.npy_header import MAGIC
from vit_core.errors import BadCheckpoint, DamagedCheckpoint

Format = Literal["npz", "safetensors", "msgpack"]

BEGINNING_BYTES = 16

CONVERT = (
    "a pickle can run any code and is never opened. Convert it once where you trust it, with PyTorch: "
    "python -c \"import torch, safetensors.torch as s; w = torch.load('IN.pth', weights_only=True); "
    "s.save_file({k: v.contiguous() for k, v in w.items()}, 'OUT.safetensors')\""
)
"""How to get away from a pickle, as the end of a sentence."""

_OTHERS = (
    (MAGIC, "it is a single numpy array (.npy)"),
    (b"\x80", f"it looks like a pickle, which is never opened: {CONVERT}"),
    (b"<", "it looks like a web page, such as an error message of a server"),
    (b"{", "it looks like JSON"),
    (b"\x1f\x8b", "it is gzip-compressed"),
    (b"\x89HDF", "it is an HDF5 file"),
    (b"version https:/", "it is the stand-in that Git LFS keeps for a file; fetch the file itself"),
)


def format_of(start: bytes) -> Format:
    """Tell the format of a file of weights.

    Args:
        start: the first `BEGINNING_BYTES` of it, or all there is.

    Raises:
        BadCheckpoint: another file. The message goes on from "The file …".
        DamagedCheckpoint: empty, or nothing that is known.

    Example:
        >>> format_of(b"PK" + bytes([3, 4]))
        'npz'
    """
    if not start:
        raise DamagedCheckpoint("is empty.")
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return "npz"
    # A little-endian length of 8 bytes, and JSON; a length that fits no file would be of another format.
    if start[8:9] == b"{" and start[5:8] == bytes(3):
        return "safetensors"
    if _is_map_of_texts(start):
        return "msgpack"
    described = next((text for beginning, text in _OTHERS if start.lstrip().startswith(beginning)), None)
    if described is None:
        raise DamagedCheckpoint(f"is no file of weights: it starts with {start[:8]!r}.")
    raise BadCheckpoint(f"is no file of weights: {described}.")


def _is_map_of_texts(start: bytes) -> bool:
    """Tell whether msgpack begins: a map that is not empty, and a text as its first key."""
    header = {0xDE: 3, 0xDF: 5}.get(start[0], 1)
    is_map = 0x81 <= start[0] <= 0x8F or header > 1
    key = start[header] if len(start) > header else 0
    return is_map and (0xA0 <= key <= 0xBF or key in (0xD9, 0xDA))
