"""Which names a catalogue has, to check a link against."""

import dataclasses
from collections.abc import Callable, Container, Sequence

import pandas as pd

from vit_core.catalog.query import FACETS

# Files that visitors bring, finished runs and what is elsewhere are no rows of any catalogue.
NO_ROWS = ("own-", "run:", "hf:", "gs://", "https://")


@dataclasses.dataclass(frozen=True)
class KnownCheckpoints(Container[object]):
    """All checkpoints of some catalogues, fine-tuned and pre-trained, without a copy of their 52,268 names.

    The other catalogues are opened only for names that the first one does not have.
    """

    frame: pd.DataFrame
    others: Callable[[], Sequence[pd.DataFrame]]

    def __contains__(self, name: object) -> bool:
        text = str(name)
        if text.startswith(NO_ROWS) or file_of(self.frame, text):
            return True
        return any(file_of(frame, text) for frame in self.others())


def known_names(frame: pd.DataFrame, others: Callable[[], Sequence[pd.DataFrame]]) -> dict[str, Container[object]]:
    """Give, for each fact of an address that must exist, the values that do.

    Args:
        frame: the open catalogue.
        others: gives further catalogues whose checkpoints can be in hand.
    """
    known: dict[str, Container[object]] = {field: frozenset(_values(frame[column])) for field, column in FACETS.items()}
    checkpoints = KnownCheckpoints(frame, others)
    files = frozenset(_values(frame["filename"]))
    return known | {"file": files, "upstream": known["ds"], "checkpoint": checkpoints, "compare": checkpoints}


def file_of(frame: pd.DataFrame, checkpoint: str) -> str:
    """Give the pre-trained file behind a checkpoint's name, "" where the catalogue has no such checkpoint."""
    if checkpoint in frame["filename"].cat.categories:
        return checkpoint
    rows = frame.loc[frame["adapt_filename"] == checkpoint, "filename"]
    return "" if rows.empty else str(rows.iloc[0])


def _values(values: pd.Series) -> list[object]:
    return values.cat.categories.tolist() if isinstance(values.dtype, pd.CategoricalDtype) else values.unique().tolist()
