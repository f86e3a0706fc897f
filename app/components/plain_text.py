"""Text that users or files gave, made safe for a page: one line, bounded, no markup, no hidden characters.

Streamlit reads labels, captions and messages as Markdown; a file name must never become a link, a picture or a formula.
"""

import html
import re
import unicodedata
from collections.abc import Iterable

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>&:=^])")
# Streamlit turns :name: into an emoji and http://, www. and a@b into links after it has undone the escapes. A character
# of no width behind these marks prevents that.
_REPLACED_LATER = re.compile(r":(?=[\w/])|@|(?i:\bwww)(?=\.)")
_JOINER = "\N{WORD JOINER}"
_KEPT_FORMAT_CHARACTERS = {"\N{ZERO WIDTH JOINER}", _JOINER}  # joined emoji are one picture


def one_line(text: str, *, limit: int = 80) -> str:
    r"""Give `text` on one line of at most `limit` characters, without control or text-direction characters.

    Example:
        >>> one_line("cat\n\u202egpj.exe")
        'cat �gpj.exe'
    """
    shown = " ".join(text.split())
    if not shown.isprintable():  # of almost every text no character needs a second look
        shown = "".join(map(_visible, shown))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def plain(text: str, *, limit: int = 400) -> str:
    r"""Give `text` so that Markdown shows it letter by letter.

    Example:
        >>> plain("[a](b)")
        '\\[a\\]\\(b\\)'
    """
    return _MARKDOWN.sub(r"\\\1", _REPLACED_LATER.sub(rf"\g<0>{_JOINER}", one_line(text, limit=limit)))


def plain_html(text: str, *, limit: int = 400) -> str:
    """Give `text` for a place between HTML tags or in a quoted attribute.

    Example:
        >>> plain_html('<img src="x">')
        '&lt;img src=&quot;x&quot;&gt;'
    """
    return html.escape(one_line(text, limit=limit))


def bullets(sentences: Iterable[str]) -> str:
    """Give sentences as a Markdown list, each shown letter by letter."""
    return "\n".join(f"- {plain(sentence)}" for sentence in sentences)


def _visible(character: str) -> str:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs"}
    return "\N{REPLACEMENT CHARACTER}" if hidden and character not in _KEPT_FORMAT_CHARACTERS else character
