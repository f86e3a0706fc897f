"""What the address and the session say: the facts of a link, and how they follow a person from page to page.

A page uses it like this::

    notes = state.open_page("explore")    # takes over what the link says
    address = state.address()             # the facts, frozen
    ...widgets whose callbacks call state.update(...)...
    state.write_address("explore")        # puts the facts into the link, before or after they are shown

Whether a name exists is asked with `forget_unknown`, once the catalogue is there.
"""

import dataclasses
import math
import time
from collections.abc import Container, Mapping
from typing import Any, cast

import streamlit as st

from app.links import (
    COMPARE_LIMIT,
    PARAMETERS,
    Address,
    Page,
    fact_of,
    on_arrival,
    read_link,
    value_words,
    with_fact,
    write_link,
)
from vit_core.catalog.query import Filters
from vit_core.errors import shorten

__all__ = ["COMPARE_LIMIT", "Address", "address", "open_page", "update", "write_address"]

_ADDRESS, _NOTES = "address", "address notes"
_PAGE, _TOUCHED = "address page", "address touched"
_HISTORY, _WRITTEN_AT = "address links", "address written at"
_KEPT_LINKS = 24
_LATE_S = 2.0
Link = dict[str, tuple[str, ...]]


def open_page(page: Page) -> tuple[str, ...]:
    """Take over what the link says and give the notes for the user, the same ones until the user changes something.

    Call it first in a page. A link wins over the session, except where the session is newer: a widget of this page has
    just changed a fact (its callback ran before the page), the user came from another page by a bare link, or the
    browser has not yet shown the link that was written a moment ago.
    """
    link = {name: tuple(st.query_params.get_all(name)) for name in st.query_params}
    arrived = st.session_state.get(_PAGE) != page
    touched = st.session_state.pop(_TOUCHED, False)
    st.session_state[_PAGE] = page
    if touched or arrived:
        st.session_state[_NOTES] = ()
    if arrived and not touched and not link and _ADDRESS in st.session_state:
        st.session_state[_ADDRESS] = on_arrival(address())
    if _ADDRESS not in st.session_state or not (touched or (arrived and not link) or _is_late(link)):
        st.session_state[_ADDRESS], st.session_state[_NOTES] = read_link(link, page, start=address())
        _remember(link)
    return cast("tuple[str, ...]", st.session_state[_NOTES])


def address() -> Address:
    """Give the facts as they stand now."""
    return cast("Address", st.session_state.get(_ADDRESS, Address()))


def update(**changes: Any) -> None:  # noqa: ANN401 - fields of Address, checked by dataclasses.replace
    """Change facts, from a widget's callback or before the widgets that show them."""
    st.session_state[_ADDRESS] = dataclasses.replace(address(), **changes)
    st.session_state[_TOUCHED] = True


def update_filters(filters: Filters) -> None:
    """Narrow or widen the table."""
    update(filters=filters)


def open_catalogue(catalogue: str) -> None:
    """Open another table: what was chosen in the old one means nothing there."""
    update(catalogue=catalogue, file="", checkpoint="", compare=(), upstream="", filters=Filters())


def choose_file(filename: str) -> None:
    """Choose a pre-trained file; it becomes the checkpoint in hand."""
    update(file=filename, checkpoint=filename)


def settle_file(file_of_checkpoint: str) -> None:
    """Make the chosen file and the checkpoint in hand agree, where a link or another page gave only one of them.

    Args:
        file_of_checkpoint: the file behind the checkpoint in hand, "" where the open catalogue does not have it.
    """
    now = address()
    if file_of_checkpoint:
        st.session_state[_ADDRESS] = dataclasses.replace(now, file=file_of_checkpoint)
    elif now.file and not now.checkpoint:
        st.session_state[_ADDRESS] = dataclasses.replace(now, checkpoint=now.file)


def choose_checkpoint(name: str) -> None:
    """Take a fine-tune, or a pre-trained file as it is, in hand."""
    update(checkpoint=name)


def show_upstream(ds: str) -> None:
    """Draw another pre-training set."""
    update(upstream=ds)


