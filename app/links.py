"""What a link can say: every query parameter of every page, its fact, and the way there and back.

Pure: reads links that anybody may have written and gives frozen facts with notes; holds nothing. Knows nothing of what
a catalogue holds.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from vit_core.catalog.query import Filters
from vit_core.errors import shorten

Value = TypeVar("Value")
Page = Literal["explore", "compare", "classify", "evaluate", "finetune", "runs", "about"]
CATALOGUES = ("augreg", "demo", "yours")
TABS = ("find", "paper", "runs")
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
FITS = ("classify", "fine-tune")
REGULARISATION_CODES = {"none": "none", "dropout": "dropout + stochastic depth"}
COMPARE_LIMIT = 4
_MAX_ITEMS = 64
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # of runs and of uploaded data sets; each is a folder's name


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
        data: id of the uploaded data set that Fine-tune works with, "" for none.
        run: name of a run: the one that Runs shows, and the one whose data and settings Fine-tune starts from; "" for
            none. It does not follow from page to page.
        against: name of the run that it is compared with, "" for none.
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
    data: str = ""
    run: str = ""
    against: str = ""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One query parameter: its name in a link, the fact behind it, and the way there and back.

    Attributes:
        name: as written in a link.
        fact: the field of `Address`, or of `Filters` where `of_filters`.
        read: text to value; raises ValueError with the rule as its message.
        write: value to text.
        pages: the pages whose link carries it.
        of_filters: whether the fact is one of `Filters`.
        max_length: of the text, in characters.
        noun: what a note calls a value, "" for `name`.
        follows: whether the fact goes along when a person turns to another page by a link that says nothing.
    """

    name: str
    fact: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    pages: tuple[Page, ...] = ("explore",)
    of_filters: bool = False
    max_length: int = 400
    noun: str = ""
    follows: bool = True


def _text(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("must hold no control characters")
    return text.strip()


def _plain_name(text: str) -> str:
    if text and not _PLAIN_NAME.fullmatch(text):
        raise ValueError("must be made of a to z, 0 to 9, - and _, at most 64 of them")
    return text


def _oneof_page(choices: Sequence[str]) -> Callable[[str], str]:
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
    return _oneof_page(("up", "down"))(text) == "up"


def _regularisation(text: str) -> str:
    return REGULARISATION_CODES[_oneof_page(tuple(REGULARISATION_CODES))(text)]


def _regularisation_code(value: str) -> str:
    return next((code for code, name in REGULARISATION_CODES.items() if name == value), value)


def _joined(values: Iterable[object]) -> str:
    return ",".join(value_words(value) for value in values)


def value_words(value: object) -> str:
    """Give a value as a link writes it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _scaled(factor: float) -> tuple[Callable[[str], float], Callable[[float], str]]:
    return (lambda text: _number(text) * factor), (lambda value: f"{value / factor:.12g}")


def _filter(
    name: str, fact: str, read: Callable[[str], Any], write: Callable[[Any], str] = _joined, *, noun: str = ""
) -> Parameter:
    return Parameter(name, fact, read, write, of_filters=True, noun=noun)


_EVERY: tuple[Page, ...] = ("explore", "compare", "classify", "evaluate", "finetune", "runs", "about")
PARAMETERS: tuple[Parameter, ...] = (
    Parameter("catalogue", "catalogue", _oneof_page(CATALOGUES), str, _EVERY),
    Parameter("checkpoint", "checkpoint", _text, str, _EVERY),
    Parameter("compare", "compare", _each(_text, COMPARE_LIMIT), _joined, _EVERY, max_length=1200, noun="checkpoint"),
    Parameter("data", "data", _plain_name, str, ("finetune",), noun="data set"),
    Parameter("run", "run", _plain_name, str, ("runs", "finetune"), follows=False),
    Parameter("against", "against", _plain_name, str, ("runs",), follows=False, noun="run"),
    Parameter("file", "file", _text, str, noun="pre-trained file"),
    Parameter("tab", "tab", _oneof_page(TABS), str),
    Parameter("sort", "sort", _oneof_page(SORTS), str),
    Parameter("order", "ascending", _direction, lambda ascending: "up" if ascending else "down"),
    Parameter("upstream", "upstream", _text, str),
    Parameter("search", "search", _text, str, of_filters=True, max_length=200),
    _filter("release", "releases", _each(_text)),
    _filter("family", "families", _each(_text)),
    _filter("model", "names", _each(_text)),
    _filter("ds", "ds", _each(_text), noun="pre-training set"),
    _filter("aug", "augs", _each(_text), noun="augmentation"),
    _filter(
        "reg",
        "regularisations",
        _each(_regularisation),
        lambda values: ",".join(_regularisation_code(value) for value in values),
        noun="regularisation",
    ),
    _filter("wd", "weight_decays", _each(_number), noun="weight decay"),
    _filter("adapt", "adapt_ds", _each(_text), noun="fine-tuning set"),
    _filter("res", "resolutions", _each(_whole), noun="resolution"),
    _filter("min_speed", "min_speed", *_scaled(1.0)),
    _filter("max_params", "max_params", *_scaled(1e6)),
    _filter("max_mb", "max_size_bytes", *_scaled(1e6)),
    _filter("min_accuracy", "min_final_val", *_scaled(0.01)),
    _filter("fits", "fits", _oneof_page(FITS), str),
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
    known = {parameter.name: parameter for parameter in of_page(page)}
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
            address = with_fact(address, known[name], _read(known[name], values))
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
    # A link to repeat a run stays as it is until something is changed: another one in its place would be one more step
    # of the browser's history, and the way back would lead forward again.
    implied = ("data", "checkpoint") if page == "finetune" and address.run else ()
    return {
        parameter.name: parameter.write(fact_of(address, parameter))
        for parameter in of_page(page)
        if parameter.name not in implied and fact_of(address, parameter) != fact_of(Address(), parameter)
    }


def on_arrival(address: Address) -> Address:
    """Give the facts that go along to another page."""
    return _without(address, [parameter for parameter in PARAMETERS if not parameter.follows])


def of_page(page: Page) -> list[Parameter]:
    """Give the parameters that links to a page carry."""
    return [parameter for parameter in PARAMETERS if page in parameter.pages]


def _read(parameter: Parameter, values: Sequence[str]) -> Any:  # noqa: ANN401 - each parameter has its own type
    if len(values) != 1:
        raise ValueError("is given more than once")
    if len(values[0]) > parameter.max_length:
        raise ValueError(f"is longer than {parameter.max_length} characters")
    return parameter.read(values[0])


def fact_of(address: Address, parameter: Parameter) -> Any:  # noqa: ANN401 - each parameter has its own type
    """Give the fact behind a parameter."""
    return getattr(address.filters if parameter.of_filters else address, parameter.fact)


def with_fact(address: Address, parameter: Parameter, value: object) -> Address:
    """Give the same facts but for the one behind a parameter."""
    change: dict[str, Any] = {parameter.fact: value}
    if parameter.of_filters:
        return dataclasses.replace(address, filters=dataclasses.replace(address.filters, **change))
    return dataclasses.replace(address, **change)


def _without(address: Address, parameters: Iterable[Parameter]) -> Address:
    default = Address()
    for parameter in parameters:
        address = with_fact(address, parameter, fact_of(default, parameter))
    return address
