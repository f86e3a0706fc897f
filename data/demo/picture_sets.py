"""The three data sets of the demo: their classes, their splits, and each picture as the JPEG a user could upload.

    glyphs   26 letters and 10 patterns, drawn        pre-training
    digits   handwritten digits of scikit-learn       fine-tuning
    shapes   12 shapes, drawn                         fine-tuning

A picture depends on its set, split, class and number alone, so any split can be made again without the others.
"""

import dataclasses
import io
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from pictures import FIGURES, PATTERNS, SHAPES, draw_digit, draw_letter, draw_pattern, draw_shape
from PIL import Image
from sklearn.datasets import load_digits

SEED = 20210618  # the day "How to train your ViT?" appeared
JPEG_QUALITY = 95

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclasses.dataclass(frozen=True)
class PictureSet:
    """One split.

    Attributes:
        names: class names in the order of the classifier's outputs.
        files: a JPEG for each picture.
        labels: int64 [len(files)], indices into `names`.
    """

    names: tuple[str, ...]
    files: tuple[bytes, ...]
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class DrawnSet:
    """A set whose pictures are drawn.

    Attributes:
        draw: for each class name, what draws a picture of it.
        per_class: pictures of each class in each split.
    """

    draw: Mapping[str, Callable[[np.random.Generator], Image.Image]]
    per_class: Mapping[Split, int]


def _drawing(function: Callable[[np.random.Generator, str], Image.Image], kind: str) -> Callable:
    return lambda rng: function(rng, kind)


DRAWN: Mapping[str, DrawnSet] = MappingProxyType(
    {
        "glyphs": DrawnSet(
            draw={
                **{f"letter {letter}": _drawing(draw_letter, letter) for letter in string.ascii_uppercase},
                **{kind: _drawing(draw_pattern, kind) for kind in PATTERNS},
                **{kind: _drawing(draw_shape, kind) for kind in FIGURES},
            },
            per_class={"train": 250, "val": 25, "test": 25},
        ),
        "shapes": DrawnSet(
            draw={kind: _drawing(draw_shape, kind) for kind in SHAPES},
            per_class={"train": 300, "val": 40, "test": 80},
        ),
    }
)
DIGITS = "digits"
DIGIT_COUNTS: Mapping[Split, int] = MappingProxyType({"train": 1197, "val": 200, "test": 400})


def class_names(name: str) -> tuple[str, ...]:
    """Give the class names of "glyphs", "digits" or "shapes" in the order of a classifier's outputs."""
    if name == DIGITS:
        return tuple(f"digit {value}" for value in range(10))
    return tuple(DRAWN[name].draw)


def make_split(name: str, split: Split) -> PictureSet:
    """Make one split of "glyphs", "digits" or "shapes"; the same pictures on every call."""
    names = class_names(name)
    pictures, labels = _digits(split) if name == DIGITS else _drawn(DRAWN[name], name, split)
    return PictureSet(names, tuple(_jpeg(picture) for picture in pictures), np.asarray(labels, np.int64))


def write_labels(folder: Path) -> None:
    """Write `<set>.txt` for each set, one name per line, where the product looks for class names."""
    for name in (*DRAWN, DIGITS):
        (folder / f"{name}.txt").write_text("\n".join(class_names(name)) + "\n", encoding="utf-8")


def _drawn(drawn: DrawnSet, name: str, split: Split) -> tuple[list[Image.Image], list[int]]:
    """Draw class after class; a generator for each picture, so that no picture depends on another."""
    start = [SEED, *name.encode(), SPLITS.index(split)]
    places = [(label, number) for label in range(len(drawn.draw)) for number in range(drawn.per_class[split])]
    draw = tuple(drawn.draw.values())
    pictures = [draw[label](np.random.default_rng([*start, label, number])) for label, number in places]
    return pictures, [label for label, _ in places]


def _digits(split: Split) -> tuple[list[Image.Image], list[int]]:
    """Take a run of the 1797 digits in their own order.

    Neighbours are likely to be of one hand, so a random split would put the same writers into training and test set
    and flatter the figures. Who wrote which digit was not kept.
    """
    digits = load_digits()
    start = sum(DIGIT_COUNTS[before] for before in SPLITS[: SPLITS.index(split)])
    rows = slice(start, start + DIGIT_COUNTS[split])
    return [draw_digit(image) for image in digits.images[rows]], digits.target[rows].tolist()


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
