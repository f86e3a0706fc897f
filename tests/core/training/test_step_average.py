"""The average of the weights, and what is given out of a state: it stays as it was."""

import jax
import numpy as np
from training_steps import equal, steps

from vit_core.models.build import flatten


def test_average_follows_the_weights_with_the_decay_of_each_step(make_trainer, make_batch, random_params):
    trainer = make_trainer(ema_decay=0.15)
    state = trainer.init(random_params)
    expected = {path: np.asarray(leaf, np.float64) for path, leaf in flatten(random_params).items()}

    for step in range(3):
        state, _ = trainer.step(state, make_batch(step))
        decay = min(0.15, (1 + step) / (10 + step))
        for path, leaf in flatten(state.trained).items():
            expected[path] = decay * expected[path] + (1 - decay) * np.asarray(leaf, np.float64)

    for path, leaf in flatten(state.ema).items():
        np.testing.assert_allclose(np.asarray(leaf), expected[path], atol=1e-6, err_msg=path)


def test_answers_and_parameters_are_those_of_the_average_where_there_is_one(make_trainer, make_batch, random_params):
    trainer = make_trainer(ema_decay=0.15)
    state, _ = steps(trainer, random_params, [make_batch(seed) for seed in range(3)])
    images = make_batch().images

    averaged, latest = trainer.params(state, averaged=True), trainer.params(state, averaged=False)

    assert equal(averaged, state.ema)
    assert equal(latest, state.trained)
    assert np.array_equal(trainer.predict(state, images), trainer.predict(averaged, images))
    assert not np.array_equal(trainer.predict(state, images), trainer.predict(latest, images))


def test_without_an_average_the_parameters_are_the_weights(make_trainer, make_batch, random_params):
    trainer = make_trainer()
    state, _ = steps(trainer, random_params, [make_batch()])

    params = trainer.params(state, averaged=True)

    assert state.ema is None
    assert equal(params, state.trained)
    assert {type(leaf) for leaf in jax.tree.leaves(params)} == {np.ndarray}


def test_parameters_given_out_stay_as_they_are_in_later_steps(make_trainer, make_batch, random_params):
    trainer = make_trainer(trainable="last-1")
    state, _ = steps(trainer, random_params, [make_batch(0), make_batch(1)])
    params = trainer.params(state, averaged=False)
    copies = jax.tree.map(np.copy, params)

    for seed in range(3):
        state, _ = trainer.step(state, make_batch(seed))

    assert equal(params, copies)


def test_weights_that_a_run_starts_from_stay_as_they_are(make_trainer, make_batch, random_params):
    before = jax.tree.map(np.copy, random_params)

    steps(make_trainer(), random_params, [make_batch(seed) for seed in range(3)])

    assert equal(random_params, before)
