"""The facts of several checkpoints as a table: a column each, a row per fact, what differs from the first marked."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.components.palette import look_of
from app.components.plain_text import plain_html
from app.components.wording import megabytes, millions, percent, speed
from vit_core.catalog.collection import MODEL_FACTS, label_of
from vit_core.catalog.describe import family_of_row, is_fine_tuned
from vit_core.catalog.family_words import MEASURED_BY_OTHERS
from vit_core.catalog.query import IMAGENET
from vit_core.catalog.schema import ROUNDED

Row = Mapping[str, Any]
NOTHING = "–"
TESTED_ON = "tested_on"


@dataclasses.dataclass(frozen=True)
class Fact:
    """One row of the table.

    Attributes:
        label: words for it.
        text: gives a checkpoint's value in words.
        column: the number behind it, "" where it is no number.
        more_or_less: words for a larger and a smaller number, () for accuracies, which differ by points.
        same: a column that must be equal for the numbers to be comparable, "" where they always are.
    """

    label: str
    text: Callable[[Row], str]
    column: str = ""
    more_or_less: tuple[str, ...] = ()
    same: str = ""


@dataclasses.dataclass(frozen=True)
class Line:
    """One row as it is shown: the words for each checkpoint, how each compares with the first, and which differ."""

    label: str
    cells: tuple[str, ...]
    beside: tuple[str, ...]
    differs: tuple[bool, ...]


def _words(column: str) -> Callable[[Row], str]:
    return lambda row: label_of(column, row[column]) if _known(row.get(column)) else NOTHING


def _number(column: str, form: str, unit: str = "") -> Callable[[Row], str]:
    return lambda row: f"{row[column]:{form}}{unit}" if _known(row.get(column)) else NOTHING


def _upstream(row: Row) -> str:
    return percent(row.get("final_val"), source=str(row.get("final_val_source")))


def _test(row: Row) -> str:
    return (
        percent(row.get("adapt_final_test")) if is_fine_tuned(row) or _known(row.get("adapt_final_test")) else NOTHING
    )


def _model(row: Row) -> str:
    facts = MODEL_FACTS.get(str(row["name"]))
    return f"{row['name']} ({facts.label})" if facts else str(row["name"])


FACTS: tuple[Fact, ...] = (
    Fact("Model", _model),
    Fact("Release", _words("release")),
    Fact("Family", _words("family")),
    Fact("Pre-trained on", _words("ds")),
    Fact("Augmentation", lambda row: str(row["aug"]) if _known(row.get("aug")) else NOTHING),
    Fact("Dropout", _words("regularisation")),
    Fact("Weight decay", _number("wd", "g")),
    Fact("Upstream accuracy", _upstream, "final_val", same="ds"),
    Fact(
        "Fine-tuned on", lambda row: label_of("adapt_ds", row["adapt_ds"]) if is_fine_tuned(row) else "not fine-tuned"
    ),
    Fact("Image side", _number("adapt_resolution", "g", " px")),
    Fact("Fine-tuning steps", _number("adapt_steps", ",.0f")),
    Fact("Fine-tuning rate", _number("adapt_lr", "g")),
    Fact("Test accuracy", _test, "adapt_final_test", same=TESTED_ON),
    Fact("Top-5 accuracy", lambda row: percent(row.get("top5"), missing=NOTHING), "top5", same=TESTED_ON),
    Fact("Speed", lambda row: speed(row.get("infer_samples_per_sec")), "infer_samples_per_sec", ("faster", "slower")),
    Fact("Parameters", lambda row: millions(row.get("params")), "params", ("more", "fewer")),
    Fact("File", lambda row: megabytes(row.get("size_bytes")), "size_bytes", ("larger", "smaller")),
)


def lines(rows: Sequence[Row]) -> list[Line]:
    """Compare checkpoints fact by fact; the first one is what the others are held against."""
    tested = [{**row, TESTED_ON: _tested_on(row)} for row in rows]
    return [_line(fact, tested) for fact in FACTS]


def _tested_on(row: Row) -> object:
    """Give the set of the test accuracy; a file that was trained on ImageNet alone was tested on it, too."""
    return row.get("adapt_ds") if is_fine_tuned(row) or not _known(row.get("adapt_final_test")) else IMAGENET


def comparison_table(rows: Sequence[Row], titles: Sequence[str], *, only_differences: bool) -> None:
    """Show the table.

    Args:
        rows: rows of a catalogue or of `pretrained_files`, two or more.
        titles: what stands above each column.
        only_differences: leave out the facts that are the same for all.
    """
    shown = [line for line in lines(rows) if any(line.differs) or not only_differences]
    heads = "".join(
        f'<th scope="col"><span class="vx-dot" style="background:{look_of(str(row["name"])).colour}"></span> '
        f"{plain_html(title)}</th>"
        for row, title in zip(rows, titles, strict=True)
    )
    body = "".join(_line_html(line) for line in shown)
    st.html(
        '<div class="vx-scroll" role="region" aria-label="Comparison of the checkpoints" tabindex="0">'
        f'<table class="vx-compare"><thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )
    if any(family_of_row(row) for row in rows):
        st.caption(MEASURED_BY_OTHERS)
    hidden = len(FACTS) - len(shown)
    if hidden:
        st.caption(f"{hidden} facts are the same for all and not shown.")


def _line(fact: Fact, rows: Sequence[Row]) -> Line:
    cells = tuple(fact.text(row) for row in rows)
    # A checkpoint without a number is compared with nobody, whatever data it would have been measured on.
    measured_on = {str(row.get(fact.same)) for row in rows if _known(row.get(fact.column))} if fact.same else set()
    comparable = len(measured_on) < 2
    beside = tuple(_beside(fact, rows[0], row) if comparable and fact.column else "" for row in rows)
    if not comparable:
        beside = ("not comparable: other data", *[""] * (len(rows) - 1))
    return Line(fact.label, cells, beside, tuple(cell != cells[0] for cell in cells))


def _beside(fact: Fact, first: Row, row: Row) -> str:
    """Say how far a number is from the first one's."""
    mine: Any = row.get(fact.column)
    theirs: Any = first.get(fact.column)
    if row is first or not (_known(mine) and _known(theirs)) or mine == theirs:
        return ""
    if not fact.more_or_less:
        rounded = fact.column == "final_val" and ROUNDED in (row["final_val_source"], first["final_val_source"])
        return point_words(mine - theirs, rounded=rounded)
    more, less = fact.more_or_less
    times, word = (mine / theirs, more) if mine > theirs else (theirs / mine, less)
    written = f"{times:.2g}"
    return "" if written == "1" else f"{written} × {word}"


def point_words(difference: float, *, rounded: bool) -> str:
    """Give a difference of accuracies in points, whole ones where one of them is only known rounded.

    Example:
        >>> point_words(-0.0341, rounded=False), point_words(0.04, rounded=True)
        ('−3.4 points', '≈ +4 points')
    """
    words = f"≈ {difference * 100:+.0f} points" if rounded else f"{difference * 100:+.1f} points"
    return words.replace("-", "−")


def _line_html(line: Line) -> str:
    cells = "".join(
        f'<td class="{"vx-differs" if differs else ""}">{plain_html(cell)}{_small(beside)}</td>'
        for cell, beside, differs in zip(line.cells, line.beside, line.differs, strict=True)
    )
    return f'<tr><th scope="row">{plain_html(line.label)}</th>{cells}</tr>'


def _small(text: str) -> str:
    return f"<small>{plain_html(text)}</small>" if text else ""


def _known(value: Any) -> bool:  # noqa: ANN401 - a cell of any column
    return value is not None and not pd.isna(value) and str(value) not in ("", "nan")
