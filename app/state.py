"""What the address and the session say: typed, validated, plain strings.

Knows every query parameter of every page, how to read it from a link that anybody may have written, and how the
same facts follow a person from page to page within a session. Knows nothing of what a catalogue holds: whether a
name exists is asked with `forget_unknown`, once the catalogue is there.

A page uses it like this::

    notes = state.open_page("explore")    # takes over what the link says
    address = state.address()             # the facts, frozen
    ...widgets whose callbacks call state.update(...)...
    state.write_address("explore")        # puts the facts back into the link
"""

import dataclasses
import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

import streamlit as st

from vit_core.catalog.query import Filters
from vit_core.errors import shorten

Value = TypeVar("Value")
Page = Literal["explore", "compare", "classify", "about"]
CATALOGUES = ("augreg", "demo", "yours")
TABS = ("find", "paper")
SORTS = (
    "final_val",
    "best_adapt_test",
    "infer_samples_per_sec",
    "params",
    "size_bytes",
    "wd",
    "n_fine_tunes",
    "filename",
)
REGULARISATION_CODES = {"none": "none", "dropout": "dropout + stochastic depth"}
COMPARE_LIMIT = 4
_ADDRESS, _NOTES = "address", "address notes"
_WRITTEN, _PAGE, _TOUCHED = "address written", "address page", "address touched"
_MAX_ITEMS = 64


