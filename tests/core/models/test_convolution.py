"""The gradients of convolutions against differences; what they compute is held to plain loops in test_resnet."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from vit_core.models.convolution import convolve


@pytest.mark.parametrize(("size", "window", "stride"), [(8, 7, 2), (7, 7, 2), (6, 3, 2), (5, 3, 1), (6, 1, 2)])
def test_the_gradients_of_a_convolution_are_those_of_what_it_computes(size, window, stride):
    random = np.random.RandomState(3)
    maps = jnp.asarray(random.normal(size=(2, size, size, 3)).astype(np.float32))
    kernel = jnp.asarray(random.normal(size=(window, window, 3, 4)).astype(np.float32))

    def total(maps, kernel):
        return jnp.sin(convolve(jnp.asarray(maps), jnp.asarray(kernel), stride=stride)).sum()

    check_grads(total, (maps, kernel), order=1, modes=["rev"], atol=2e-2, rtol=2e-2)
