"""One update: against the same formulas in float64, in parts, and with each of the options."""

import dataclasses
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_steps import equal, steps

from vit_core.checkpoints.restore import init_params
from vit_core.errors import BadSetting
from vit_core.models.build import flatten
from vit_core.training import step as step_module
from vit_core.training.step import TrainBatch, Trainer, compute_dtype

NOISE = {"dropout": 0.2, "stochastic_depth": 0.3}


@dataclasses.dataclass(frozen=True)
class Features:
    """A batch of what the head reads."""

    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def assert_trees_close(first, second, *, atol):
    for path, leaf in flatten(first).items():
        np.testing.assert_allclose(np.asarray(leaf), np.asarray(flatten(second)[path]), atol=atol, rtol=0, err_msg=path)


def layer_norm(tokens, params):
    centred = tokens - tokens.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * params["scale"] + params["bias"]


def plain_vit(params, images):
    """Equations 1 to 4 of arXiv 2010.11929, without a word of the product's model."""
    B, D = len(images), params["cls"].shape[-1]
    patches = images.reshape(B, 4, 4, 4, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(B, 16, 48)
    tokens = patches @ params["embedding"]["kernel"].reshape(48, D) + params["embedding"]["bias"]
    tokens = jnp.concatenate([jnp.broadcast_to(params["cls"], (B, 1, D)), tokens], 1) + params["pos_embedding"]
    for _, block in sorted(params["blocks"].items()):
        normal, attention = layer_norm(tokens, block["norm1"]), block["attention"]
        query, key, value = (
            jnp.einsum("bnd,dhk->bhnk", normal, attention[name]["kernel"]) + attention[name]["bias"][None, :, None]
            for name in ("query", "key", "value")
        )
        probs = jax.nn.softmax(query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1]))
        mixed = jnp.einsum("bhnk,hkd->bnd", probs @ value, attention["out"]["kernel"]) + attention["out"]["bias"]
        tokens = tokens + mixed
        dense1, dense2 = block["mlp"]["dense1"], block["mlp"]["dense2"]
        hidden = jax.nn.gelu(layer_norm(tokens, block["norm2"]) @ dense1["kernel"] + dense1["bias"], approximate=True)
        tokens = tokens + hidden @ dense2["kernel"] + dense2["bias"]
    return layer_norm(tokens, params["norm"])[:, 0] @ params["head"]["kernel"] + params["head"]["bias"]


def plain_steps(params, batches, *, rates, clip):
    """SGD with momentum 0.9 on the mean cross-entropy, all in float64; gives parameters, losses, gradient norms."""

    def loss(params, images, targets):
        logits = plain_vit(params, (images.astype(jnp.float64) - 127.5) / 127.5)
        return -(targets * jax.nn.log_softmax(logits)).sum(-1).mean()

    with jax.enable_x64(True):
        gradient = jax.jit(jax.value_and_grad(loss))
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
        momentum, losses, norms = jax.tree.map(jnp.zeros_like, params), [], []
        for batch, rate in zip(batches, rates, strict=True):
            value, grads = gradient(params, batch.images, batch.targets)
            norm = np.sqrt(sum(float((leaf**2).sum()) for leaf in jax.tree.leaves(grads)))
            momentum = jax.tree.map(lambda m, g: 0.9 * m + g * min(1, clip / norm), momentum, grads)  # noqa: B023
            params = jax.tree.map(lambda p, m: p - rate * m, params, momentum)  # noqa: B023
            losses.append(float(value))
            norms.append(norm)
        assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float64")}
        return jax.tree.map(np.asarray, params), losses, norms


