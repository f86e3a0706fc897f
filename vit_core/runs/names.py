"""Names of runs: what they may be, and a free one to begin with."""

import re
import unicodedata
from collections.abc import Collection

from vit_core.errors import BadRun, quoted

LONGEST = 64
_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{LONGEST - 1}}}")
_WISH = 40  # leaves room for a number


def is_run_name(name: str) -> bool:
    """Tell whether a run can be called so."""
    return _NAME.fullmatch(name) is not None


def check_run_name(name: str) -> str:
    """Give back a name that a run can have.

    Raises:
        BadRun: it cannot; the message gives the rule.
    """
    if not name:
        raise BadRun("The run has no name; give it one, such as 'my-photos'.")
    if not is_run_name(name):
        raise BadRun(
            f"{quoted(name, 60)} cannot be the name of a run: a name has small letters a to z, digits, '-' and '_', "
            f"begins with a letter or a digit, and has at most {LONGEST} characters."
        )
    return name


def suggest_run_name(wish: str, taken: Collection[str]) -> str:
    """Make a valid name that is not taken, from whatever a user called the data.

    Example:
        >>> suggest_run_name("My Photos (2).zip", {"my-photos-2"})
        'my-photos-2-2'
    """
    stem = re.sub(r"\.(zip|csv|json)$", "", wish.strip(), flags=re.IGNORECASE)
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:_WISH].rstrip("-_") or "run"
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name
