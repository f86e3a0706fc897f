"""The result of a run as one zip file. Knows files only: no weights are read into memory, and nothing of JAX."""

import io
import shutil
import zipfile
from pathlib import Path
from typing import IO, cast

from vit_core.errors import BadRun, shorten
from vit_core.export.place import writing

_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal files give equal zips
_PACKED = {".json", ".md", ".py", ".txt"}  # weights do not get smaller


def zip_result(folder: Path, target: Path | io.RawIOBase | io.BufferedIOBase) -> None:
    """Write the files of a result into a zip, below a folder of the run's name.

    Args:
        folder: of the run.
        target: path of the zip, or a file to write to; it need not be seekable.

    Raises:
        BadRun: the run has no result.
        StorageFull: there is no room; nothing is left at a path.
    """
    result = folder / "result"
    files = sorted(path for path in result.iterdir() if path.is_file()) if result.is_dir() else []
    if not files:
        raise BadRun(f"The run {shorten(folder.name)!r} has no result yet; it is written when the run is done.")
    if not isinstance(target, Path):
        _write(files, folder.name, target)
        return
    part = target.with_name(f".{target.name}.part")
    with writing("the zip file", target):
        try:
            with part.open("wb") as file:
                _write(files, folder.name, file)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _write(files: list[Path], name: str, target: io.RawIOBase | io.BufferedIOBase) -> None:
    with zipfile.ZipFile(cast("IO[bytes]", target), "w") as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{name}/{path.name}", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED if path.suffix in _PACKED else zipfile.ZIP_STORED
            entry.external_attr = 0o644 << 16
            entry.file_size = path.stat().st_size  # decides on zip64 before the first byte
            with path.open("rb") as source, archive.open(entry, "w") as member:
                shutil.copyfileobj(source, member, 1 << 20)
