"""What follows from a table, the same for every visitor: computed once, kept for the last few tables and questions.

A table is never changed, so the object itself is the key. The tables are held weakly, so that a visitor's own one goes
with the visit.
"""

import dataclasses
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

import pandas as pd

from vit_core.catalog.index import Catalogue, with_others
from vit_core.catalog.query import Filters, Room, facet_counts, pretrained_files
from vit_core.catalog.recommend import recommend

KEPT = 128  # a dozen views of Explore; together a MB each
Derived = TypeVar("Derived")
_lock = threading.RLock()
_known: OrderedDict[Hashable, tuple[weakref.ref[pd.DataFrame], object]] = OrderedDict()


def once(what: str, table: pd.DataFrame, compute: Callable[[], Derived], *question: Hashable) -> Derived:
    """Give what `compute` gives, from memory where the same was asked before.

    Args:
        what: names the computation.
        table: what it is computed from.
        compute: computes it; the outcome is shared, so nobody may change it.
        question: whatever else it depends on.
    """
    key = (what, id(table), *question)
    with _lock:
        held = _known.get(key)
        if held is None or held[0]() is not table:  # another table may have taken the place of a former one in memory
            for gone in [key for key, (of, _) in _known.items() if of() is None]:
                del _known[gone]
            found = compute()
            if found is table:  # kept, it would keep itself
                return found
            held = _known[key] = (weakref.ref(table), found)
        _known.move_to_end(key)
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return cast("Derived", held[1])


def once_filtered(
    what: str, frame: pd.DataFrame, filters: Filters | None, compute: Callable[[], Derived], *question: Hashable
) -> Derived:
    """Give `once` of what filters leave of a catalogue.

    What fits is computed anew each time, since it depends on the memory that is free just now, too.

    Args:
        what: names the computation.
        frame: the whole catalogue.
        filters: what left the rows; None where they follow from more than that.
        compute: computes it.
        question: whatever else it depends on.
    """
    if filters is None or filters.fits:
        return compute()
    return once(what, frame, compute, filters, *question)


def files_of(left: pd.DataFrame, frame: pd.DataFrame, filters: Filters | None = None) -> pd.DataFrame:
    """Give the pre-trained files behind the rows that filters leave of a catalogue, one row each.

    Args:
        left: the rows that are left.
        frame: the whole catalogue.
        filters: what left them; None where they follow from more than that.
    """
    if len(left) == len(frame):
        return once("files", frame, lambda: pretrained_files(frame))
    return once_filtered("files", frame, filters, lambda: pretrained_files(left))


def facets(frame: pd.DataFrame, filters: Filters, room: Room | None) -> dict[str, pd.Series]:
    """Give `facet_counts` of a catalogue; `room` as there."""
    return once_filtered("facets", frame, filters, lambda: facet_counts(frame, filters, room=room))


def with_other_releases(catalogue: Catalogue) -> Catalogue:
    """Give a catalogue with the files of the other releases, if it is of AugReg; the same table each time."""
    frame = once("whole", catalogue.frame, lambda: with_others(catalogue).frame)
    return dataclasses.replace(catalogue, frame=frame)


def recommended(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the recommended files of a catalogue, with `rivals`, the number of files that each was chosen among."""
    return once("recommended", frame, lambda: _recommended(frame))


def recommended_set(frame: pd.DataFrame) -> str:
    """Give the pre-training set that recommendations are made in: ImageNet-21k, else the catalogue's first one."""
    sets = [str(ds) for ds in frame["ds"].cat.categories]
    return "i21k" if "i21k" in sets or not sets else sets[0]


def _recommended(frame: pd.DataFrame) -> pd.DataFrame:
    ds = recommended_set(frame)
    rivals = frame[frame["ds"] == ds].groupby("name", observed=True)["filename"].nunique()
    rows = recommend(frame, ds=ds)
    return rows.assign(rivals=[int(rivals[name]) for name in rows["name"]])
