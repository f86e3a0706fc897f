"""Text of users inside Markdown: shown as it is, whatever it holds."""

import string
from collections.abc import Sequence

from vit_core.errors import shorten

# What Markdown may read as something else; a comma, a quote or a hyphen inside a line is always itself.
_SPECIAL = frozenset(string.punctuation) - frozenset(",;'\"-%=?^")
_LONGEST = 100


def escape(text: str) -> str:
    r"""Give text that Markdown shows letter by letter: no markup, no HTML, no links, no cell or line of its own.

    Example:
        >>> escape("<b>cat|dog</b>\n# www.x.org")
        '\\<b\\>cat\\|dog\\<\\/b\\> \\# www\\.x\\.org'
    """
    shown = "".join(char if char.isprintable() else "�" for char in shorten(text, _LONGEST))
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in shown)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table; cells must be escaped already. The first column is text, the others are numbers.

    Example:
        >>> print(table(["class", "images"], [["cat", "3"]]))
        | class | images |
        |---|---:|
        | cat | 3 |
    """
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
