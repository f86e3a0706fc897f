"""Mixup: what is blended with what, and by how much."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.datasets.mixing import blend, blend_targets, draw_share, mixup


@given(alpha=st.floats(0.1, 2), seed=st.integers(0, 2**31))
def test_the_larger_share_stays_with_the_image(alpha, seed):
    share = draw_share(np.random.default_rng(seed), alpha)
    assert 0.5 <= share <= 1
    assert share.dtype == np.float32


def test_a_batch_is_blended_with_the_image_before_each():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    targets = np.eye(5, dtype=np.float32)
    mixed, mixed_targets = mixup(rng, images, targets, alpha=0.5)
    share = mixed_targets[0, 0]
    assert mixed_targets[0].tolist() == pytest.approx([share, 0, 0, 0, 1 - share])
    assert np.allclose(mixed[0], share * images[0] + (1 - share) * images[-1].astype(float), atol=0.51)


def test_images_one_by_one_blend_as_a_batch_does():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    share = np.float32(0.71)
    batch = blend(images, np.roll(images, 1, axis=0), share)
    assert all(np.array_equal(batch[row], blend(images[row], images[row - 1], share)) for row in range(6))


def test_weights_are_blended_as_targets_are():
    weights = np.array([1, 3], np.float32)
    assert blend_targets(weights, np.float32(0.75)).tolist() == [1.5, 2.5]
