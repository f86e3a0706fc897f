"""The releases beside AugReg: a published file each, with its facts and where every number comes from.

Reads the bundled table `data/families/families.csv`. Knows what was published of a file; the shape of its architecture
is for `vit_core.checkpoints.family_shape`, words for people are for `vit_core.catalog.family_words`.
"""

import csv
import dataclasses
import functools
from collections.abc import Mapping
from typing import Literal

from vit_core.errors import BadIndex
from vit_core.settings import bundled_data_dir

TABLE = "families/families.csv"
SOURCE = "families"
"""What the catalogue's column `source` says of these files."""

RELEASES = ("ImageNet-21k", "ImageNet-21k + ImageNet", "SAM", "GSAM", "MLP-Mixer", "big_vision", "timm")
"""The releases in the order in which they are listed, about that of their publication."""

Head = Literal["kept", "zeroed", "missing"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """One published file.

    Attributes:
        name: its full address, by which it is named everywhere.
        release: what it was published with: "SAM", "big_vision".
        architecture: a variant of `vit_core.models.config`.
        label: what tells it from others of its release, "" where the architecture does.
        resolution: side of its input in pixels.
        ds: what it was pre-trained on, a code of `collection.OTHER_SETS`.
        adapt_ds: what it was fine-tuned on, "" where it was not.
        pretrained: the file that it was fine-tuned from, its own name where there is none.
        epochs: length of the pre-training, None where it was not published.
        head: "kept" where it names classes, "zeroed" where it was published with zeros, "missing" without one.
        classes: outputs of the head, 0 without one.
        pre_logits: whether a hidden layer comes before the head.
        class_position: whether the class token has a position embedding of its own.
        scaling: "imagenet" where pixels are scaled by ImageNet's means and standard deviations, "" for [-1, 1].
        params: parameters, counted from the architecture.
        gflops: floating-point operations of one image in 10^9, computed from the architecture.
        size_bytes: of the file.
        size_source: where that was printed, or "computed" (4 bytes per parameter).
        top1: accuracy on ImageNet's validation images, a fraction; None where none was found in print.
        top5: the same for the best five guesses.
        digits: decimals of `top1` in per cent as printed.
        crop: share of the picture's side that was looked at for these accuracies, None where not known.
        accuracy_source: where they were printed.
        hub: the same weights on the Hugging Face Hub, "hf:OWNER/REPO", or "".
        hub_difference: what differs there.
        paper: a key of `PAPERS`.
        licence: SPDX identifier, "" where not known.
        note: what to beware of, sentences.
    """

    name: str
    release: str
    architecture: str
    label: str
    resolution: int
    ds: str
    adapt_ds: str
    pretrained: str
    epochs: float | None
    head: Head
    classes: int
    pre_logits: bool
    class_position: bool
    scaling: str
    params: int
    gflops: float
    size_bytes: int
    size_source: str
    top1: float | None
    top5: float | None
    digits: int
    crop: float | None
    accuracy_source: str
    hub: str
    hub_difference: str
    paper: str
    licence: str
    note: str

    @property
    def is_pickle(self) -> bool:
        """Whether the file is a PyTorch pickle, which this project never opens."""
        return self.name.endswith((".pth", ".bin"))


COLUMNS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Family) if field.name != "digits")
"""The columns of the table; accuracies are per cent there, as printed."""

# Authors, title, year and number as on arXiv; of timm as its CITATION.cff has them.
PAPERS: Mapping[str, str] = {
    "vit": "A. Dosovitskiy, L. Beyer, A. Kolesnikov, D. Weissenborn, X. Zhai et al.: An Image is Worth 16x16 Words: "
    "Transformers for Image Recognition at Scale. ICLR 2021, arXiv:2010.11929.",
    "sam": "X. Chen, C.-J. Hsieh, B. Gong: When Vision Transformers Outperform ResNets without Pre-training or Strong "
    "Data Augmentations. ICLR 2022, arXiv:2106.01548.",
    "gsam": "J. Zhuang, B. Gong, L. Yuan, Y. Cui, H. Adam et al.: Surrogate Gap Minimization Improves Sharpness-Aware "
    "Training. ICLR 2022, arXiv:2203.08065.",
    "mixer": "I. Tolstikhin, N. Houlsby, A. Kolesnikov, L. Beyer et al.: MLP-Mixer: An all-MLP Architecture for "
    "Vision. NeurIPS 2021, arXiv:2105.01601.",
    "plain": "L. Beyer, X. Zhai, A. Kolesnikov: Better plain ViT baselines for ImageNet-1k. 2022, arXiv:2205.01580.",
    "flexivit": "L. Beyer, P. Izmailov, A. Kolesnikov, M. Caron, S. Kornblith et al.: FlexiViT: One Model for All "
    "Patch Sizes. CVPR 2023, arXiv:2212.08013.",
    "deit3": "H. Touvron, M. Cord, H. Jégou: DeiT III: Revenge of the ViT. ECCV 2022, arXiv:2204.07118.",
    "timm": "R. Wightman: PyTorch Image Models. 2019, doi:10.5281/zenodo.4414861.",
}


@functools.lru_cache(maxsize=1)
def families() -> Mapping[str, Family]:
    """Give all files by name, release by release.

    Raises:
        BadIndex: the installation lacks the table, or it is damaged.
    """
    path = bundled_data_dir() / TABLE
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["name"]: read_family(row) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError) as error:
        raise BadIndex(f"The bundled table {path} is missing or damaged; install the project again.") from error


def family_of(name: str) -> Family | None:
    """Give the facts of a file by its full address, None where it is of no release that is listed.

    Example:
        >>> family_of("gs://vit_models/sam/ViT-B_16.npz").release
        'SAM'
    """
    return families().get(name)


def read_family(row: Mapping[str, str]) -> Family:
    """Read one row of the table.

    Raises:
        ValueError: a number or the state of the head is none.
        KeyError: a column is missing.
    """
    return Family(
        **{name: row[name] for name in ("name", "release", "architecture", "label", "ds", "adapt_ds", "pretrained")},
        **{name: row[name] for name in ("scaling", "size_source", "accuracy_source", "hub", "hub_difference")},
        **{name: row[name] for name in ("paper", "licence", "note")},
        head=_head(row["head"]),
        resolution=int(row["resolution"]),
        epochs=_number(row["epochs"]),
        classes=int(row["classes"]),
        pre_logits=row["pre_logits"] == "yes",
        class_position=row["class_position"] != "no",
        params=int(row["params"]),
        gflops=float(row["gflops"]),
        size_bytes=int(row["size_bytes"]),
        top1=_fraction(row["top1"]),
        top5=_fraction(row["top5"]),
        digits=len(row["top1"].partition(".")[2]),
        crop=_number(row["crop"]),
    )


def _head(text: str) -> Head:
    heads: dict[str, Head] = {"kept": "kept", "zeroed": "zeroed", "missing": "missing"}
    return heads[text]


def _number(text: str) -> float | None:
    return float(text) if text else None


def _fraction(text: str) -> float | None:
    return round(float(text) / 100, 6) if text else None