def test_steps_are_those_of_a_plain_transformer_in_float64(make_trainer, make_batch, random_params):
    batches = [make_batch(seed) for seed in range(3)]

    state, told = steps(make_trainer(clip_norm=0.5), random_params, batches)

    rates = [0.1 * 0.5 * (1 + np.cos(np.pi * step / 20)) for step in range(3)]
    expected, losses, norms = plain_steps(random_params, batches, rates=rates, clip=0.5)
    # A weight of size 1 has float32 steps of 1e-7, and a gradient clipped to 0.5 is a sum of some hundred products.
    assert_trees_close(state.trained, expected, atol=2e-6)
    np.testing.assert_allclose([metrics.loss for metrics in told], losses, rtol=1e-5)
    np.testing.assert_allclose([metrics.grad_norm for metrics in told], norms, rtol=1e-5)
    np.testing.assert_allclose([metrics.learning_rate for metrics in told], rates, rtol=1e-6)
    moved = max(np.abs(leaf - flatten(random_params)[path]).max() for path, leaf in flatten(expected).items())
    assert moved > 0.01  # thousands of times the tolerance


@pytest.mark.parametrize("noise", [{}, NOISE], ids=["plain", "noisy"])
def test_eight_parts_give_the_update_of_one(make_trainer, make_batch, random_params, noise):
    batches = [make_batch(seed) for seed in range(3)]

    whole, _ = steps(make_trainer(**noise), random_params, batches)
    parts, _ = steps(make_trainer(accum_steps=8, **noise), random_params, batches)

    # The same terms are added in another order; the unclipped gradients are of size 10.
    assert_trees_close(parts.trained, whole.trained, atol=5e-6)


def test_parts_tell_the_loss_and_accuracy_of_the_whole_batch(make_trainer, make_batch, random_params):
    _, [whole] = steps(make_trainer(), random_params, [make_batch()])
    _, [parts] = steps(make_trainer(accum_steps=8), random_params, [make_batch()])

    assert parts == pytest.approx(whole, rel=1e-5)


def test_same_steps_twice_give_the_same_bits(make_trainer, make_batch, random_params):
    batches = [make_batch(seed) for seed in range(3)]

    first, _ = steps(make_trainer(**NOISE), random_params, batches)
    second, _ = steps(make_trainer(**NOISE), random_params, batches)

    assert equal(first, second)


@pytest.mark.parametrize("trainable", ["head", "last-1"])
def test_frozen_parts_keep_every_bit_and_the_optimizer_remembers_nothing_of_them(
    make_trainer, make_batch, random_params, trainable
):
    state, _ = steps(make_trainer(trainable=trainable), random_params, [make_batch(seed) for seed in range(3)])

    before = flatten(random_params)
    frozen, trained = flatten(state.frozen), flatten(state.trained)
    assert set(frozen) | set(trained) == set(before)
    assert all(np.array_equal(leaf, before[path]) for path, leaf in frozen.items())
    assert not any(np.array_equal(leaf, before[path]) for path, leaf in trained.items())
    remembered = sum(leaf.size for leaf in jax.tree.leaves(state.opt_state) if leaf.ndim)
    assert remembered == sum(leaf.size for leaf in trained.values())


def test_last_blocks_move_as_they_would_with_all(make_trainer, make_batch, random_params):
    some, _ = steps(make_trainer(trainable="last-1"), random_params, [make_batch()])
    all_, _ = steps(make_trainer(trainable="all"), random_params, [make_batch()])

    moved = flatten(all_.trained)
    for path, leaf in flatten(some.trained).items():
        np.testing.assert_allclose(leaf, moved[path], atol=1e-6, err_msg=path)


def test_head_learns_from_features_what_it_learns_from_their_images(make_trainer, make_batch, random_params):
    batches = [make_batch(seed) for seed in range(3)]
    trainer = make_trainer(trainable="head")
    start = trainer.init(random_params)
    features = [Features(trainer.features(start, batch.images), batch.targets, batch.weights) for batch in batches]
    assert all(isinstance(batch, TrainBatch) for batch in features)

    from_features, _ = steps(make_trainer(trainable="head"), random_params, features)
    from_images, _ = steps(make_trainer(trainable="head"), random_params, batches)

    assert_trees_close(from_features.trained, from_images.trained, atol=2e-6)  # features of size 1, some hundred terms


