"""Which output of a checkpoint each class of a data set is.

One rule for the whole data set, the first of the table that fits every class: a wrong pairing looks exactly like a bad
model, so nothing is guessed class by class, and the rule is said beside the figures.
"""

import dataclasses
import difflib
import functools
import gzip
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from vit_core.errors import BadDataset, shorten
from vit_core.inference.labels import Labels
from vit_core.settings import bundled_data_dir

_CLOSE = 3  # names listed in a refusal


@dataclasses.dataclass(frozen=True)
class Matching:
    """Classes with their outputs.

    Attributes:
        outputs: number of the output of each class, by the class's name.
        rule: how they were found, as a sentence.
    """

    outputs: Mapping[str, int]
    rule: str


@dataclasses.dataclass(frozen=True)
class Rule:
    """One way to find outputs.

    Attributes:
        words: ends the sentence "Classes are matched …".
        key: from a class of the data to what is looked up; "" for what the rule does not apply to.
        keys: of the outputs, in their order; "" for an output without one.
    """

    words: str
    key: Callable[[str], str]
    keys: Callable[[Labels], Sequence[str]]


def _as_written(name: str) -> str:
    return name


def _loosely(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.casefold())).strip()


def _wordnet_id(name: str) -> str:
    return name.casefold() if re.fullmatch(r"[nN][0-9]{8}", name) else ""


def _number(name: str) -> str:
    return str(int(name)) if re.fullmatch(r"[0-9]{1,9}", name) else ""


@functools.lru_cache(maxsize=4)
def wordnet_ids(dataset: str) -> tuple[str, ...]:
    """Give the WordNet identifiers of the outputs, "n01440764" first; empty for other data sets than ImageNet."""
    if dataset not in ("imagenet2012", "i21k"):
        return ()
    path = bundled_data_dir() / "labels" / f"{dataset}_definitions.tsv.gz"
    return tuple(line.split("\t", 1)[0] for line in gzip.decompress(path.read_bytes()).decode().splitlines())


RULES = (
    Rule("by their exact names", _as_written, lambda labels: labels.names),
    Rule(
        "by their names, without regard to capitals, underscores, hyphens and spaces",
        _loosely,
        lambda labels: [_loosely(name) for name in labels.names],
    ),
    Rule("by their WordNet identifiers", _wordnet_id, lambda labels: wordnet_ids(labels.dataset)),
    Rule(
        "by their numbers, which are taken as the places of the outputs, the first being 0",
        _number,
        lambda labels: [str(place) for place in range(len(labels.names))],
    ),
)


def match_classes(
    classes: Sequence[str], labels: Labels, *, checkpoint: str, table: Mapping[str, str] | None = None
) -> Matching:
    """Find the output of each class.

    Args:
        classes: of the data set, those that have images.
        labels: of the checkpoint's outputs.
        checkpoint: how messages call it.
        table: for classes that are called otherwise: what to look up instead, by the class's name.

    Raises:
        BadDataset: a class that the checkpoint does not have, or that several outputs are called; the message names it
            and lists close names.
    """
    table = table or {}
    finders = [(rule, _finder(rule, labels)) for rule in RULES]
    renamed = {name: _find_any(name, table[name], finders, labels, checkpoint) for name in classes if name in table}
    others = [name for name in classes if name not in table]
    rule, found = _best(others, finders)
    for name in others:
        if len(found[name]) != 1:
            raise BadDataset(_refusal(name, found, labels, checkpoint))
    outputs = renamed | {name: found[name][0] for name in others}
    return Matching({name: outputs[name] for name in classes}, _sentence(rule, outputs, len(renamed), len(others)))


