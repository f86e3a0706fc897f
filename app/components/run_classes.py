"""How well a finished run knows each class: a table that fits a phone, with whole names."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from app.components.plain_text import plain_html
from vit_core.training.report import ClassResult, Report

Order = Literal["hardest", "named"]
_ORDERS: dict[Order, str] = {"hardest": "Hardest first", "named": "As listed"}
_FEW = 3
_HEADS = (
    ("Tested", "test pictures of this class"),
    ("Found", "recall: the share of its pictures that were answered with it"),
    ("Right", "precision: the share of the answers with its name that were right"),
    ("F1", "harmonic mean of found and right"),
)


def show_classes(report: Report) -> None:
    """Show each class: how many test pictures, how many were found, how often its name was right."""
    order: Order = "named"
    if len(report.classes) > _FEW:
        order = st.segmented_control(
            "Order",
            list(_ORDERS),
            default="hardest",
            required=True,
            format_func=lambda each: _ORDERS[each],
            key="run classes order",
            label_visibility="collapsed",
        )
    st.html(classes_html(ordered(report.classes, order)))
    st.caption("Found: of its pictures. Right: of the answers with its name. F1: both in one figure. All in per cent.")


def ordered(classes: Sequence[ClassResult], order: Order) -> list[ClassResult]:
    """Give the classes as listed, or those with the lowest F1 first; one without test pictures comes last."""
    if order == "named":
        return list(classes)
    return sorted(classes, key=lambda each: 2.0 if not each.num_test else each.f1 or 0.0)


def classes_html(classes: Sequence[ClassResult]) -> str:
    """Give the table as HTML, each share with a bar behind its number."""
    heads = "".join(f'<th scope="col"><abbr title="{plain_html(help)}">{name}</abbr></th>' for name, help in _HEADS)
    rows = "".join(
        f'<tr><th scope="row">{plain_html(each.name, limit=300)}</th><td>{each.num_test:,}</td>'
        f"{_share(each.recall)}{_share(each.precision)}{_share(each.f1)}</tr>"
        for each in classes
    )
    table = f'<thead><tr><th scope="col">Class</th>{heads}</tr></thead><tbody>{rows}</tbody>'
    return f'<div class="vx-scroll vx-tall" tabindex="0"><table class="vx-changes vx-classes">{table}</table></div>'


def _share(share: float | None) -> str:
    if share is None:
        return "<td>–</td>"
    return f'<td style="--share:{100 * share:.1f}%"><span>{100 * share:.1f}</span></td>'
