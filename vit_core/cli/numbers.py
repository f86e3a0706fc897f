"""Numbers given as flags: what is none is said in words, where argparse would speak of types."""

import argparse

from vit_core.errors import quoted


def whole(text: str) -> int:
    """Read a whole number; its range is judged by whoever knows the rule.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{quoted(text, 60)} is not a whole number, such as 16") from error


def number(text: str) -> float:
    """Read a number; its range is judged by whoever knows the rule.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{quoted(text, 60)} is not a number, such as 0.01") from error
