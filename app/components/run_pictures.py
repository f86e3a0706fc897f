"""Test pictures with what the model said about each: thumbnail, answer, truth, probabilities."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import resources
from app.components.plain_text import one_line, plain_html
from app.components.predictions import percent
from vit_core.datasets.dataset import DataSet, Example
from vit_core.errors import VitError
from vit_core.training.report import Answered

PAGE_SIZE = 12


def examples_by_file(dataset: DataSet) -> dict[str, Example]:
    """Give the test pictures of a data set by their file."""
    return {example.file: example for example in dataset.of("test")}


def show_pictures(answered: Sequence[Answered], dataset: DataSet, examples: Mapping[str, Example], *, key: str) -> None:
    """Show the pictures a page at a time, in the order given."""
    pages = max(1, -(-len(answered) // PAGE_SIZE))
    page = st.pagination(pages, key=f"{key} page {pages}") if pages > 1 else 1
    with st.container(key=key):
        grid = st.grid("auto", min_column_width=124, gap="small")
        for answer in answered[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]:
            with grid.cell():
                _card(answer, dataset, examples.get(answer.file))


def verdict(answer: Answered, classes: Sequence[str]) -> str:
    """Give in words what the model said about a picture, and what is true.

    Example:
        >>> verdict(Answered("a.jpg", "1.jpg", 0, 1, 0.9, 0.1), ("cat", "dog"))
        'said dog, 90.0 %; it is cat, 10.0 %'
    """
    said, true = classes[answer.predicted], classes[answer.label]
    if answer.predicted == answer.label:
        return f"rightly said {said}, {percent(answer.probability)}"
    return f"said {said}, {percent(answer.probability)}; it is {true}, {percent(answer.true_probability)}"


def _card(answer: Answered, dataset: DataSet, example: Example | None) -> None:
    name = one_line(answer.name, limit=60)
    words = one_line(verdict(answer, dataset.classes), limit=200)
    try:
        if example is None:
            raise VitError("It is no longer part of the data set.")
        st.image(resources.thumbnail(dataset.path(example)), width="stretch", alt=f"{name}: {words}")
    except VitError:
        st.html(f'<p class="vx-verdict">The file of {plain_html(name)} is no longer there.</p>')
    st.html(_verdict_html(answer, dataset.classes, name))


def _verdict_html(answer: Answered, classes: Sequence[str], name: str) -> str:
    said = plain_html(classes[answer.predicted], limit=60)
    lines = f"<b>{said}</b> {_unbroken(answer.probability)}"
    if answer.predicted != answer.label:
        lines += f"<span>is {plain_html(classes[answer.label], limit=60)}, {_unbroken(answer.true_probability)}</span>"
    return f'<p class="vx-verdict">{lines}<span>{plain_html(name)}</span></p>'


def _unbroken(share: float) -> str:
    return percent(share).replace(" ", "\N{NO-BREAK SPACE}")
