"""What there is to learn from: each class with its counts and a few pictures, and every picture on demand."""

import base64
import dataclasses
from collections.abc import Sequence

import streamlit as st

from app.components.plain_text import one_line, plain, plain_html
from app.components.training_session import change
from app.components.wording import counted
from app.training_data import Prepared
from app.training_desk import Desk
from app.training_intake import PREVIEWS_PER_CLASS
from vit_core.datasets.dataset import Example

CLASSES_A_PAGE = 12
PICTURES_A_PAGE = 24


def show_classes(table: Desk, prepared: Prepared) -> None:
    """Show the classes, some at a time, and below them the way to every picture."""
    classes = prepared.health.counts
    pages = -(-len(classes) // CLASSES_A_PAGE)
    page = st.pagination(pages, key=f"training classes {pages}") if pages > 1 else 1
    first = (page - 1) * CLASSES_A_PAGE
    most = max((count.train + count.test for count in classes), default=1)
    rows = [
        _class_row(table, prepared, label, most) for label in range(first, min(first + CLASSES_A_PAGE, len(classes)))
    ]
    st.html(f'<ul class="vx-classes">{"".join(rows)}</ul>')


def show_every_picture(table: Desk, prepared: Prepared) -> None:
    """Show a class picture by picture; a click drops one from the set."""
    fold = st.expander("Look at every picture, and drop what does not belong", key="every picture", on_change="rerun")
    with fold:
        if not fold.open:
            return
        names = prepared.dataset.classes
        label = st.selectbox(
            "Class",
            range(len(names)),
            format_func=lambda each: f"{one_line(names[each], limit=60)} ({_total(prepared, each)})",
            key=f"training class {prepared.data_id}",
        )
        examples = _of_class(prepared, label)
        pages = max(1, -(-len(examples) // PICTURES_A_PAGE))
        page = st.pagination(pages, key=f"training pictures {label} {pages}") if pages > 1 else 1
        shown = examples[(page - 1) * PICTURES_A_PAGE : page * PICTURES_A_PAGE]
        with st.container(key="training-pictures"):
            grid = st.grid("auto", min_column_width=104, gap="small")
            for example in shown:
                with grid.cell():
                    show_picture(table, prepared, example, key="every")


def show_picture(table: Desk, prepared: Prepared, example: Example, *, key: str) -> None:
    """Show one picture with its name, its part, and the way to drop it.

    Args:
        table: of this visitor.
        prepared: the data set.
        example: one of its pictures.
        key: tells the places apart that show the same picture.
    """
    small = table.data.thumbnail(prepared, example)
    name = example.name.rpartition("/")[2]
    if small:
        st.image(small, width="stretch", alt=one_line(example.name, limit=80))
    st.caption("to test on" if example.part == "test" else "to learn from")
    st.button(
        plain(f"Drop {one_line(name, limit=18)}"),
        key=f"drop {key} {example.name}",
        type="tertiary",
        help="Takes this picture out of the set; the file stays until you delete the set.",
        on_click=drop,
        args=(table, prepared, [example.name]),
    )


def drop(table: Desk, prepared: Prepared, names: Sequence[str]) -> None:
    """Take pictures out of the set, from a button's callback."""
    dropped = prepared.choice.dropped | set(names)
    change(table, prepared, dataclasses.replace(prepared.choice, dropped=dropped))


def show_dropped(table: Desk, prepared: Prepared) -> None:
    """Say how many pictures were dropped, with the way to bring them back."""
    if count := len(prepared.choice.dropped):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"You dropped {counted(count, 'picture')}.", width="content")
            st.button("Bring back", key="bring back", type="tertiary", on_click=_bring_back, args=(table, prepared))


def _bring_back(table: Desk, prepared: Prepared) -> None:
    change(table, prepared, dataclasses.replace(prepared.choice, dropped=frozenset()))


def _class_row(table: Desk, prepared: Prepared, label: int, most: int) -> str:
    count = prepared.health.counts[label]
    pictures = "".join(
        _thumbnail(table, prepared, example) for example in _of_class(prepared, label)[:PREVIEWS_PER_CLASS]
    )
    train, test = 100 * count.train / most, 100 * count.test / most
    return (
        f'<li><div class="vx-class"><strong>{plain_html(count.name, limit=60)}</strong>'
        f"<span>{count.train:,} to learn from · {count.test:,} to test on</span>"
        f'<div class="vx-parts" aria-hidden="true"><i style="width:{train:.1f}%"></i>'
        f'<b style="width:{test:.1f}%"></b></div></div><div class="vx-strip">{pictures}</div></li>'
    )


def _thumbnail(table: Desk, prepared: Prepared, example: Example) -> str:
    small = table.data.thumbnail(prepared, example)
    if small is None:
        return ""
    encoded = base64.b64encode(small).decode()
    return f'<img src="data:image/jpeg;base64,{encoded}" alt="{plain_html(example.name, limit=60)}">'


def _of_class(prepared: Prepared, label: int) -> list[Example]:
    return [example for example in prepared.dataset.examples if example.label == label]


def _total(prepared: Prepared, label: int) -> int:
    count = prepared.health.counts[label]
    return count.train + count.test
