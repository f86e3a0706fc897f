"""What follows from a whole catalogue, the same for every visitor: computed once per table, kept for the last few.

A table is never changed, so the object itself is the key; each entry holds its table, so that no other can take its
place in memory.
"""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable

import pandas as pd

from vit_core.catalog.index import Catalogue, with_others
from vit_core.catalog.query import pretrained_files
from vit_core.catalog.recommend import recommend

KEPT = 8
_lock = threading.Lock()
_known: OrderedDict[tuple[str, int], tuple[pd.DataFrame, pd.DataFrame]] = OrderedDict()


def files_of(left: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the pre-trained files behind the rows that filters leave of a catalogue, one row each."""
    return _once("files", frame, pretrained_files) if len(left) == len(frame) else pretrained_files(left)


def with_other_releases(catalogue: Catalogue) -> Catalogue:
    """Give a catalogue with the files of the other releases, if it is of AugReg; the same table each time."""
    frame = _once("whole", catalogue.frame, lambda _: with_others(catalogue).frame)
    return dataclasses.replace(catalogue, frame=frame)


def recommended(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the recommended files of a catalogue, with `rivals`, the number of files that each was chosen among."""
    return _once("recommended", frame, _recommended)


def recommended_set(frame: pd.DataFrame) -> str:
    """Give the pre-training set that recommendations are made in: ImageNet-21k, else the catalogue's first one."""
    sets = [str(ds) for ds in frame["ds"].cat.categories]
    return "i21k" if "i21k" in sets or not sets else sets[0]


def _recommended(frame: pd.DataFrame) -> pd.DataFrame:
    ds = recommended_set(frame)
    rivals = frame[frame["ds"] == ds].groupby("name", observed=True)["filename"].nunique()
    rows = recommend(frame, ds=ds)
    return rows.assign(rivals=[int(rivals[name]) for name in rows["name"]])


def _once(what: str, frame: pd.DataFrame, compute: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    key = (what, id(frame))
    with _lock:
        if key not in _known:
            _known[key] = (frame, compute(frame))
        _known.move_to_end(key)
        while len(_known) > KEPT:
            _known.popitem(last=False)
        return _known[key][1]