@dataclasses.dataclass(frozen=True)
class Address:
    """The facts that a link carries.

    Attributes:
        catalogue: which table is open, one of `CATALOGUES`.
        file: name of the chosen pre-trained file, "" when none is chosen.
        checkpoint: name of the checkpoint in hand, a fine-tune or a pre-trained file; it follows to every page.
        compare: names of the checkpoints to compare, in the order they were added, at most `COMPARE_LIMIT`.
        tab: what Explore shows, one of `TABS`.
        sort: column that orders the table, one of `SORTS`.
        ascending: smallest first.
        upstream: the pre-training set that the chart shows, "" for the first one the filters leave.
        filters: what the table is narrowed to.
    """

    catalogue: str = "augreg"
    file: str = ""
    checkpoint: str = ""
    compare: tuple[str, ...] = ()
    tab: str = "find"
    sort: str = "final_val"
    ascending: bool = False
    upstream: str = ""
    filters: Filters = dataclasses.field(default_factory=Filters)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One query parameter: its name in a link, the fact behind it, and the way there and back.

    Attributes:
        name: as written in a link.
        fact: the field of `Address`, or of `Filters` where `of_filters`.
        read: text to value; raises ValueError with the rule as its message.
        write: value to text.
        pages: the pages whose link carries it.
    """

    name: str
    fact: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    pages: tuple[Page, ...] = ("explore",)
    of_filters: bool = False
    max_length: int = 400


def _text(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("must hold no control characters")
    return text.strip()


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return read


def _each(read_one: Callable[[str], Value], limit: int = _MAX_ITEMS) -> Callable[[str], tuple[Value, ...]]:
    def read(text: str) -> tuple[Value, ...]:
        parts = [part.strip() for part in _text(text).split(",") if part.strip()]
        values = tuple(dict.fromkeys(read_one(part) for part in parts))
        if len(values) > limit:
            raise ValueError(f"must hold at most {limit} values")
        return values

    return read


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value) or value <= 0:
        raise ValueError("must be a number above 0")
    return value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise ValueError("must be a whole number")
    return int(text)


def _direction(text: str) -> bool:
    return _one_of(("up", "down"))(text) == "up"


def _regularisation(text: str) -> str:
    return REGULARISATION_CODES[_one_of(tuple(REGULARISATION_CODES))(text)]


def _regularisation_code(value: str) -> str:
    return next((code for code, name in REGULARISATION_CODES.items() if name == value), value)


def _joined(values: Iterable[object]) -> str:
    return ",".join(_plain(value) for value in values)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _scaled(factor: float) -> tuple[Callable[[str], float], Callable[[float], str]]:
    return (lambda text: _number(text) * factor), (lambda value: f"{value / factor:.6g}")


def _filter(name: str, fact: str, read: Callable[[str], Any], write: Callable[[Any], str] = _joined) -> Parameter:
    return Parameter(name, fact, read, write, of_filters=True)


_EVERY: tuple[Page, ...] = ("explore", "compare", "classify", "about")
PARAMETERS: tuple[Parameter, ...] = (
    Parameter("catalogue", "catalogue", _one_of(CATALOGUES), str, _EVERY),
    Parameter("checkpoint", "checkpoint", _text, str, _EVERY),
    Parameter("compare", "compare", _each(_text, COMPARE_LIMIT), _joined, _EVERY, max_length=1200),
    Parameter("file", "file", _text, str),
    Parameter("tab", "tab", _one_of(TABS), str),
    Parameter("sort", "sort", _one_of(SORTS), str),
    Parameter("order", "ascending", _direction, lambda ascending: "up" if ascending else "down"),
    Parameter("upstream", "upstream", _text, str),
    Parameter("search", "search", _text, str, of_filters=True, max_length=200),
    _filter("family", "families", _each(_text)),
    _filter("model", "names", _each(_text)),
    _filter("ds", "ds", _each(_text)),
    _filter("aug", "augs", _each(_text)),
    _filter(
        "reg",
        "regularisations",
        _each(_regularisation),
        lambda values: ",".join(_regularisation_code(value) for value in values),
    ),
    _filter("wd", "weight_decays", _each(_number)),
    _filter("adapt", "adapt_ds", _each(_text)),
    _filter("res", "resolutions", _each(_whole)),
    _filter("min_speed", "min_speed", *_scaled(1.0)),
    _filter("max_params", "max_params", *_scaled(1e6)),
    _filter("max_mb", "max_size_bytes", *_scaled(1e6)),
    _filter("min_accuracy", "min_final_val", *_scaled(0.01)),
)


def read_link(
    link: Mapping[str, Sequence[str]], page: Page, *, start: Address | None = None
) -> tuple[Address, tuple[str, ...]]:
    """Turn a link's query parameters into facts; whatever cannot be used keeps its default and earns a note.

    Args:
        link: each name with every value it was given.
        page: only the parameters of this page are known to it.
        start: where facts that this page's links do not carry come from.

    Example:
        >>> address, notes = read_link({"model": ["B/16"], "sort": ["price"]}, "explore")
        >>> address.filters.names, address.sort
        (('B/16',), 'final_val')
    """
    known = {parameter.name: parameter for parameter in _of(page)}
    elsewhere = {parameter.name for parameter in PARAMETERS}.difference(known)
    address = _without(start or Address(), known.values())
    notes = []
    for name, values in link.items():
        if name in elsewhere:
            continue
        if name not in known:
            notes.append(f"The link has a part “{shorten(name, 40)}” that this page does not know; it was left out.")
            continue
        try:
            address = _with(address, known[name], _read(known[name], values))
        except ValueError as error:
            value = shorten(values[-1] if values else "", 40)
            notes.append(f"The link says {name}=“{value}”, which {error}; the default is used instead.")
    return address, tuple(notes[:8])


def write_link(address: Address, page: Page) -> dict[str, str]:
    """Turn facts into the query parameters of `page`, defaults left out.

    Example:
        >>> write_link(Address(file="x", filters=Filters(names=("B/16", "S/16"))), "explore")
        {'file': 'x', 'model': 'B/16,S/16'}
    """
    return {
        parameter.name: parameter.write(_fact(address, parameter))
        for parameter in _of(page)
        if _fact(address, parameter) != _fact(Address(), parameter)
    }


def open_page(page: Page) -> tuple[str, ...]:
    """Take over what the link says and give the notes for the user, the same ones until the user changes something.

    Call it first in a page.

    A link wins over the session, except where the session is newer: a widget of this page has just changed a fact
    (its callback ran before the page), or the user came from another page by a bare link.
    """
    link = {name: tuple(st.query_params.get_all(name)) for name in st.query_params}
    arrived = st.session_state.get(_PAGE) != page
    touched = st.session_state.pop(_TOUCHED, False)
    st.session_state[_PAGE] = page
    if touched or arrived:
        st.session_state[_NOTES] = ()
    written = st.session_state.get(_WRITTEN)
    if _ADDRESS not in st.session_state or not (touched or link == written or (arrived and not link)):
        st.session_state[_ADDRESS], st.session_state[_NOTES] = read_link(link, page, start=address())
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


def write_address(page: Page) -> None:
    """Put the facts into the link; call it last in a page and in each of its fragments."""
    link = write_link(address(), page)
    st.session_state[_WRITTEN] = {name: (value,) for name, value in link.items()}
    st.session_state.pop(_TOUCHED, None)
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)


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
        values = _fact(current, parameter)
        asked = values if isinstance(values, tuple) else (values,) if values else ()
        missing = [value for value in asked if value not in known[parameter.fact]]
        if not missing:
            continue
        kept = tuple(value for value in asked if value not in missing)
        current = _with(current, parameter, kept if isinstance(values, tuple) else "")
        names = ", ".join(f"“{shorten(_plain(value), 60)}”" for value in missing[:3])
        notes.append(f"The open catalogue has no {parameter.name} {names}; it was left out.")
    st.session_state[_ADDRESS] = current
    st.session_state[_NOTES] = tuple(dict.fromkeys([*st.session_state.get(_NOTES, ()), *notes]))
    return cast("tuple[str, ...]", st.session_state[_NOTES])


def _of(page: Page) -> list[Parameter]:
    return [parameter for parameter in PARAMETERS if page in parameter.pages]


def _read(parameter: Parameter, values: Sequence[str]) -> Any:  # noqa: ANN401 - each parameter has its own type
    if len(values) != 1:
        raise ValueError("is given more than once")
    if len(values[0]) > parameter.max_length:
        raise ValueError(f"is longer than {parameter.max_length} characters")
    return parameter.read(values[0])


def _fact(address: Address, parameter: Parameter) -> Any:  # noqa: ANN401 - each parameter has its own type
    return getattr(address.filters if parameter.of_filters else address, parameter.fact)


def _with(address: Address, parameter: Parameter, value: object) -> Address:
    change: dict[str, Any] = {parameter.fact: value}
    if parameter.of_filters:
        return dataclasses.replace(address, filters=dataclasses.replace(address.filters, **change))
    return dataclasses.replace(address, **change)


def _without(address: Address, parameters: Iterable[Parameter]) -> Address:
    default = Address()
    for parameter in parameters:
        address = _with(address, parameter, _fact(default, parameter))
    return address
