"""Class names that somebody wrote down: a text file with one per line, or a JSON list.

Knows the file and not the classifier; whether there is a name for every output is for `vit_core.inference.labels`.
"""

import json
from pathlib import Path

from vit_core.errors import BadInput, shorten

MAX_FILE_BYTES = 20_000_000
MAX_NAME = 200


def read_names(path: Path) -> tuple[str, ...]:
    """Read the names in a file, in their order.

    Raises:
        BadInput: the file cannot be read, or holds no such list; the message says where.
    """
    name = shorten(str(path))
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInput(f"The class names {name!r} are over the limit of {MAX_FILE_BYTES // 1_000_000} MB.")
        return names_in(path.read_bytes(), path.name)
    except OSError as error:
        raise BadInput(f"The class names {name!r} cannot be read: {error.strerror or error}.") from error


def names_in(data: bytes, file_name: str) -> tuple[str, ...]:
    r"""Read the names in the bytes of a file.

    Args:
        data: UTF-8; blank lines at the end count for nothing.
        file_name: one that ends in ".json" holds a JSON list of texts, any other a name per line.

    Raises:
        BadInput: no such list, or a name is empty.

    Example:
        >>> names_in(b"cat\ndog\n", "labels.txt")
        ('cat', 'dog')
    """
    name = shorten(file_name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"The class names {name!r} are not UTF-8 text; save them as UTF-8.") from error
    lines = _json_list(text, name) if file_name.lower().endswith(".json") else _lines(text)
    names = tuple(shorten(line, MAX_NAME) for line in lines)
    if not all(names):
        raise BadInput(f"Line {names.index('') + 1} of the class names {name!r} is empty; give every class a name.")
    return names


def _lines(text: str) -> list[str]:
    """Split at the ends of lines of a file; `str.splitlines` would split a name at U+0085 and U+2028, too."""
    text = text.rstrip()
    return [line.removesuffix("\r") for line in text.split("\n")] if text else []


def _json_list(text: str, name: str) -> list[str]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The class names {name!r} are not JSON: {shorten(str(error))}.") from error
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise BadInput(f"The class names {name!r} are not a JSON list of texts.")
    return names
