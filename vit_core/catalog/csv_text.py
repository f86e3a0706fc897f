"""Reads the bytes of a csv as a whole table or refuses them by the name of the trouble; never half of it.

Knows the form of an index (its columns, text, numbers), not what the values mean.
"""

import csv
import dataclasses
import io
import re
import sys
from collections import Counter

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from vit_core.catalog.schema import COLUMNS, EXTRA, FINAL_VAL_SOURCES, NUMBERS, PUBLISHED, SOURCES
from vit_core.errors import BadIndex, UnknownName, shorten

LIMIT_BYTES = 500 * 1000**2
LONGEST_CELL = 1000
_LONGEST_HEADER = 1 << 16
_NOT_CSV = (
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"PAR1", "a Parquet file; give the csv"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"PK\x03\x04", "a zip or spreadsheet file; save it as csv"),
    (b"<", "a web page or XML, perhaps an error page of the server; look at the address in a browser"),
    (b"{", "JSON; an index is a csv"),
    (b"[", "JSON; an index is a csv"),
)
_MUST_BE_FILLED = ("name", "ds", "filename", "adapt_filename")
# RE2 runs in linear time, so hostile cells cannot stall it.
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_LARGEST = sys.float_info.max
_WHOLE = {column.name for column in COLUMNS if column.dtype == "int64"}
_LARGEST_WHOLE = 1 << 53  # beyond, a float64 no longer tells whole numbers apart


@dataclasses.dataclass(frozen=True)
class RawTable:
    """A table as published: text as str, numbers as float64, and sentences on what was blanked or left out."""

    frame: pd.DataFrame
    notes: tuple[str, ...]


def parse_csv(data: bytes, *, location: str) -> RawTable:
    """Read an index from the bytes of a csv.

    Args:
        data: UTF-8, with or without a byte order mark; lines may end in LF, CR LF or CR.
        location: where the bytes are from, for messages.

    Raises:
        BadIndex: not an index; the message names the trouble and its place.
    """
    data = _as_text(data, location)
    header = _header(data, location)
    table = _cells(data, header, location)
    extras = [column.name for column in EXTRA if column.name in header]
    ignored = [name for name in header if name not in PUBLISHED and name not in extras]
    columns, notes = {}, []
    for name in (*PUBLISHED, *extras):
        cells = table.column(name)
        if name in NUMBERS or name == "params_published":
            columns[name], blanked = _numbers(cells, whole=name in _WHOLE)
            notes += [f"{name}: {blanked}"] if blanked else []
        else:
            _check_text(cells, name, location)
            columns[name] = cells.to_pandas()
    frame = pd.DataFrame(columns)
    _check_keys(frame, location)
    if notes:
        notes = [f"Cells that hold no number were left blank: {'; '.join(notes)}."]
    if ignored:
        notes.append(f"Columns that an index does not have were left out: {shorten(', '.join(ignored))}.")
    return RawTable(_trusted_extras(frame), tuple(notes))