def test_features_and_images_give_the_same_answers(make_trainer, make_batch, random_params):
    trainer, batch = make_trainer(), make_batch()

    features = trainer.features(random_params, batch.images)

    answers = trainer.predict(random_params, batch.images)
    np.testing.assert_allclose(trainer.predict(random_params, features), answers, atol=1e-5)


def test_loss_is_the_smoothed_weighted_cross_entropy(make_trainer, make_batch, random_params):
    weights = np.linspace(0.5, 1.5, 8, dtype=np.float32)
    batch = make_batch(weights=weights)
    trainer = make_trainer(label_smoothing=0.2)
    logits = np.asarray(trainer.predict(random_params, batch.images), np.float64)

    _, [told] = steps(trainer, random_params, [batch])

    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    smoothed = batch.targets * 0.8 + 0.2 / 10
    assert told.loss == pytest.approx((-(smoothed * log_probs).sum(-1) * weights).mean(), rel=1e-5)
    assert told.accuracy == (logits.argmax(-1) == batch.targets.argmax(-1)).mean()


def test_image_of_weight_zero_counts_for_nothing(make_trainer, make_batch, random_params):
    batch = make_batch()
    weights = np.array([1, 1, 1, 1, 1, 1, 0, 0], np.float32)
    other = batch.images.copy()
    other[6:] = 255 - other[6:]

    first, [told] = steps(make_trainer(), random_params, [make_batch(weights=weights)])
    second, [told_again] = steps(make_trainer(), random_params, [make_batch(weights=weights, images=other)])

    assert told == told_again
    assert equal(first.trained, second.trained)


def test_heavier_class_pulls_harder(make_trainer, make_batch, random_params):
    batch = make_batch()
    rare = batch.targets.argmax(-1) == batch.targets.argmax(-1)[0]
    heavy = np.where(rare, 4, 1).astype(np.float32)
    trainer = make_trainer()

    even, _ = steps(trainer, random_params, [batch])
    uneven, _ = steps(trainer, random_params, [make_batch(weights=heavy)])

    label = batch.targets.argmax(-1)[0]
    chances = [jax.nn.softmax(trainer.predict(state, batch.images[rare]))[:, label].mean() for state in (even, uneven)]
    assert chances[1] > chances[0]


def test_gradient_is_told_before_the_clip_and_applied_after_it(make_trainer, make_batch, random_params):
    state, [told] = steps(make_trainer(clip_norm=0.5), random_params, [make_batch()])

    moved = jax.tree.map(lambda new, old: np.asarray(new, np.float64) - old, state.trained, random_params)
    length = np.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(moved)))
    assert told.grad_norm > 1
    assert length == pytest.approx(0.1 * 0.5, rel=1e-4)


def test_nothing_is_compiled_after_the_first_step(make_trainer, make_batch, random_params, caplog):
    trainer = make_trainer(ema_decay=0.15)
    state, _ = trainer.step(trainer.init(random_params), make_batch(0))

    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        for seed in range(3):
            state, _ = trainer.step(state, make_batch(seed))

    assert [record.message for record in caplog.records if "ompil" in record.message] == []


def test_arrays_of_a_state_are_used_up_by_the_next_step(make_trainer, make_batch, random_params, recwarn):
    trainer = make_trainer(ema_decay=0.15)
    first, _ = trainer.step(trainer.init(random_params), make_batch(0))

    trainer.step(first, make_batch(1))

    used = (first.step, first.trained, first.opt_state, first.ema)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(used))
    assert [str(warning.message) for warning in recwarn] == []


