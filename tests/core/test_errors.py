"""The error tree: complete in its drawing, helpful in its messages."""

import inspect
import re

import pytest

from vit_core import errors
from vit_core.errors import UnknownName, shorten


def classes() -> dict[str, type[Exception]]:
    return {
        name: value
        for name, value in inspect.getmembers(errors, inspect.isclass)
        if issubclass(value, Exception) and value.__module__ == errors.__name__
    }


def test_the_drawing_in_the_docstring_names_every_class_under_its_parent():
    drawn: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^ *(?=VitError|[│├└])[ │├└─]*([A-Z]\w+) ", line):
            depth, name = match.start(1), match[1]
            while stack and stack[-1][0] >= depth:
                stack.pop()
            drawn[name] = stack[-1][1] if stack else "Exception"
            stack.append((depth, name))
    assert drawn == {name: value.__mro__[1].__name__ for name, value in classes().items()}


@pytest.mark.parametrize("name", sorted(classes()))
def test_every_class_says_what_it_stands_for(name: str):
    assert classes()[name].__doc__


def test_an_unknown_name_lists_the_close_ones():
    message = str(UnknownName.among("column", "final_vall", ["final_val", "name"]))
    assert message == "There is no column 'final_vall'. Did you mean 'final_val'?"


def test_an_unknown_name_without_close_ones_suggests_nothing():
    assert str(UnknownName.among("column", "zzz", ["final_val"])) == "There is no column 'zzz'."


def test_a_long_or_broken_value_is_cut_to_one_line():
    message = str(UnknownName.among("checkpoint", "x\n" * 10_000, []))
    assert len(message) < 200
    assert "\n" not in message


def test_shorten_keeps_what_fits():
    assert shorten("short") == "short"
