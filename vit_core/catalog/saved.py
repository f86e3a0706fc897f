"""The Parquet form of a catalogue: the bundled table and the copies of earlier loads.

A copy holds the finished table and, in the file's own metadata, where and when it came from, so that the two can
never disagree. A copy is replaced as a whole: another process reads the old one or the new one, never a mixture.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from vit_core.catalog.schema import COLUMNS

FORMAT = 2  # raise it when the schema changes: older copies are then read anew from their source
_KEY = b"vit_explorer_catalogue"


class CopyError(Exception):
    """A file that is no copy of ours: torn, foreign, or of another version."""


@dataclasses.dataclass(frozen=True)
class Saved:
    """A table with its origin.

    Attributes:
        frame: the finished table, columns of `schema.COLUMNS`.
        location: URL or path that it was read from.
        generation: the source's own mark of this version (generation or etag), None if it has none.
        saved_at: when it was read, UTC.
        notes: what was blanked or left out when it was read.
    """

    frame: pd.DataFrame
    location: str
    generation: str | None
    saved_at: datetime
    notes: tuple[str, ...] = ()


def copy_path(cache_dir: Path, location: str) -> Path:
    """Give the file of the copy of `location`; there is one per location, the last good one."""
    return cache_dir / "index" / f"{hashlib.sha256(location.encode()).hexdigest()[:24]}.parquet"


def write_copy(path: Path, saved: Saved) -> None:
    """Write a copy as one step: a reader sees the old file or the whole new one, also after a crash.

    Raises:
        OSError: the folder cannot be written or the disk is full; an earlier copy stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    origin = {
        "format": FORMAT,
        "location": saved.location,
        "generation": saved.generation,
        "saved_at": saved.saved_at.isoformat(),
        "notes": list(saved.notes),
    }
    table = pa.Table.from_pandas(saved.frame, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: json.dumps(origin).encode()})
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=".parquet")
    try:
        with os.fdopen(handle, "wb") as file:
            pyarrow.parquet.write_table(
                table,
                file,
                compression="zstd",
                compression_level=19,
                # Neighbouring names share most of their text, which this encoding stores once.
                use_dictionary=[column.name for column in COLUMNS if column.name != "adapt_filename"],
                column_encoding={"adapt_filename": "DELTA_BYTE_ARRAY"},
            )
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def read_copy(path: Path) -> Saved:
    """Read a copy.

    Raises:
        FileNotFoundError: there is none.
        CopyError: the file is torn, foreign or of another version.
    """
    try:
        with path.open("rb") as file:
            table = pyarrow.parquet.read_table(file)
        origin = json.loads((table.schema.metadata or {})[_KEY])
        saved = Saved(
            frame=table.to_pandas(),
            location=origin["location"],
            generation=origin["generation"],
            saved_at=datetime.fromisoformat(origin["saved_at"]).astimezone(UTC),
            notes=tuple(origin["notes"]),
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(str(path)) from error
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise CopyError(f"{path} cannot be read as a saved table: {error}") from error
    if origin["format"] != FORMAT or not _has_schema(saved.frame):
        raise CopyError(f"{path} is a saved table of another version")
    return saved


def _has_schema(frame: pd.DataFrame) -> bool:
    if list(frame.columns) != [column.name for column in COLUMNS] or frame.empty:
        return False
    return all(_fits(str(frame[column.name].dtype), column.dtype) for column in COLUMNS)


def _fits(found: str, wanted: str) -> bool:
    if wanted == "string":
        return found in ("str", "string", "object")
    return found == wanted or (wanted == "int64" and found == "float64")
