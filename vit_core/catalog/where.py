"""A small language of conditions for the command line: `ds == "i21k" and 0.8 <= adapt_final_test and name != "B/8"`.

Knows columns, numbers, quoted text, comparisons, and/or/not (also & | ~), in, and + - * /. Nothing else is ever
evaluated: the text is parsed, every node is checked, and this module computes the answer itself, so there are no
calls, attributes or names of the program to reach.
"""

import ast
import dataclasses
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vit_core.errors import BadQuery, UnknownName, shorten

LONGEST_TEXT = 2000
MOST_NODES = 500
DEEPEST = 50

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_LOGIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.And: operator.and_,
    ast.Or: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_ALLOWED = (
    *(ast.Expression, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Name, ast.Constant, ast.List, ast.Tuple),
    *(ast.Load, ast.Not, ast.Invert, ast.USub, ast.UAdd, ast.In, ast.NotIn),
    *(*_COMPARISONS, *_ARITHMETIC, *_LOGIC),
)
_SPELLED = {
    ast.Call: "a call",
    ast.Attribute: "an attribute (.)",
    ast.Subscript: "an index ([…])",
    ast.Pow: "a power (**)",
    ast.Lambda: "a lambda",
    ast.JoinedStr: "an f-string",
    ast.MatMult: "the sign @",
    ast.Is: "the word is",
    ast.IsNot: "the word is",
    ast.NamedExpr: "an assignment (:=)",
    ast.IfExp: "the word if",
}
_RULE = 'write columns, numbers, "text", comparisons, and, or, not, in, + - * /'


@dataclasses.dataclass(frozen=True)
class Where:
    """A condition whose every part is known to be allowed."""

    text: str
    tree: ast.expr


@dataclasses.dataclass(frozen=True)
class _Value:
    """A part of the condition: one number, text or truth value, or one per row."""

    kind: str
    data: Any
    shown: str


def parse_where(text: str) -> Where:
    """Check that a condition is in the language.

    Raises:
        BadQuery: it is not; the message names the part that is not.

    Example:
        >>> parse_where("wd == 0.1 and final_val > 0.5").text
        'wd == 0.1 and final_val > 0.5'
    """
    if len(text) > LONGEST_TEXT:
        raise BadQuery(f"The condition has {len(text)} characters; it may have {LONGEST_TEXT}.")
    tree = _parse(text.strip())
    nodes = 0
    for node in ast.walk(tree):
        nodes += 1
        if not isinstance(node, _ALLOWED):
            what = _SPELLED.get(type(node), f"{type(node).__name__.lower()}")
            raise BadQuery(f"The condition {shorten(text)!r} holds {what}, which is not allowed; {_RULE}.")
        if isinstance(node, ast.Constant) and not isinstance(node.value, bool | int | float | str):
            raise BadQuery(f"The condition holds {node.value!r}; {_RULE}.")
    if nodes > MOST_NODES or _depth(tree) > DEEPEST:
        raise BadQuery(f"The condition has too many parts; it may have {MOST_NODES}, nested {DEEPEST} deep.")
    return Where(text, tree.body)


def apply_where(frame: pd.DataFrame, text: str) -> pd.DataFrame:
    """Give the rows for which a condition holds. A missing value compares as unequal to everything.

    Raises:
        BadQuery: the condition is not in the language, names no column, or compares text with numbers.
    """
    where = parse_where(text)
    # Dividing by zero gives inf, as on paper; whoever asks for it needs no warning.
    with np.errstate(all="ignore"):
        answer = _truth(_evaluate(where.tree, frame), "the condition as a whole")
    return frame[np.broadcast_to(answer.data, len(frame))]


def _parse(text: str) -> ast.Expression:
    try:
        with warnings.catch_warnings():
            # Python warns of odd spellings ("1is 1") on stderr; what is odd is refused below anyway.
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        message = error.msg if isinstance(error, SyntaxError) else "it is nested too deep or a number is too long"
        raise BadQuery(f"The condition {shorten(text)!r} cannot be read ({shorten(message, 60)}); {_RULE}.") from error


def _depth(tree: ast.AST) -> int:
    deepest, level = 0, [tree]
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        deepest += 1
    return deepest


def _evaluate(node: ast.expr, frame: pd.DataFrame) -> _Value:
    match node:
        case ast.Name():
            return _column(node.id, frame)
        case ast.Constant():
            return _constant(node.value)
        case ast.BoolOp():
            return _logic(type(node.op), [_evaluate(value, frame) for value in node.values])
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return _logic(type(node.op), [_evaluate(node.left, frame), _evaluate(node.right, frame)])
        case ast.BinOp():
            left, right = _number(_evaluate(node.left, frame)), _number(_evaluate(node.right, frame))
            return _Value("number", _ARITHMETIC[type(node.op)](left.data, right.data), ast.unparse(node))
        case ast.UnaryOp():
            return _unary(node, _evaluate(node.operand, frame))
        case ast.Compare():
            return _comparison(node, frame)
        case _:
            raise BadQuery(f"The list {shorten(ast.unparse(node))!r} may stand only after the word in.")


