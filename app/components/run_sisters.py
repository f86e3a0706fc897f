"""What the published fine-tunes of the same pre-trained file reached: the range to expect, per data set."""

import dataclasses
import math
from collections.abc import Sequence

import pandas as pd

from app.components.checkpoint_in_hand import class_names
from app.components.known_names import file_of
from app.components.wording import counted, percent
from vit_core.catalog.collection import TRANSFER_SETS, label_of
from vit_core.catalog.query import fine_tunes


@dataclasses.dataclass(frozen=True)
class Band:
    """The range of accuracies that the fine-tunes of one file on one data set reached, 0 to 1.

    Attributes:
        dataset: its code.
        label: words for it.
        low: the lowest accuracy.
        high: the highest.
        count: fine-tunes.
        num_classes: of the data set; None where that is not known.
    """

    dataset: str
    label: str
    low: float
    high: float
    count: int
    num_classes: int | None

    @property
    def range_words(self) -> str:
        """Its two ends, or its only value."""
        low, high = percent(self.low), percent(self.high)
        return high if low == high else f"{low} to {high}"

    @property
    def sentence(self) -> str:
        """What the band shows and that it is no measure of the run, for the text beside a chart."""
        tunes = counted(self.count, "published fine-tune")
        return f"what {tunes} of this checkpoint reached on {self.label}, another task: {self.range_words}."


def bands(tables: Sequence[pd.DataFrame], checkpoint: str, *, num_classes: int) -> tuple[Band, ...]:
    """Give the bands of the sisters of a run, the data set nearest in number of classes first.

    Test accuracies where they are published, else those on validation images.

    Args:
        tables: where to look for the checkpoint, in this order.
        checkpoint: that the run started from; a file or an earlier run has no sisters.
        num_classes: of the run's data set.
    """
    for table in tables:
        if filename := file_of(table, checkpoint):
            found = [
                _band(str(ds), rows) for ds, rows in fine_tunes(table, filename).groupby("adapt_ds", observed=True)
            ]
            return tuple(sorted(filter(None, found), key=lambda band: _distance(band, num_classes)))
    return ()


def _band(dataset: str, rows: pd.DataFrame) -> Band | None:
    rates = rows["adapt_final_test"].fillna(rows["adapt_final_val"]).dropna()
    if rates.empty:
        return None
    low, high = float(rates.min()), float(rates.max())
    return Band(dataset, label_of("adapt_ds", dataset), low, high, len(rates), _num_classes(dataset))


def _num_classes(dataset: str) -> int | None:
    facts = TRANSFER_SETS.get(dataset)
    return facts.num_classes if facts else len(class_names(dataset)) or None


def _distance(band: Band, num_classes: int) -> float:
    """Give how many times more, or fewer, classes: 4 against 8 is as far as 50 against 100."""
    if band.num_classes is None:
        return math.inf
    return abs(math.log(band.num_classes / max(1, num_classes)))
