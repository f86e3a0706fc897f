"""How the command line prints: tables for people, JSON and CSV for programs.

A table goes through rich, which fits it to the terminal; JSON has null where a value is unknown.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Give a console on standard output; without a terminal it is wide enough for any name."""
    from rich.console import Console  # not before something is printed with it

    return Console() if sys.stdout.isatty() else Console(width=200)


def note(text: str) -> None:
    """Tell a person something beside the result, on standard error."""
    print(text, file=sys.stderr)


def print_json(value: object) -> None:
    """Print a value as JSON; NaN becomes null, everything else must be plain."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # another encoding, or a file name that is no text: JSON has its own way to write these
        text = json.dumps(plain(value), indent=2)
    print(text)


def print_table(columns: Mapping[str, bool], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print rows of text.

    Args:
        columns: heading -> whether its values are numbers, which are aligned to the right.
        rows: one text per column.
        title: a line above the table.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for heading, is_number in columns.items():
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        # Text objects, so that no name is read as markup.
        table.add_row(*(Text(_printable(cell)) for cell in row))
    console().print(table)


def _printable(text: str) -> str:
    """Show what a terminal would obey, colours and directions and new lines, as question marks."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def plain(value: object) -> object:
    """Turn numpy numbers into Python's, NaN into None, and containers likewise."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    item = getattr(value, "item", None)
    number = item() if callable(item) else value
    return None if isinstance(number, float) and not math.isfinite(number) else number