def test_first_step_of_a_trainer_leaves_the_state_so_that_it_can_be_tried_again(
    make_trainer, make_batch, random_params
):
    start, _ = steps(make_trainer(), random_params, [make_batch(0)])

    first, _ = make_trainer.fresh(accum_steps=8).step(start, make_batch(1))
    again, _ = make_trainer(accum_steps=8).step(start, make_batch(1))

    assert int(first.step) == 2
    assert equal(first, again)


def test_metrics_are_left_on_the_device(make_trainer, make_batch, random_params):
    trainer = make_trainer()

    _, metrics = trainer.step(trainer.init(random_params), make_batch())

    assert all(isinstance(value, jax.Array) and value.shape == () for value in metrics)


def test_noise_differs_from_step_to_step(make_trainer, make_batch, random_params):
    trainer = make_trainer(**NOISE)
    start = trainer.init(random_params)
    later = trainer.init(random_params)._replace(step=trainer.place(np.int32(7)))

    first, second = (trainer.step(state, make_batch())[1].loss for state in (start, later))

    assert float(first) != float(second)


def test_answers_are_free_of_noise(make_trainer, make_batch, random_params):
    images = make_batch().images

    noisy = make_trainer(**NOISE).predict(random_params, images)

    assert np.array_equal(noisy, make_trainer().predict(random_params, images))


def test_recomputing_gives_the_same_update(make_trainer, make_batch, random_params):
    batches = [make_batch(seed) for seed in range(2)]

    kept, _ = steps(make_trainer(**NOISE), random_params, batches)
    recomputed, _ = steps(make_trainer(remat=True, **NOISE), random_params, batches)

    assert_trees_close(recomputed.trained, kept.trained, atol=5e-6)  # the compiler fuses differently


def test_loss_that_is_no_number_shows_in_loss_and_gradient(make_trainer, make_batch, random_params):
    broken = {**random_params, "cls": random_params["cls"] * np.nan}

    _, [told] = steps(make_trainer(clip_norm=0.5), broken, [make_batch()])

    assert not np.isfinite(told.loss)
    assert not np.isfinite(told.grad_norm)


def test_batch_that_does_not_divide_into_the_parts_is_refused(make_trainer):
    with pytest.raises(BadSetting, match="batch is 8, which does not divide into accum_steps = 3 parts"):
        make_trainer(accum_steps=3)


def test_more_blocks_than_the_model_has_are_refused(make_trainer, random_params):
    with pytest.raises(BadSetting, match="this model has 2 blocks"):
        make_trainer(trainable="last-3").init(random_params)


def test_hybrid_learns(train_config, tiny_hybrid_config, make_batch):
    config = dataclasses.replace(train_config, resolution=32, learning_rate=0.03)
    trainer = Trainer(config, tiny_hybrid_config, devices=jax.devices("cpu")[:1], accum_steps=2, num_classes=10)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)

    _, told = steps(trainer, init_params(tiny_hybrid_config, seed=0), [make_batch(images=images)] * 8)

    assert told[-1].loss < 0.7 * told[0].loss


def test_cpus_compute_in_float32_and_accelerators_in_bfloat16():
    assert [compute_dtype(platform) for platform in ("cpu", "gpu", "tpu")] == ["float32", "bfloat16", "bfloat16"]


def test_update_in_bfloat16_keeps_weights_in_float32_and_is_near(make_trainer, make_batch, random_params, monkeypatch):
    exact, _ = steps(make_trainer(clip_norm=0.5), random_params, [make_batch()])
    monkeypatch.setattr(step_module, "compute_dtype", lambda platform: "bfloat16")  # as on a device that is not here
    trainer = make_trainer.fresh(clip_norm=0.5)

    rough, _ = steps(trainer, random_params, [make_batch()])

    assert trainer.dtype == "bfloat16"
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(rough.trained)} == {"float32"}
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(rough.opt_state) if leaf.ndim} == {"bfloat16"}
    # An update of length 0.05, of which bfloat16 keeps two digits or three.
    assert_trees_close(rough.trained, exact.trained, atol=5e-3)