def check_table(table: Mapping[str, str], classes: Sequence[str]) -> None:
    """Refuse a table with a class that the data does not have: a slip, which would leave another class as it is.

    Args:
        table: what to look up, by the class's name.
        classes: all of the data set, those too that are not judged.

    Raises:
        BadDataset: there is one; the message names it.
    """
    known = set(classes)
    if strangers := [name for name in table if name not in known]:
        close = difflib.get_close_matches(strangers[0], known, n=_CLOSE, cutoff=0.6)
        meant = f" Did you mean {' or '.join(repr(shorten(each, 60)) for each in close)}?" if close else ""
        raise BadDataset(
            f"The table of classes has {shorten(strangers[0], 60)!r}, which is no class of the data.{meant} "
            "Its first column takes the names in the data."
        )


_Finder = Callable[[str], list[int]]


def _finder(rule: Rule, labels: Labels) -> _Finder:
    """Give what finds all outputs of a key."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(rule.keys(labels)):
        places[key].append(place)
    places.pop("", None)
    return lambda name: places.get(rule.key(name), [])


def _best(names: Sequence[str], finders: Sequence[tuple[Rule, _Finder]]) -> tuple[Rule, dict[str, list[int]]]:
    """Give the first rule that fits all names, else the one that fits most."""
    tried = [(rule, {name: find(name) for name in names}) for rule, find in finders]
    return max(tried, key=lambda each: sum(len(found) == 1 for found in each[1].values()))


def _find_any(name: str, wanted: str, finders: Sequence[tuple[Rule, _Finder]], labels: Labels, checkpoint: str) -> int:
    tried = [find(wanted) for _, find in finders]
    for found in tried:
        if len(found) == 1:
            return found[0]
    if several := next(filter(None, tried), []):
        raise BadDataset(
            f"The table sends the class {shorten(name, 60)!r} to {shorten(wanted, 60)!r}, which may be the outputs "
            f"{_places(several)} of {shorten(checkpoint)!r}; give the number of the output in its place."
        )
    raise BadDataset(
        f"The table sends the class {shorten(name, 60)!r} to {shorten(wanted, 60)!r}, which is none of the "
        f"{len(labels.names):,} classes of {shorten(checkpoint)!r}.{_close(wanted, labels)}"
    )


def _refusal(name: str, found: Mapping[str, list[int]], labels: Labels, checkpoint: str) -> str:
    shown = shorten(name, 60)
    if found[name]:
        return (
            f"The class {shown!r} of the data may be the outputs {_places(found[name])} of {shorten(checkpoint)!r}; "
            "name its folder by the number of the output, or give a table (--map)."
        )
    others = sum(not places for places in found.values()) - 1
    also = f" {others:,} other {'class is' if others == 1 else 'classes are'} unknown, too." if others else ""
    return (
        f"The class {shown!r} of the data is none of the {len(labels.names):,} classes of {shorten(checkpoint)!r}."
        f"{_close(name, labels)}{also} Rename it, leave it out, or give a table (--map)."
    )


def _places(found: Sequence[int]) -> str:
    return " and ".join(map(str, found[:_CLOSE]))


def _close(name: str, labels: Labels) -> str:
    loose = {_loosely(label): label for label in reversed(labels.names)}
    close = difflib.get_close_matches(_loosely(name), loose, n=_CLOSE, cutoff=0.6)
    if close:
        return f" Did you mean {' or '.join(repr(shorten(loose[each], 60)) for each in close)}?"
    some = ", ".join(repr(shorten(label, 30)) for label in labels.names[:_CLOSE])
    return f" Its classes are {some}{', …' if len(labels.names) > _CLOSE else ''}."


def _sentence(rule: Rule, outputs: Mapping[str, int], renamed: int, others: int) -> str:
    parts = []
    if others:
        parts.append(f"Classes are matched {rule.words}.")
    if renamed:
        parts.append(f"{renamed:,} of {len(outputs):,} classes are matched by the table.")
    shared = defaultdict(list)
    for name, output in outputs.items():
        shared[output].append(name)
    parts += [
        f"{' and '.join(repr(shorten(name, 40)) for name in names)} are the same class."
        for names in shared.values()
        if len(names) > 1
    ]
    return " ".join(parts)
