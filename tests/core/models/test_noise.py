"""Randomness while training: how much is blanked, for whom, and that nothing is without it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vit_core.models.build import Noise, build, forward


@pytest.fixture
def images(tiny_config):
    side = tiny_config.resolution
    return np.random.default_rng(3).uniform(-1, 1, size=(6, side, side, 3)).astype(np.float32)


@pytest.fixture
def params(tiny_config):
    draw = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: draw.normal(size=leaf.shape).astype(np.float32) / 4, build(tiny_config)[1])


@pytest.fixture
def logits(tiny_config, params):
    """Give a function from images, noise and more to logits."""
    graphdef = build(tiny_config)[0]
    return lambda images, noise=None, **more: np.asarray(forward(graphdef, params, images, noise=noise, **more).logits)


def keys(count, seed=0):
    return jax.random.split(jax.random.key(seed), count)


def test_noise_of_zero_is_no_noise_to_the_bit(logits, images):
    assert np.array_equal(logits(images, Noise(key=keys(6))), logits(images))


@pytest.mark.parametrize("kind", [{"dropout": 0.2}, {"stochastic_depth": 0.5}], ids=str)
def test_noise_changes_answers_and_depends_on_the_key_alone(logits, images, kind):
    first, again, other = (logits(images, Noise(key=keys(6, seed), **kind)) for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, logits(images))


def test_noise_of_an_image_does_not_depend_on_the_others(logits, images):
    noise = {"dropout": 0.2, "stochastic_depth": 0.5}

    together = logits(images, Noise(key=keys(6), **noise))
    apart = [logits(images[part], Noise(key=keys(6)[part], **noise)) for part in (slice(0, 2), slice(2, 6))]

    np.testing.assert_allclose(np.concatenate(apart), together, atol=1e-6)  # products of other sizes round differently


def test_dropout_blanks_its_share_and_keeps_the_expectation():
    values = jnp.ones((8, 50, 25))

    dropped = np.asarray(Noise(key=keys(8), dropout=0.2).drop(values, site=0))

    assert set(np.unique(dropped)) == {0, np.float32(1.25)}
    # 10,000 draws: the share deviates by 0.004 (one sigma).
    assert (dropped == 0).mean() == pytest.approx(0.2, abs=0.016)


def test_skipping_blanks_whole_branches_of_some_images_and_keeps_the_expectation():
    skipped = np.asarray(Noise(key=keys(2000), stochastic_depth=0.25).skip(jnp.ones((2000, 2, 3)), site=0))

    first = skipped[:, 0, 0]
    assert (skipped == first[:, None, None]).all()
    assert set(np.unique(first)) == {0, np.float32(1 / 0.75)}
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.04)  # one sigma is 0.01


def test_places_in_a_model_draw_apart():
    noise, values = Noise(key=keys(4), dropout=0.5), jnp.ones((4, 10, 10))

    draws = [noise.drop(values, site=0), noise.drop(values, site=1), noise.in_block(0, 2).drop(values, site=0)]

    assert not any(np.array_equal(draws[a], draws[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_chance_to_be_skipped_rises_linearly_with_depth():
    noise = Noise(key=keys(1), stochastic_depth=0.3)

    assert [noise.in_block(index, 4).stochastic_depth for index in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_only_block_of_a_model_is_never_skipped():
    assert Noise(key=keys(1), stochastic_depth=0.3).in_block(0, 1).stochastic_depth == 0


def test_recomputing_changes_no_answer(logits, images):
    np.testing.assert_allclose(logits(images, remat=True), logits(images), atol=1e-6)  # fused differently


def test_recomputing_takes_less_memory_for_a_gradient(tiny_config, params):
    images = np.zeros((64, 16, 16, 3), np.float32)
    graphdef = build(tiny_config)[0]

    def memory(remat):
        loss = jax.grad(lambda params: forward(graphdef, params, images, remat=remat).logits.sum())
        return jax.jit(loss).lower(params).compile().memory_analysis().temp_size_in_bytes

    assert memory(True) < 0.8 * memory(False)  # of two blocks; the more there are, the less is left
