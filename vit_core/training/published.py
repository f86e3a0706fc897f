"""The published fine-tunes of a checkpoint, and which of them is the example to follow. No JAX here.

Knows how many images each published set was trained on. Scores come from the catalogue; where it has none, the
paper's grid of learning rates and lengths stands in.
"""

import dataclasses
import math
import types
from collections.abc import Mapping

import pandas as pd

WORTH = 0.01  # a longer schedule must gain this much validation accuracy to be proposed


@dataclasses.dataclass(frozen=True)
class PublishedSet:
    """A data set that checkpoints were fine-tuned on.

    Attributes:
        label: for people.
        num_train: images that were learned from.
        batch: images per update.
        steps: the shortest published schedule.
        learning_rate: to start from where no scores are known.
    """

    label: str
    num_train: int
    batch: int
    steps: int
    learning_rate: float


# Images to learn from: the splits of google-research/vision_transformer (vit_jax/configs/common.py and augreg.py) in
# the counts of TensorFlow Datasets: ImageNet 99 % of 1,281,167; CIFAR-100 98 % of 50,000; RESISC45 60 % of 31,500;
# Pets 90 % of 3,680; KITTI's own 6,347. Schedules: arXiv 2106.10270, table 4. Learning rates: the middle ones of that
# table, 0.003 for the short schedules of small sets (the best of Pets in data/augreg/published_rows.csv). The last two
# sets are the demo's: data/demo/README.md.
SETS: Mapping[str, PublishedSet] = types.MappingProxyType(
    {
        "imagenet2012": PublishedSet("ImageNet-1k", 1_268_355, 512, 20_000, 0.01),
        "cifar100": PublishedSet("CIFAR-100", 49_000, 512, 2_500, 0.01),
        "resisc45": PublishedSet("RESISC45", 18_900, 512, 2_500, 0.01),
        "kitti": PublishedSet("KITTI", 6_347, 512, 500, 0.003),
        "oxford_iiit_pet": PublishedSet("Oxford-IIIT Pets", 3_312, 512, 500, 0.003),
        "shapes": PublishedSet("the demo's drawn shapes", 3_600, 64, 500, 0.1),
        "digits": PublishedSet("the demo's handwritten digits", 1_197, 64, 500, 0.03),
    }
)
_COLLECTION = ("imagenet2012", "cifar100", "resisc45", "kitti", "oxford_iiit_pet")


@dataclasses.dataclass(frozen=True)
class Sister:
    """The published fine-tune to follow.

    Attributes:
        label: of its data set, for people.
        num_train: images that it learned from.
        batch: images per update.
        learning_rate: the highest.
        steps: updates.
        resolution: in pixels; 0 where no scores are known.
        accuracy: on its validation part, or its test part where only that is known; None where no scores are known.
    """

    label: str
    num_train: int
    batch: int
    learning_rate: float
    steps: int
    resolution: int = 0
    accuracy: float | None = None

    @property
    def epochs(self) -> float:
        """How often each image was seen."""
        return self.steps * self.batch / self.num_train


def nearest_sister(sisters: pd.DataFrame | None, *, num_train: int, resolution: int) -> Sister:
    """Choose the published fine-tune to follow.

    The data set nearest in number of images (by ratio) counts, and in it the rows of the resolution if there are any.
    Of these, the shortest schedule whose best accuracy is within `WORTH` of the best of all; in it the best accuracy,
    then the smaller resolution, then the lower learning rate. Without scores on that set it is the paper's grid.

    Args:
        sisters: the catalogue's fine-tunes of one pre-trained file, or None.
        num_train: images to learn from.
        resolution: in pixels.
    """
    name = min(_sets(sisters), key=lambda name: abs(math.log(SETS[name].num_train / max(num_train, 1))))
    published, rows = SETS[name], _scored(sisters)
    rows = rows[rows["adapt_ds"] == name]
    if rows.empty:
        return Sister(published.label, published.num_train, published.batch, published.learning_rate, published.steps)
    same = rows[rows["adapt_resolution"] == resolution]
    row = _shortest_good(rows if same.empty else same)
    return Sister(
        published.label,
        published.num_train,
        published.batch,
        float(row["adapt_lr"]),
        int(row["adapt_steps"]),
        int(row["adapt_resolution"]),
        float(row["score"]),
    )


def gain_of_resolution(sisters: pd.DataFrame | None, resolution: int) -> tuple[int, float, float] | None:
    """Tell what the next larger published resolution is worth.

    Returns:
        The resolution, the mean over the data sets of how much higher the best accuracy is, and how many times slower
        the model is at it; None where it is not known.
    """
    rows = _scored(sisters)
    larger = rows.loc[rows["adapt_resolution"] > resolution, "adapt_resolution"]
    if larger.empty:
        return None
    here, there = rows[rows["adapt_resolution"] == resolution], rows[rows["adapt_resolution"] == larger.min()]
    gains = (there.groupby("adapt_ds")["score"].max() - here.groupby("adapt_ds")["score"].max()).dropna()
    slower = here["infer_samples_per_sec"].median() / there["infer_samples_per_sec"].median()
    if gains.empty or not math.isfinite(slower):
        return None
    return int(larger.min()), float(gains.mean()), float(slower)


def _sets(sisters: pd.DataFrame | None) -> tuple[str, ...]:
    """Give the sets that a file was fine-tuned on by a known recipe; those of the collection where there is none."""
    names = set() if sisters is None else set(sisters.loc[sisters["adapt_lr"].notna(), "adapt_ds"].dropna().unique())
    return tuple(name for name in SETS if name in names) or _COLLECTION


def _scored(sisters: pd.DataFrame | None) -> pd.DataFrame:
    """Give the rows of known sets with an accuracy, in a column `score`."""
    columns = ["adapt_ds", "adapt_lr", "adapt_steps", "adapt_resolution", "infer_samples_per_sec", "score"]
    if sisters is None or sisters.empty:
        return pd.DataFrame(columns=columns)
    rows = sisters.assign(
        adapt_ds=sisters["adapt_ds"].astype("object"),
        score=sisters["adapt_final_val"].fillna(sisters["adapt_final_test"]),
    )
    whole = rows[["score", "adapt_lr", "adapt_steps", "adapt_resolution"]].notna().all(axis=1)
    return rows.loc[whole & rows["adapt_ds"].isin(SETS), columns]


def _shortest_good(rows: pd.DataFrame) -> pd.Series:
    best = rows.groupby("adapt_steps")["score"].max()
    steps = min(best[best >= best.max() - WORTH].index)
    ordered = rows[rows["adapt_steps"] == steps].sort_values(
        ["score", "adapt_resolution", "adapt_lr"], ascending=[False, True, True]
    )
    row: pd.Series = ordered.iloc[0]
    return row
