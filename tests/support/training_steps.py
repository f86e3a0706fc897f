"""What tests of the update share: several steps in a row, and whether two trees are the same."""

import jax
import numpy as np


def steps(trainer, params, batches):
    """Give the state after these batches, and the metrics of each step as numbers."""
    state, told = trainer.init(params), []
    for batch in batches:
        state, metrics = trainer.step(state, batch)
        told.append(type(metrics)(*(float(value) for value in metrics)))
    return state, told


def equal(first, second):
    """Whether two trees hold the same bits."""
    return jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(np.asarray(a), np.asarray(b)), first, second))
