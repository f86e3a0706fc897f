"""Names that people gave, on plotly charts: letter by letter, and cut where there is no room."""

import html

from app.components.plain_text import one_line


def chart_text(text: str, *, limit: int = 80) -> str:
    """Give text for a plotly chart letter by letter; plotly reads few entities, `&quot;` is not among them.

    Example:
        >>> chart_text('<b>"x"</b>')
        '&lt;b&gt;"x"&lt;/b&gt;'
    """
    shown = html.escape(one_line(text, limit=limit), quote=False)
    return shown.replace("$", "&#36;")  # two of them would be a formula


def middle_cut(text: str, *, limit: int) -> str:
    """Give text on one line of at most `limit` characters, cut in its middle: long names often differ at their ends.

    Example:
        >>> middle_cut("a rather long name, left", limit=12)
        'a rath…left'
    """
    whole = one_line(text, limit=10_000)
    if len(whole) <= limit:
        return whole
    end = (limit - 1) // 2
    return f"{whole[: limit - 1 - end].rstrip()}…{whole[-end:].lstrip()}"