def _column(name: str, frame: pd.DataFrame) -> _Value:
    if name not in frame.columns:
        close = str(UnknownName.among("column", name, [str(each) for each in frame.columns]))
        raise BadQuery(f'{close} Text is written in quotes, such as ds == "i21k".')
    values = frame[name]
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _Value("text", values, name)
    if pd.api.types.is_bool_dtype(values.dtype):
        return _Value("truth", values.to_numpy(), name)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _Value("number", values.to_numpy(dtype="float64"), name)
    return _Value("text", values, name)


def _constant(value: object) -> _Value:
    if isinstance(value, bool):
        return _Value("truth", np.bool_(value), str(value))
    if isinstance(value, str):
        return _Value("text", value, repr(value))
    # A float64, so that a literal of 400 digits overflows to inf instead of raising far from here.
    try:
        return _Value("number", np.float64(value), repr(value))  # type: ignore[arg-type]  # int or float by parse_where
    except OverflowError:
        return _Value("number", np.float64("inf"), "a very large number")


def _logic(kind: type[ast.AST], parts: list[_Value]) -> _Value:
    joined = _truth(parts[0], parts[0].shown).data
    for part in parts[1:]:
        joined = _LOGIC[kind](joined, _truth(part, part.shown).data)
    return _Value("truth", joined, "a condition")


def _unary(node: ast.UnaryOp, operand: _Value) -> _Value:
    if isinstance(node.op, ast.Not | ast.Invert):
        return _Value("truth", ~_truth(operand, operand.shown).data, ast.unparse(node))
    number = _number(operand).data
    return _Value("number", -number if isinstance(node.op, ast.USub) else number, ast.unparse(node))


def _comparison(node: ast.Compare, frame: pd.DataFrame) -> _Value:
    """Evaluate `a < b <= c` as Python reads it: each neighbouring pair must hold."""
    answer: Any = np.bool_(True)
    left = node.left
    for sign, right in zip(node.ops, node.comparators, strict=True):
        answer = answer & _pair(sign, left, right, frame)
        left = right
    return _Value("truth", answer, ast.unparse(node))


def _pair(sign: ast.cmpop, left: ast.expr, right: ast.expr, frame: pd.DataFrame) -> npt.NDArray[np.bool_] | np.bool_:
    first = _evaluate(left, frame)
    if isinstance(sign, ast.In | ast.NotIn):
        found = _membership(first, right, frame)
        return ~found if isinstance(sign, ast.NotIn) else found
    second = _evaluate(right, frame)
    if first.kind != second.kind:
        raise BadQuery(f"{first.shown} is {_is(first)} and {second.shown} is {_is(second)}; they do not compare.")
    if first.kind == "text" and not isinstance(sign, ast.Eq | ast.NotEq):
        raise BadQuery(f"{first.shown} is text, which has no order; compare it with ==, != or in.")
    return _compared(sign, first, second)


def _compared(sign: ast.cmpop, first: _Value, second: _Value) -> npt.NDArray[np.bool_]:
    compare = _COMPARISONS[type(sign)]
    a, b = first.data, second.data
    if isinstance(a, pd.Series) and isinstance(b, pd.Series):
        a, b = a.astype("object"), b.astype("object")
    elif isinstance(b, pd.Series):
        a, b = b, a  # of texts only == and != get here, which read the same both ways
    answer = compare(a, b)
    return np.asarray(answer, dtype=bool)


def _membership(first: _Value, right: ast.expr, frame: pd.DataFrame) -> npt.NDArray[np.bool_] | np.bool_:
    if not isinstance(right, ast.List | ast.Tuple):
        return _contains(first, _evaluate(right, frame))
    options = [_evaluate(each, frame) for each in right.elts]
    found: npt.NDArray[np.bool_] | np.bool_ = np.bool_(False)
    for option in options:
        if option.kind != first.kind:
            raise BadQuery(f"{first.shown} is {_is(first)} and {option.shown} is {_is(option)}; they do not compare.")
        found = found | _compared(ast.Eq(), first, option)
    return found


def _contains(part: _Value, whole: _Value) -> npt.NDArray[np.bool_]:
    """Evaluate `"pets" in adapt_filename`: the text occurs literally."""
    if not isinstance(part.data, str) or not isinstance(whole.data, pd.Series):
        raise BadQuery(f"After in stands a list, or after a quoted text a column of text; {whole.shown} is neither.")
    if isinstance(whole.data.dtype, pd.CategoricalDtype):
        hits = np.array([part.data in str(each) for each in whole.data.cat.categories] + [False])
        return np.asarray(hits[whole.data.cat.codes.to_numpy()])
    return np.asarray(whole.data.str.contains(part.data, regex=False), dtype=bool)


def _truth(value: _Value, shown: str) -> _Value:
    if value.kind != "truth":
        raise BadQuery(
            f"{shorten(shown)} is {_is(value)}, not a condition; compare it with something, "
            "and put brackets around comparisons next to &, | and ~."
        )
    return value


def _number(value: _Value) -> _Value:
    if value.kind != "number":
        raise BadQuery(f"{shorten(value.shown)} is {_is(value)}; + - * / need numbers.")
    return value


def _is(value: _Value) -> str:
    return {"truth": "a condition", "text": "text", "number": "a number"}[value.kind]
