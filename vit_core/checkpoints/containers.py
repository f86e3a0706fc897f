"""A file of weights, opened whatever its format: told by its first bytes, never by its name.

Only that it is one of several parts is known by its name alone, and that a folder is meant by what lies in it.
"""

from pathlib import Path

from vit_core.checkpoints.arrays import ArrayFile, Limits, naming
from vit_core.checkpoints.beginnings import BEGINNING_BYTES, format_of
from vit_core.checkpoints.msgpack_file import open_msgpack
from vit_core.checkpoints.npz import open_npz
from vit_core.checkpoints.safetensors_file import open_safetensors
from vit_core.checkpoints.shards import index_of, open_shards
from vit_core.errors import BadCheckpoint, BadInput
from vit_core.store.folder import weights_in

_OPENERS = {"npz": open_npz, "safetensors": open_safetensors, "msgpack": open_msgpack}


def open_arrays(path: str | Path, *, limits: Limits | None = None) -> ArrayFile:
    """List the arrays of an `.npz`, a `.safetensors` or a msgpack file, after checking all that can be known.

    Args:
        path: a local file, whose name does not matter; the folder of one; or of a model in several `.safetensors`
            files one of them, or their index.
        limits: what is accepted; the defaults suit the largest published models.

    Raises:
        BadCheckpoint: missing, empty, another file, damaged, or over a limit; nothing was allocated.
    """
    path = _file(Path(path))
    if (index := index_of(path)) is not None:
        return open_shards(index, limits=limits)
    with naming(path):
        try:
            with path.open("rb") as file:
                start = file.read(BEGINNING_BYTES)
        except (OSError, ValueError) as error:
            raise BadCheckpoint(f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error
        kind = format_of(start)
    return _OPENERS[kind](path, limits=limits)


def _file(path: Path) -> Path:
    """Give the file of weights of a folder, and any other path as it is."""
    try:
        return weights_in(path) if path.is_dir() else path
    except BadInput as error:
        raise BadCheckpoint(str(error)) from error
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"The folder {str(path)!r} cannot be read: {error}.") from error
