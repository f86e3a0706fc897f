"""RandAugment at the levels of the paper. What each operation does is tested with the demo's script."""

import typing

import numpy as np
import pytest
from PIL import Image

from vit_core.datasets.rand_augment import LEVELS, OPERATIONS, rand_augment
from vit_core.training.config import Augmentation


@pytest.fixture
def photo():
    coarse = Image.fromarray(np.random.default_rng(5).integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((32, 32), Image.Resampling.BICUBIC))


def test_the_levels_are_those_of_the_index():
    assert {name: tuple(level) for name, level in LEVELS.items()} == {
        "none": (0, 0, 0.0),
        "light0": (2, 0, 0.0),
        "light1": (2, 10, 0.2),
        "medium1": (2, 15, 0.2),
        "medium2": (2, 15, 0.5),
        "strong1": (2, 20, 0.5),
        "strong2": (2, 20, 0.8),
    }


def test_every_level_of_the_settings_is_known():
    assert set(LEVELS) == set(typing.get_args(Augmentation))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@pytest.mark.parametrize("magnitude", [0, 10, 15, 20])
def test_every_operation_works_at_every_magnitude(photo, name, magnitude):
    altered = OPERATIONS[name](np.random.default_rng(0), Image.fromarray(photo), magnitude / 10)
    assert (altered.size, altered.mode) == ((32, 32), "RGB")


def test_posterize_keeps_one_bit_at_magnitude_zero_as_in_tensorflow(photo):
    altered = OPERATIONS["Posterize"](np.random.default_rng(0), Image.fromarray(photo), 0.0)
    assert np.array_equal(np.asarray(altered), photo & 0x80)


def test_a_generator_in_the_same_state_alters_alike(photo):
    first, second = (rand_augment(np.random.default_rng(9), photo, layers=2, magnitude=15) for _ in range(2))
    assert np.array_equal(first, second)


def test_images_are_altered_in_many_ways(photo):
    rng = np.random.default_rng(0)
    altered = {rand_augment(rng, photo, layers=2, magnitude=15).tobytes() for _ in range(50)}
    assert len(altered) > 40
