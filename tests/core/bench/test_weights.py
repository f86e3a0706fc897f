"""Random weights at published shapes are checkpoints that the product takes."""

import numpy as np
import pytest

from vit_core.bench.weights import model_config, random_checkpoint, random_images
from vit_core.errors import UnknownName
from vit_core.inference.predictor import load_predictor


def test_a_random_checkpoint_names_classes_with_finite_numbers_of_order_1(tmp_path):
    config = model_config("R+Ti/16", resolution=32, num_classes=10)

    predictor = load_predictor(random_checkpoint(config, tmp_path / "model.npz"), device="cpu")
    logits = predictor.run(random_images(1, predictor.resolution)).logits

    assert predictor.head == "kept"
    assert 0.01 < np.abs(logits).max() < 100


def test_an_unknown_model_is_told_with_close_names():
    with pytest.raises(UnknownName, match="B/16"):
        model_config("B/15")
