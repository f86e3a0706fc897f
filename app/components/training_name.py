"""The name of a run to be: made valid and free from whatever the visitor types, and said beside the field at once."""

from collections.abc import Callable, Collection

from vit_core.runs.names import LONGEST, is_run_name


def name_for(typed: str, proposed: str, *, taken: Collection[str], suggest: Callable[[str], str]) -> tuple[str, str]:
    """Give the name that a run will have, and why it is not what was typed, as a sentence; "" where it is.

    Args:
        typed: by the visitor; empty for the proposed name.
        proposed: a valid and free name.
        taken: names of the runs that there are.
        suggest: makes a valid and free name of any text.

    Example:
        >>> name_for("pets", "photos", taken={"pets"}, suggest=lambda text: "pets-2")
        ('pets-2', 'There is a run pets already; this one will be called pets-2.')
    """
    wish = typed.strip()
    if not wish:
        return proposed, ""
    if is_run_name(wish) and wish not in taken:
        return wish, ""
    name = suggest(wish)
    if is_run_name(wish):
        return name, f"There is a run {wish} already; this one will be called {name}."
    return name, f"It will be called {name}: {_broken_rule(wish)}"


def _broken_rule(wish: str) -> str:
    if len(wish) > LONGEST:
        return f"a name has at most {LONGEST} characters."
    if wish[0] in "-_":
        return "a name begins with a letter or a digit."
    return "a name has small letters a to z, digits, - and _."
