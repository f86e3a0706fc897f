"""The update rule against the published formulas, in float64 numpy."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vit_core.training.optim import learning_rate, make_optimizer


@pytest.fixture
def params():
    """A kernel and a bias, as in a model."""
    draw = np.random.default_rng(0)
    return {
        "head": {"kernel": draw.normal(size=(4, 3)).astype(np.float32), "bias": draw.normal(size=3).astype(np.float32)}
    }


@pytest.fixture
def gradients(params):
    """Five gradients, longer than 1."""
    draw = np.random.default_rng(1)
    return [jax.tree.map(lambda leaf: draw.normal(size=leaf.shape).astype(np.float32), params) for _ in range(5)]


def run(config, params, gradients, *, momentum_dtype="float32"):
    """Give the parameters after each update, and the last state."""
    optimizer = make_optimizer(config, momentum_dtype=momentum_dtype)
    state, history = optimizer.init(params), []
    for gradient in gradients:
        updates, state = optimizer.update(gradient, state, params)
        params = jax.tree.map(np.add, params, updates)
        history.append(params)
    return history, state


def published_rate(step, *, peak, warmup, total):
    """vit_jax/utils.py, `create_learning_rate_schedule` with a cosine."""
    progress = min(max((step - warmup) / float(total - warmup), 0.0), 1.0)
    rate = peak * 0.5 * (1.0 + np.cos(np.pi * progress))
    return rate * min(1.0, step / warmup) if warmup else rate


def float64(tree):
    return {name: np.asarray(leaf, np.float64) for name, leaf in tree["head"].items()}


def assert_close(tree, expected):
    """Float32 against float64 after a few updates of size 1: some units in the last place."""
    for name, value in expected.items():
        np.testing.assert_allclose(np.asarray(tree["head"][name]), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("warmup", "total"), [(0, 20), (5, 20), (200, 2500), (500, 20_000)])
def test_learning_rate_is_the_published_curve(train_config, warmup, total):
    config = dataclasses.replace(train_config, learning_rate=0.03, warmup_steps=warmup, total_steps=total)

    rates = learning_rate(config)(jnp.arange(total + 1))

    expected = [published_rate(step, peak=0.03, warmup=warmup, total=total) for step in range(total + 1)]
    # The cosine of a float32 near pi is off by some 1e-7; the peak is 0.03.
    np.testing.assert_allclose(np.asarray(rates), expected, rtol=1e-5, atol=1e-8)


def test_learning_rate_starts_at_zero_with_a_warm_up_and_ends_at_zero(train_config):
    rate = learning_rate(dataclasses.replace(train_config, warmup_steps=5))

    assert (float(rate(0)), float(rate(5)), float(rate(20))) == (0, pytest.approx(0.1), 0)


def test_learning_rate_starts_at_its_peak_without_a_warm_up(train_config):
    assert float(learning_rate(train_config)(0)) == pytest.approx(0.1)


def test_sgd_is_the_original_momentum_with_a_clip_of_the_whole_gradient(train_config, params, gradients):
    config = dataclasses.replace(train_config, clip_norm=1.0, warmup_steps=2)

    history, _ = run(config, params, gradients)

    weights, momentum = float64(params), dict.fromkeys(("kernel", "bias"), 0.0)
    for step, gradient in enumerate(gradients):
        gradient = float64(gradient)
        length = np.sqrt(sum((value**2).sum() for value in gradient.values()))
        rate = published_rate(step, peak=0.1, warmup=2, total=20)
        for name in weights:
            momentum[name] = 0.9 * momentum[name] + gradient[name] * min(1, 1 / length)
            weights[name] = weights[name] - rate * momentum[name]
        assert_close(history[step], weights)


def test_short_gradient_is_not_clipped(train_config, params, gradients):
    short = [jax.tree.map(lambda leaf: leaf / 100, gradients[0])]

    clipped, _ = run(dataclasses.replace(train_config, clip_norm=1.0), params, short)
    free, _ = run(train_config, params, short)

    assert jax.tree.all(jax.tree.map(np.array_equal, clipped, free))


def test_clip_of_zero_is_no_clip(train_config, params, gradients):
    history, _ = run(train_config, params, gradients[:1])

    expected = {name: value - 0.1 * float64(gradients[0])[name] for name, value in float64(params).items()}
    assert_close(history[0], expected)


def test_adamw_is_adam_with_a_decay_of_kernels_alone_times_the_learning_rate(train_config, params, gradients):
    config = dataclasses.replace(train_config, optimizer="adamw", weight_decay=0.1, learning_rate=0.01)

    history, _ = run(config, params, gradients)

    weights = float64(params)
    first, second = dict.fromkeys(weights, 0.0), dict.fromkeys(weights, 0.0)
    for step, gradient in enumerate(gradients):
        rate = published_rate(step, peak=0.01, warmup=0, total=20)
        for name, value in float64(gradient).items():
            first[name] = 0.9 * first[name] + 0.1 * value
            second[name] = 0.999 * second[name] + 0.001 * value**2
            scaled = first[name] / (1 - 0.9 ** (step + 1)) / (np.sqrt(second[name] / (1 - 0.999 ** (step + 1))) + 1e-8)
            decay = 0.1 * weights[name] if name == "kernel" else 0
            weights[name] = weights[name] - rate * (scaled + decay)
        assert_close(history[step], weights)


def test_decay_of_sgd_stays_out_of_the_momentum(train_config, params):
    none = jax.tree.map(np.zeros_like, params)
    config = dataclasses.replace(train_config, weight_decay=0.5)

    history, _ = run(config, params, [none, none])

    first = published_rate(0, peak=0.1, warmup=0, total=20)
    second = published_rate(1, peak=0.1, warmup=0, total=20)
    kernel = float64(params)["kernel"] * (1 - 0.5 * first) * (1 - 0.5 * second)
    assert_close(history[1], {"kernel": kernel, "bias": float64(params)["bias"]})


def test_momentum_can_be_kept_in_bfloat16(train_config, params, gradients):
    history, state = run(train_config, params, gradients[:1], momentum_dtype="bfloat16")

    memory = [leaf for leaf in jax.tree.leaves(state) if leaf.ndim]
    assert {str(leaf.dtype) for leaf in memory} == {"bfloat16"}
    # The first update is the gradient itself: only what is kept for the next one is rounded, as in the original.
    expected = {name: value - 0.1 * float64(gradients[0])[name] for name, value in float64(params).items()}
    assert_close(history[0], expected)


def test_second_moment_of_adamw_stays_float32(train_config, params, gradients):
    config = dataclasses.replace(train_config, optimizer="adamw")

    _, state = run(config, params, gradients[:1], momentum_dtype="bfloat16")

    assert sorted(str(leaf.dtype) for leaf in jax.tree.leaves(state) if leaf.ndim) == ["bfloat16"] * 2 + ["float32"] * 2
