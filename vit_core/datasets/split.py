"""Which images are learned from and which are tested on.

Each image draws a number by a hash of the seed and its own bytes; of every class the lowest are tested on, as many as
the share says. So a class keeps its share to the image, and when images are added, no more than as many others change
sides: those whose number lies at the border. Near copies draw as one of them does and stand on one side.
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
    """Give the number from 0 up to 1 that an image draws; the lowest of a class are tested on."""
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _tested(drawn: Mapping[str, float], test_share: float) -> set[str]:
    """Choose from the different images of one class: the lowest, cut where no near copies are parted if that can be."""
    order = sorted(drawn, key=lambda checksum: (drawn[checksum], checksum))
    if len(order) < 2:
        return set()
    wanted = min(max(round(test_share * len(order)), 1), len(order) - 1)
    between = [place for place in range(1, len(order)) if drawn[order[place - 1]] != drawn[order[place]]]
    return set(order[: min(between or [wanted], key=lambda place: (abs(place - wanted), place))])


def _put(example: Example, part: Part) -> Example:
    return example if example.part == part else dataclasses.replace(example, part=part)
