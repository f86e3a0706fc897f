"""What lies in the folders of the cache, seen as the cache counts it: files, downloads under way, and repositories.

All files of a repository of the hub lie in one folder and count as one. `contents.json` there says which they are
and how large, so that a repository of which a file is missing is known as one.
"""

import contextlib
import dataclasses
import json
import os
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from vit_core.store.checksum import Crc32c, Digest
from vit_core.store.locks import read_note, try_lock
from vit_core.store.part import claimed_bytes
from vit_core.store.sink import Version

PART = ".part"
ORIGIN = "origin.txt"
REPOSITORY = "hub_"  # how the folder of a repository begins
_CONTENTS = "contents.json"
_BLOCK = 1 << 20


@dataclasses.dataclass(frozen=True)
class CacheUsage:
    """What the cache holds, in files and bytes, and its limit."""

    files: int
    bytes: int
    limit_bytes: int


@dataclasses.dataclass(frozen=True)
class CacheEntry:
    """One file of the cache.

    Attributes:
        name: of the object; the whole address where a person gave one.
        bytes: on disk.
        used_at: time of the last use, UTC.
        is_whole: False for a download under way or cut off.
    """

    name: str
    bytes: int
    used_at: datetime
    is_whole: bool


@dataclasses.dataclass(frozen=True)
class KeptFile:
    """One file of the cache; of a repository the largest stands for all that are whole.

    Attributes:
        path: of the file.
        bytes: on disk, of all.
        used_at_s: of the last use, seconds since 1970.
    """

    path: Path
    bytes: int
    used_at_s: float

    @property
    def is_part(self) -> bool:
        """Whether it is a download under way or cut off."""
        return self.path.name.endswith(PART)

    @property
    def is_whole(self) -> bool:
        """Whether it can be used: a whole file, or a repository of which nothing is missing."""
        return not self.is_part and (not is_repository(self.path.parent) or is_complete(self.path.parent))

    @property
    def claimed_bytes(self) -> int:
        """What it has, or will have when its download is over."""
        return max(self.bytes, claimed_bytes(self.path) if self.is_part else 0)


def is_repository(folder: Path) -> bool:
    """Tell whether a folder of the cache holds a repository of the hub."""
    return folder.name.startswith(REPOSITORY)


def scan(files_folder: Path) -> list[KeptFile]:
    """List what lies in all folders."""
    found = []
    for path in files_folder.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # deleted by another process since it was listed
            status = path.stat()
            if not path.name.endswith((PART + ".json", ORIGIN, _CONTENTS)):
                found.append(KeptFile(path, status.st_size, status.st_mtime))
    return _with_repositories_as_one(found)


def files_of(folder: Path) -> list[Path]:
    """List the whole files of a repository, and those alone."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(
            path for path in folder.iterdir() if not path.name.endswith((PART, PART + ".json", ORIGIN, _CONTENTS))
        )
    return []


def name_of(path: Path) -> str:
    """Give the name by which a person knows a file of the cache."""
    name = path.name.removesuffix(PART)
    try:
        origin = path.with_name(ORIGIN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return name.removesuffix(".npz")
    return origin if is_repository(path.parent) else origin + name


def write_contents(folder: Path, sizes: Mapping[str, int]) -> None:
    """Note which files belong to a repository, and the bytes of each; 0 where nobody says."""
    part = folder / f"{_CONTENTS}.{os.getpid()}-{threading.get_ident()}{PART}.json"
    part.write_text(json.dumps(dict(sizes)), encoding="utf-8")
    part.replace(folder / _CONTENTS)


def forget_contents(folder: Path) -> None:
    """Delete that note, before the files that it names."""
    (folder / _CONTENTS).unlink(missing_ok=True)


def is_complete(folder: Path) -> bool:
    """Tell whether all files of a repository are there."""
    contents = _contents(folder)
    return bool(contents) and all((folder / name).is_file() for name in contents)


def awaited_bytes(folder: Path, lock: Path) -> int:
    """Give what a repository will have when its download is over, if there is one: while its lock is held."""
    contents = _contents(folder)
    if not contents or is_complete(folder):
        return 0
    free = try_lock(lock)
    if free is not None:
        free.release()
        return 0
    return sum(contents.values())


def proof_of(version: Version | None) -> bytes:
    """Write down what a bucket stated of a file, for `is_proven`."""
    return json.dumps({"stated": dataclasses.asdict(version) if version else {}}).encode()


def is_proven(path: Path, lock: Path) -> bool:
    """Tell whether a file still has the checksum that its bucket stated; False where that is not known.

    Args:
        path: the file.
        lock: of its download, which holds what was stated.
    """
    stated = _stated(read_note(lock))
    if not any(stated.values()):
        return False
    digest, crc = Digest(stated["digest"], size_bytes=path.stat().st_size) if stated["digest"] else None, Crc32c()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            crc.update(block)
            if digest:
                digest.update(block)
    if digest:
        return digest.text() == stated["digest"]
    return crc.text() == stated["crc32c"]


def _stated(note: bytes) -> dict[str, str]:
    with contextlib.suppress(ValueError, AttributeError):  # cut off by a crash, or of a failure
        stated = json.loads(note or b"{}").get("stated") or {}
        return {key: str(stated.get(key) or "") for key in ("crc32c", "digest")}
    return {"crc32c": "", "digest": ""}


def _contents(folder: Path) -> dict[str, int]:
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):  # none, or one that a crash cut off
        fields = json.loads((folder / _CONTENTS).read_text(encoding="utf-8"))
        return {str(name): int(size) for name, size in fields.items()}
    return {}


def _with_repositories_as_one(files: list[KeptFile]) -> list[KeptFile]:
    """Take the whole files of each repository together, by the name of the largest: of the weights, as a rule."""
    alone = [file for file in files if file.is_part or not is_repository(file.path.parent)]
    together: dict[Path, list[KeptFile]] = {}
    for file in files:
        if not file.is_part and is_repository(file.path.parent):
            together.setdefault(file.path.parent, []).append(file)
    for members in together.values():
        largest = max(members, key=lambda file: file.bytes)
        size, used_at_s = sum(file.bytes for file in members), max(file.used_at_s for file in members)
        alone.append(KeptFile(largest.path, size, used_at_s))
    return alone
