"""Labels with values, as lists that a screen reader reads pair by pair. All text is shown letter by letter."""

from collections.abc import Sequence

import streamlit as st

from app.components.palette import look_of
from app.components.plain_text import plain_html


def numbers_line(pairs: Sequence[tuple[str, str]]) -> None:
    """Show a few values large, with their labels below."""
    items = "".join(f"<div><dt>{plain_html(label)}</dt><dd>{plain_html(value)}</dd></div>" for label, value in pairs)
    st.html(f'<dl class="vx-numbers">{items}</dl>')


def facts_list(facts: Sequence[tuple[str, str, str | None]]) -> None:
    """Show label, value and, small below it, what to know about the value."""
    items = "".join(
        f"<dt>{plain_html(label)}</dt><dd>{plain_html(value)}{_remark(remark)}</dd>" for label, value, remark in facts
    )
    st.html(f'<dl class="vx-facts">{items}</dl>')


def model_title(name: str, words: str, *, level: int, anchor: str = "") -> None:
    """Show a heading with the dot of the model's colour.

    Args:
        name: the model, for the colour.
        words: the heading.
        level: of the heading, 2 to 4.
        anchor: its `id` in the page.
    """
    dot = f'<span class="vx-dot" style="background:{look_of(name).colour}" aria-hidden="true"></span>'
    identity = f' id="{plain_html(anchor)}"' if anchor else ""
    st.html(f'<h{level} class="vx-title"{identity}>{dot}{plain_html(words)}</h{level}>')


def jump(words: str, target: str) -> None:
    """Show a link to a place further down the page, on screens so narrow that it is out of sight.

    Args:
        words: of the link.
        target: the `id` of the place.
    """
    st.html(f'<a class="vx-jump" href="#{plain_html(target)}">{plain_html(words)} ↓</a>')


def _remark(remark: str | None) -> str:
    return f"<small>{plain_html(remark)}</small>" if remark else ""
