"""Which images are learned from and which are tested on.

Each image decides for itself, by a hash of the seed and its own bytes, so that adding or removing others does not move
it: what a model was tested on is not learned from when the set grows. The price is that the share holds on average, not
to the image. Equal bytes draw equally, and near copies draw as one of them does, so a copy does not stand on the other
side. An image moves only when a near copy of it comes or goes, or if it was what kept a part from being empty.
"""

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Mapping

from vit_core.datasets.dataset import DataSet, Example, Part
from vit_core.datasets.near import groups, near_pairs
from vit_core.errors import BadDataset


def with_split(dataset: DataSet, *, seed: int, test_share: float) -> DataSet:
    """Draw the parts anew, class by class.

    A class of two or more different images has at least one on each side; a class of one is learned from. The images
    drawn for a share are among those drawn for a larger share.

    Args:
        dataset: its parts so far do not matter.
        seed: another one draws other images.
        test_share: of each class for testing, between 0 and 1.

    Raises:
        BadDataset: an impossible share.
    """
    if not 0 < test_share < 1:
        raise BadDataset(f"The share for testing is {test_share:g}; it must be between 0 and 1, such as 0.2.")
    speaker = {
        each.sha256: min(one.sha256 for one in group)
        for group in groups(near_pairs(dataset.examples))
        for each in group
    }
    by_class: dict[int, dict[str, float]] = defaultdict(dict)
    for example in dataset.examples:
        by_class[example.label][example.sha256] = draw(seed, speaker.get(example.sha256, example.sha256))
    # In one set for all classes: a picture that lies in several of them has one side in all.
    tested = set().union(*(_tested(drawn, test_share) for drawn in by_class.values()))
    examples = tuple(_put(example, "test" if example.sha256 in tested else "train") for example in dataset.examples)
    return dataclasses.replace(dataset, examples=examples, split="seed", seed=seed, test_share=test_share)


def draw(seed: int, sha256: str) -> float:
    """Give the number from 0 up to 1 that an image draws; it is tested on where that is below the share."""
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _tested(drawn: Mapping[str, float], test_share: float) -> set[str]:
    """Choose from the different images of one class."""
    if len(drawn) < 2:
        return set()
    lowest, highest = (choose(drawn, key=lambda checksum: (drawn[checksum], checksum)) for choose in (min, max))
    return {checksum for checksum in drawn if drawn[checksum] < test_share} - {highest} | {lowest}


def _put(example: Example, part: Part) -> Example:
    return example if example.part == part else dataclasses.replace(example, part=part)
