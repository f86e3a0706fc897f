"""A file of weights, opened whatever its format: told by its first bytes, never by its name."""

from pathlib import Path

from vit_core.checkpoints.arrays import ArrayFile, Limits, naming
from vit_core.checkpoints.beginnings import BEGINNING_BYTES, format_of
from vit_core.checkpoints.msgpack_file import open_msgpack
from vit_core.checkpoints.npz import open_npz
from vit_core.checkpoints.safetensors_file import open_safetensors
from vit_core.errors import BadCheckpoint

_OPENERS = {"npz": open_npz, "safetensors": open_safetensors, "msgpack": open_msgpack}


def open_arrays(path: str | Path, *, limits: Limits | None = None) -> ArrayFile:
    """List the arrays of an `.npz`, a `.safetensors` or a msgpack file, after checking all that can be known.

    Args:
        path: a local file; its name does not matter.
        limits: what is accepted; the defaults suit the largest published models.

    Raises:
        BadCheckpoint: missing, empty, another file, damaged, or over a limit; nothing was allocated.
    """
    path = Path(path)
    with naming(path):
        try:
            with path.open("rb") as file:
                start = file.read(BEGINNING_BYTES)
        except (OSError, ValueError) as error:
            raise BadCheckpoint(f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error
        kind = format_of(start)
    return _OPENERS[kind](path, limits=limits)