def _as_text(data: bytes, location: str) -> bytes:
    where = shorten(location)
    if len(data) > LIMIT_BYTES:
        raise BadIndex(f"{where} has {len(data) / 1e6:.0f} MB; an index may have {LIMIT_BYTES // 10**6} MB.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    start = data[:100].lstrip()
    if not start and not data.strip():
        raise BadIndex(f"{where} is empty; an index of checkpoints has a header and rows.")
    for magic, what in _NOT_CSV:
        if start.startswith(magic):
            raise BadIndex(f"{where} is {what}.")
    if (place := data.find(b"\0")) >= 0:
        raise BadIndex(f"{where} has a NUL byte in line {_line(data, place)}; it is damaged or not text.")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = _line(data, error.start)
        raise BadIndex(
            f"{where} is not UTF-8: byte 0x{data[error.start]:02x} in line {line}; save it as UTF-8."
        ) from error
    if data.count(b'"') % 2:
        raise BadIndex(f"{where} has an unclosed quote; every cell that starts with a quote must end with one.")
    return data


def _line(data: bytes, place: int) -> int:
    before = data[:place]
    return 1 + (before.count(b"\n") or before.count(b"\r"))


def _header(data: bytes, location: str) -> list[str]:
    where = shorten(location)
    text = io.StringIO(data[:_LONGEST_HEADER].decode(errors="ignore"), newline="")
    try:
        header = next((row for row in csv.reader(text) if row), [])
    except csv.Error as error:
        raise BadIndex(f"{where} has a header that cannot be read ({error}).") from error
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise BadIndex(f"{where} has the column {shorten(repeated[0])!r} twice; each column must be there once.")
    missing = [name for name in PUBLISHED if name not in header]
    if not missing:
        return header
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise BadIndex(f"{where} is separated by semicolons or tabs; an index is separated by commas.")
    if len(missing) == len(PUBLISHED):
        raise BadIndex(f"{where} is not an index: its first line is {shorten(','.join(header), 60)!r}.")
    others = [name for name in header if name not in PUBLISHED]
    renamed = [_renamed(name, others) for name in missing]
    raise BadIndex(f"{where} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(renamed)}.")


def _renamed(name: str, others: list[str]) -> str:
    hint = str(UnknownName.among("column", name, others, limit=1)).partition("Did you mean ")[2]
    return f"{name!r} (is it {hint.rstrip('?')}?)" if hint else repr(name)


def _cells(data: bytes, header: list[str], location: str) -> pa.Table:
    where = shorten(location)
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            # One thread numbers the rows in its messages, and 51,509 rows take 0.1 s.
            read_options=pyarrow.csv.ReadOptions(use_threads=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in header}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):  # what it says of a header without a line end
            raise BadIndex(f"{where} has a header and no rows.") from error
        ragged = re.search(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)", str(error))
        if ragged is None:
            raise BadIndex(f"{where} cannot be read as a csv: {shorten(str(error))}.") from error
        row = f"line {ragged[1]}" if ragged[1] else "a line"
        raise BadIndex(
            f"{where}: {row} has {ragged[3]} cells and the header {ragged[2]}; the file may have been cut."
        ) from error
    if table.num_rows == 0:
        raise BadIndex(f"{where} has a header and no rows.")
    return table


def _numbers(cells: pa.ChunkedArray, *, whole: bool) -> tuple[pd.Series, str]:
    """Turn text into float64; what is no finite (or no whole) number becomes NaN and is counted in the second value."""
    text = pc.utf8_trim_whitespace(cells)
    looks = pc.match_substring_regex(text, _NUMBER)
    values = pc.cast(pc.if_else(looks, text, pa.scalar(None, pa.string())), pa.float64())
    finite = pc.fill_null(pc.less_equal(pc.abs(values), _LARGEST_WHOLE if whole else _LARGEST), False)
    if whole:
        finite = pc.and_(finite, pc.fill_null(pc.equal(pc.floor(values), values), False))
    refused = pc.and_not(pc.not_equal(text, ""), finite)
    count = pc.sum(refused).as_py() or 0
    blanked = ""
    if count:
        row = pc.index(refused, pa.scalar(True)).as_py()
        blanked = f"{count} (the first is {shorten(text[row].as_py(), 40)!r} in row {row + 1})"
    return pc.if_else(finite, values, pa.scalar(None, pa.float64())).to_pandas().astype("float64"), blanked


def _check_text(cells: pa.ChunkedArray, name: str, location: str) -> None:
    troubles = [
        (pc.match_substring_regex(cells, r"[\x00-\x1f\x7f]"), "holds a line break or another control character"),
        (pc.greater(pc.utf8_length(cells), LONGEST_CELL), f"is longer than {LONGEST_CELL} characters"),
    ]
    if name in _MUST_BE_FILLED:
        troubles.append((pc.equal(pc.utf8_trim_whitespace(cells), ""), "is empty"))
    for rows, what in troubles:
        row = pc.index(rows, pa.scalar(True)).as_py()
        if row >= 0:
            raise BadIndex(f"{shorten(location)}: {name} in row {row + 1} {what}; the table is refused as a whole.")


def _check_keys(frame: pd.DataFrame, location: str) -> None:
    """Refuse two rows of one name: pages and links find a row by its name, so the second could never be reached."""
    repeated = frame["adapt_filename"].duplicated(keep=False)
    if repeated.any():
        name = frame.loc[repeated, "adapt_filename"].iloc[0]
        rows = [int(row) + 1 for row in frame.index[frame["adapt_filename"] == name][:2]]
        raise BadIndex(
            f"{shorten(location)}: rows {rows[0]} and {rows[1]} both have the adapt_filename {shorten(name)!r}; "
            "each fine-tuned file must have one row."
        )


def _trusted_extras(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep our own columns of an exported table only where they hold what we write there."""
    for name, allowed in (("source", SOURCES), ("final_val_source", FINAL_VAL_SOURCES)):
        if name in frame and not frame[name].isin(allowed).all():
            frame = frame.drop(columns=name)
    return frame
