r"""The file that a name in a table means, spelt as the disk spells it.

Tables travel: Windows writes `cat\1.jpg`, and an accent is one letter on most disks and two in what comes from a Mac
(Unicode's forms NFC and NFD). Whoever checks a file and whoever opens it must mean the same one, so the spelling is
found once, here, and kept.
"""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath


def spelt_on_disk(root: Path, name: str) -> str:
    r"""Give the path below a folder of the file that a name means; the name itself where there is no such file.

    Tried are the name as it is, then with `/` for `\`; in each, every part as it is, in NFC and in NFD. Looks only; a
    name may still lead out of the folder by a link.

    Args:
        root: the folder.
        name: as somebody wrote it, safe by `layout.why_unsafe`.
    """
    for text in dict.fromkeys((name, name.replace("\\", "/"))):
        found = _find(root, PurePosixPath(text).parts)
        if found is not None:
            return "/".join(found)
    return name


def _find(folder: Path, parts: Sequence[str]) -> tuple[str, ...] | None:
    """Follow a name part by part; of two folders that differ in their spelling alone, the one that has the file."""
    if not parts:
        return None
    first, rest = parts[0], parts[1:]
    for spelling in dict.fromkeys((first, unicodedata.normalize("NFC", first), unicodedata.normalize("NFD", first))):
        path = folder / spelling
        if not rest and os.path.isfile(path):  # noqa: PTH113 - a Path's own raises where a name is too long
            return (spelling,)
        below = _find(path, rest) if rest and os.path.isdir(path) else None  # noqa: PTH112 - likewise
        if below is not None:
            return (spelling, *below)
    return None
