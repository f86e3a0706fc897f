"""Weights in several `.safetensors` files, read as one by the index that lies beside them.

transformers and timm write `model-00001-of-00002.safetensors` … and `model.safetensors.index.json`, whose "weight_map"
says in which file each array lies. The index is from a stranger: it names only files beside it, and what it says is
held against what they hold. Format: huggingface.co/docs/safetensors and huggingface_hub's `save_torch_state_dict`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vit_core.checkpoints.arrays import ArrayFile, ArrayInfo, Limits, check_total, naming
from vit_core.checkpoints.safetensors_file import open_safetensors, unique_names
from vit_core.errors import BadCheckpoint, DamagedCheckpoint, shorten

INDEX_SUFFIX = ".safetensors.index.json"
_SHARD = re.compile(r"(?P<stem>.+)-\d{1,6}-of-(?P<count>\d{1,6})\.safetensors")
_PLAIN_NAME = re.compile(r"[\w][\w.+=@() -]{0,199}\.safetensors", re.ASCII)


class ShardedFile(ArrayFile):
    """The arrays of several files; `path` is that of the index."""

    is_one_file = False

    def __init__(self, path: Path, homes: Mapping[str, ArrayFile]) -> None:
        """Args: the index, and the file that each array lies in."""
        self.path = path
        self._homes = homes

    def __getitem__(self, name: str) -> ArrayInfo:
        return self._homes[name][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def read(self, name: str) -> np.ndarray:
        """Give a read-only view of the file that the array lies in."""
        return self._homes[name].read(name)


def index_of(path: Path) -> Path | None:
    """Give the index that a path means: its own, or the one beside it where it is the path of a part; else None.

    Raises:
        BadCheckpoint: by its name it is a part, and no index lies beside it.
    """
    if path.name.endswith(INDEX_SUFFIX):
        return path
    match = _SHARD.fullmatch(path.name)
    if match is None or not path.is_file():
        return None
    index = path.with_name(match["stem"] + INDEX_SUFFIX)
    if not index.is_file():
        raise BadCheckpoint(
            f"The file {str(path)!r} is one of {int(match['count'])} parts of a model, as its name says; put all of "
            f"them and {index.name!r} into one folder."
        )
    return index


def stored_bytes(path: Path) -> int:
    """Give the size of a file of weights on the disk, of all its parts together where it has some; 0 where it is not.

    Args:
        path: of a file, or of an index.
    """
    match = path.name.removesuffix(INDEX_SUFFIX) if path.name.endswith(INDEX_SUFFIX) else None
    files = [path] if match is None else path.parent.glob("*.safetensors")
    return sum(file.stat().st_size for file in files if file.is_file())


def open_shards(path: Path, *, limits: Limits | None = None) -> ShardedFile:
    """List the arrays of all parts of a model.

    Args:
        path: of the index.
        limits: what is accepted of all parts together.

    Raises:
        BadCheckpoint: no index, a part that is missing or damaged, or parts that the index does not describe; nothing
            was allocated.
    """
    limits = limits or Limits()
    with naming(path):
        homes, told_bytes = _read_index(path, limits)
        names = sorted(set(homes.values()))
        if missing := [name for name in names if not path.with_name(name).is_file()]:
            raise BadCheckpoint(
                f"needs {len(names)} parts beside it, and {missing[0]!r} is missing"
                + (f" with {len(missing) - 1} more." if missing[1:] else ".")
            )
    parts = {name: open_safetensors(path.with_name(name), limits=limits) for name in names}
    with naming(path):
        _compare(homes, parts)
        arrays: dict[str, ArrayFile] = {name: parts[home] for name, home in homes.items()}
        total = check_total((parts[home][name] for name, home in homes.items()), limits)
        if told_bytes is not None and told_bytes != total:
            raise DamagedCheckpoint(f"tells of {told_bytes:,} bytes of arrays, and its parts hold {total:,}.")
    return ShardedFile(path, arrays)


def _read_index(path: Path, limits: Limits) -> tuple[dict[str, str], int | None]:
    """Give the file of each array, and the bytes of all of them where the index tells."""
    try:
        if path.stat().st_size > limits.max_directory_bytes:
            raise BadCheckpoint(f"is an index of more than {limits.max_directory_bytes:,} bytes, the limit.")
        fields = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique_names)
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpoint("is no index of the parts of a model: it is no JSON.") from error
    except OSError as error:
        raise BadCheckpoint(f"cannot be read: {error.strerror or error}.") from error
    homes = fields.get("weight_map") if isinstance(fields, dict) else None
    if not isinstance(homes, dict) or not homes:
        raise BadCheckpoint('is no index of the parts of a model: it has no "weight_map".')
    if len(homes) > limits.max_members:
        raise BadCheckpoint(f"lists {len(homes)} arrays; the limit is {limits.max_members}.")
    for home in homes.values():
        if not isinstance(home, str) or not _PLAIN_NAME.fullmatch(home):
            raise BadCheckpoint(
                f"names the part {shorten(str(home), 60)!r}; a part is a .safetensors file in the folder of its index."
            )
    about = fields.get("metadata")
    total = about.get("total_size") if isinstance(about, dict) else None
    return homes, total if type(total) is int else None


def _compare(homes: Mapping[str, str], parts: Mapping[str, ArrayFile]) -> None:
    """Refuse parts that hold an array twice, or others than the index says."""
    seen = dict[str, str]()
    for part, arrays in parts.items():
        for name in arrays:
            if name in seen:
                raise BadCheckpoint(f"has the array {shorten(name, 60)!r} in two parts, {seen[name]!r} and {part!r}.")
            seen[name] = part
    for name, home in homes.items():
        if seen.get(name) != home:
            raise DamagedCheckpoint(f"says that {shorten(name, 60)!r} lies in {home!r}, and it does not.")
    if unlisted := seen.keys() - homes.keys():
        name = min(unlisted)
        raise DamagedCheckpoint(f"does not list {shorten(name, 60)!r}, which lies in {seen[name]!r}.")
