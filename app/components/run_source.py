"""What a run started from, in the words of people: the model and what it had been trained on."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from app.components.checkpoint_in_hand import RUN_PREFIX
from app.components.plain_text import one_line
from vit_core.catalog.collection import label_of


def source_words(checkpoint: str, tables: Sequence[pd.DataFrame]) -> str:
    """Give words for a checkpoint, such as "B/16 pre-trained on ImageNet-21k"; its name where no table has it.

    Args:
        checkpoint: what a run was told: a name, "run:NAME", or the path of an own file.
        tables: where to look for it, in this order.
    """
    if checkpoint.startswith(RUN_PREFIX):
        return f"your run {checkpoint.removeprefix(RUN_PREFIX)}"
    if Path(checkpoint).is_absolute():
        return f"the file {one_line(Path(checkpoint).name, limit=60)}"
    for table in tables:
        for column in ("filename", "adapt_filename"):
            rows = table[table[column] == checkpoint]
            if not rows.empty:
                return _words(rows.iloc[0], fine_tuned=column == "adapt_filename")
    return one_line(checkpoint, limit=80)


def _words(row: pd.Series, *, fine_tuned: bool) -> str:
    words = f"{row['name']} pre-trained on {label_of('ds', row['ds'])}"
    return f"{words}, fine-tuned on {label_of('adapt_ds', row['adapt_ds'])}" if fine_tuned else words