def order_by(column: str, ascending: bool) -> None:
    """Sort the table."""
    update(sort=column, ascending=ascending)


def show_tab(tab: str) -> None:
    """Turn to another tab of Explore."""
    update(tab=tab)


def toggle_compared(name: str) -> None:
    """Put a checkpoint on the list to compare, or take it off; past the limit the oldest one makes room."""
    kept = tuple(other for other in address().compare if other != name)
    update(compare=kept if name in address().compare else (*kept, name)[-COMPARE_LIMIT:])


def compare(names: tuple[str, ...]) -> None:
    """Compare these checkpoints."""
    update(compare=names[:COMPARE_LIMIT])


def add_to_compare(name: str) -> None:
    """Put a checkpoint on the list to compare. A comma parts the names in a link, and no checkpoint has one."""
    update(compare=tuple(dict.fromkeys([*address().compare, name.replace(",", " ")]))[:COMPARE_LIMIT])


def swap_compared(old: str, new: str) -> None:
    """Put a checkpoint on the list to compare in the place of another one."""
    compare(tuple(new if name == old else name for name in address().compare))


def open_run(name: str) -> None:
    """Show one run, or all of them with ""."""
    update(run=name, against="")


def choose_data(name: str) -> None:
    """Work with an uploaded data set on Fine-tune, by its id; "" for none."""
    update(data=name, run="")


def repeat_run(run: str, *, data: str, checkpoint: str) -> None:
    """Work with the data set and the checkpoint of a run on Fine-tune; the link keeps naming the run."""
    update(run=run, data=data, checkpoint=checkpoint)


def write_address(page: Page) -> None:
    """Put the facts into the link; call it once in a page and in each of its fragments, when the facts are settled."""
    link = write_link(address(), page)
    st.session_state.pop(_TOUCHED, None)
    _remember({name: (value,) for name, value in link.items()})
    if st.query_params.to_dict() != link:
        st.session_state[_WRITTEN_AT] = time.monotonic()
        st.query_params.from_dict(link)


def run_page_if_changed() -> None:
    """Run the whole page if a widget has just changed a fact; for a fragment that shows less than what follows from it.

    Where the page itself runs, the change has been taken over already, and this does nothing.
    """
    if st.session_state.get(_TOUCHED):
        st.rerun()


def forget_unknown(known: Mapping[str, Container[object]]) -> tuple[str, ...]:
    """Drop facts that the open catalogue does not have and give all notes for the user, those of the link first.

    Args:
        known: for each fact, by its field name in `Address` or `Filters`, the values that exist.
    """
    notes = []
    current = address()
    for parameter in PARAMETERS:
        if parameter.fact not in known:
            continue
        values = fact_of(current, parameter)
        asked = values if isinstance(values, tuple) else (values,) if values else ()
        missing = [value for value in asked if value not in known[parameter.fact]]
        if not missing:
            continue
        kept = tuple(value for value in asked if value not in missing)
        current = with_fact(current, parameter, kept if isinstance(values, tuple) else "")
        names = ", ".join(f"“{shorten(value_words(value), 60)}”" for value in missing[:3])
        notes.append(f"The open catalogue has no {parameter.noun or parameter.name} {names}; it was left out.")
    st.session_state[_ADDRESS] = current
    st.session_state[_NOTES] = tuple(dict.fromkeys([*st.session_state.get(_NOTES, ()), *notes]))
    return cast("tuple[str, ...]", st.session_state[_NOTES])


def _remember(link: Link) -> None:
    """Keep the links of this visit that were taken over or written, the present one last."""
    earlier = [other for other in st.session_state.get(_HISTORY, ()) if other != link]
    st.session_state[_HISTORY] = [*earlier[-_KEPT_LINKS:], link]


def _is_late(link: Link) -> bool:
    """Whether a run brings the present link, or an earlier one because the browser has not heard of the present one.

    An earlier link can also be the user's way back; that is never so soon after a change.
    """
    history: list[Link] = st.session_state.get(_HISTORY, [])
    if history and link == history[-1]:
        return True
    return link in history and time.monotonic() - st.session_state.get(_WRITTEN_AT, -math.inf) < _LATE_S
