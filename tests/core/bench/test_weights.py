"""Random weights at published shapes are checkpoints that the product takes."""

import numpy as np
import pytest

from vit_core.bench.weights import model_config, random_checkpoint, random_images
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.errors import UnknownName
from vit_core.models.build import flatten


def test_a_random_checkpoint_is_of_its_architecture_and_has_a_head_that_names_classes(tmp_path):
    config = model_config("R+Ti/16", resolution=32, num_classes=10)

    checkpoint = load_checkpoint(random_checkpoint(config, tmp_path / "model.npz"))

    assert checkpoint.config == config
    assert checkpoint.head == "kept"
    assert all(array.std() > 0 for array in flatten(checkpoint.params).values())


def test_equal_seeds_draw_equal_weights_and_images():
    images = random_images(2, 32)

    assert np.array_equal(images, random_images(2, 32))
    assert images.dtype == np.uint8


def test_an_unknown_model_is_told_with_close_names():
    with pytest.raises(UnknownName, match="B/16"):
        model_config("B/15")
