"""The architecture of a checkpoint for a form that proposes settings: of a file from its headers, else from its name.

No weight is read and no JAX is imported, so that the web process can ask.
"""

from pathlib import Path

import pandas as pd

from vit_core.catalog.describe import family_of_row
from vit_core.catalog.lookup import find_row
from vit_core.checkpoints.family_shape import family_shape
from vit_core.checkpoints.recognise import recognise
from vit_core.errors import BadCheckpoint, BadInput, shorten
from vit_core.models.config import ModelConfig, variant


def shape_of_file(path: Path, *, num_heads: int | None = None) -> ModelConfig:
    """Read the architecture of a file.

    Args:
        path: of the file.
        num_heads: attention heads, where the file does not tell them.

    Raises:
        BadCheckpoint: no checkpoint, or of an unknown architecture; UntoldHeads where only its heads are unknown.
        BadInput: the number of heads does not suit the model.
    """
    try:
        return recognise(path, num_heads=num_heads).config
    except BadCheckpoint as error:  # where files lie on this machine is nobody's business
        raise type(error)(str(error).replace(repr(str(path)), repr(shorten(path.name)))) from error


def shape_in_table(table: pd.DataFrame, checkpoint: str) -> ModelConfig | None:
    """Give the architecture of a published checkpoint by its row, or None where the table does not tell."""
    try:
        row = {str(column): value for column, value in find_row(table, checkpoint).to_dict().items()}
        family = family_of_row(row)
        if family is not None:
            return family_shape(family)
        config = variant(str(row["name"]))
        resolution = row.get("adapt_resolution")
        return config if resolution is None or pd.isna(resolution) else config.with_resolution(int(resolution))
    except BadInput:
        return None
