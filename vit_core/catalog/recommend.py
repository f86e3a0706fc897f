"""Which checkpoint to start from: one pre-trained file per model, and one fine-tune of a pre-trained file.

The rules are those of the authors' Colab: the best upstream accuracy chooses the pre-trained file, the best validation
accuracy its fine-tune. Test accuracies choose nothing, or they would no longer be test accuracies.
"""

import pandas as pd

from vit_core.catalog.collection import RECOMMENDED_FINE_TUNES, label_of
from vit_core.catalog.describe import percent
from vit_core.catalog.query import fine_tunes, pretrained_files
from vit_core.catalog.ranking import TIE_ORDER, is_recommended, points
from vit_core.catalog.schema import ROUNDED

__all__ = ["FINE_TUNE_RULE", "RULE", "TIE_ORDER", "best_fine_tune", "comparability_notes", "recommend"]

RULE = (
    "For each model, the pre-trained file with the highest upstream accuracy among the files pre-trained on the same "
    "set; between equals, and where the table only knows whole per cents, the file that the authors recommend."
)
FINE_TUNE_RULE = (
    "The fine-tune with the highest validation accuracy on its data set; where some are unknown, the one that the "
    "authors list; then the higher resolution, then the file name in alphabetical order."
)
DEFAULT_ADAPT_DS = "imagenet2012"


def recommend(frame: pd.DataFrame, *, ds: str = "i21k") -> pd.DataFrame:
    """Choose one pre-trained file per model by `RULE`.

    Args:
        frame: a catalogue, or the rows that passed a filter.
        ds: the pre-training set to choose in; a catalogue without it gives no row.

    Returns:
        Rows of `pretrained_files` in the order of the models' sizes, with `adapt_filename`, the fine-tune to try first
        (`FINE_TUNE_RULE`), and `reason`, a line for people.
    """
    files = pretrained_files(frame[frame["ds"] == ds])
    if files.empty:
        return files.assign(adapt_filename="", reason="")
    best = files.drop_duplicates("name")
    chosen = best.assign(
        adapt_filename=[_first_to_try(frame, str(name)) for name in best["filename"]],
        reason=[_reason(row, files[files["name"] == row["name"]]) for _, row in best.iterrows()],
    )
    return chosen.sort_values("name", kind="stable").reset_index(drop=True)


def best_fine_tune(frame: pd.DataFrame, filename: str, *, adapt_ds: str = DEFAULT_ADAPT_DS) -> pd.Series | None:
    """Choose one fine-tune of a pre-trained file by `FINE_TUNE_RULE`; None if it has none on that data set.

    Raises:
        UnknownName: no such pre-trained file.
    """
    rows = fine_tunes(frame, filename)
    rows = rows[rows["adapt_ds"] == adapt_ds]
    if rows.empty:
        return None
    listed = f"{filename}--{RECOMMENDED_FINE_TUNES.get(filename, '')}"
    unknown = bool(rows["adapt_final_val"].isna().any())
    keys = pd.DataFrame(
        {
            "listed": (rows["adapt_filename"] == listed) & unknown,
            "value": rows["adapt_final_val"],
            "resolution": rows["adapt_resolution"],
            "name": rows["adapt_filename"],
        }
    )
    order = keys.sort_values(["listed", "value", "resolution", "name"], ascending=[False, False, False, True])
    return rows.loc[order.index].iloc[0]


def comparability_notes() -> tuple[str, ...]:
    """Say which accuracies must not be compared, as sentences."""
    return (
        "Upstream accuracies compare only within one pre-training set: each is measured on held-out images of its own "
        "set, of 21,843 classes for ImageNet-21k (24 to 52 %) and of 1,000 for ImageNet-1k (61 to 83 %).",
        "ImageNet validation accuracies of models pre-trained on ImageNet-21k are too high, because that set contains "
        "ImageNet's training images, from which the validation images were taken; use the test accuracy.",
        "Where the source says figure 4, the upstream accuracy is a whole per cent and presumably that of the better "
        "of two weight decays.",
    )


def _first_to_try(frame: pd.DataFrame, filename: str) -> str:
    for adapt_ds in (DEFAULT_ADAPT_DS, *frame["adapt_ds"].cat.categories):
        found = best_fine_tune(frame, filename, adapt_ds=str(adapt_ds))
        if found is not None:
            return str(found["adapt_filename"])
    return ""


def _reason(row: pd.Series, rivals: pd.DataFrame) -> str:
    """Say in a line why `row` was chosen among `rivals`, the files of its model and pre-training set."""
    among = f"its {len(rivals)} files pre-trained on {label_of('ds', row['ds'])}"
    if pd.isna(row["final_val"]):
        return f"No upstream accuracy is known of {among}; the first by name."
    value = percent(float(row["final_val"]), whole=row["final_val_source"] == ROUNDED)
    if len(rivals) == 1:
        return f"The only file pre-trained on {label_of('ds', row['ds'])}: {value} upstream."
    rank = points(rivals)
    equals = int((rank == rank[rivals["filename"] == row["filename"]].iloc[0]).sum()) - 1
    precision = " in whole per cents" if (rivals["final_val_source"] == ROUNDED).any() else ""
    shared = f" (equal{precision} with {equals} other{'s' if equals > 1 else ''})" if equals else ""
    listed = "; the authors recommend it" if is_recommended(pd.Series([row["filename"]])).all() else ""
    return f"Highest upstream accuracy of {among}: {value}{shared}{listed}."
