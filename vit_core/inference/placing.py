"""Weights from a file to a device, without a second copy of them all in memory."""

from collections.abc import Iterator, Sequence

import jax
import numpy as np

from vit_core.checkpoints.arrays import let_go
from vit_core.models.tree import Params

_AT_A_TIME_BYTES = 128 * 10**6  # smaller groups are slower: JAX copies the arrays of a group side by side


def place(params: Params, device: jax.Device) -> Params:
    """Move weights to a device and wait for them.

    On a CPU, JAX uses arrays of a mapped file where they lie, if they begin where it likes. Those of published files
    seldom do: they are copied, and what was read of the file is let go of, so that the peak stays near the file's size.

    Raises:
        jax.errors.JaxRuntimeError: the device has too little memory.
    """
    leaves, tree = jax.tree.flatten(params)
    placed: list[jax.Array] = []
    for group in _groups(leaves):
        arrays = jax.device_put(group, device)
        for array in arrays:
            array.block_until_ready()
        for leaf, array in zip(group, arrays, strict=True):
            if device.platform != "cpu" or array.unsafe_buffer_pointer() != leaf.ctypes.data:
                let_go(leaf)
        placed += arrays
    whole: Params = jax.tree.unflatten(tree, placed)
    return whole


def _groups(leaves: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
    group: list[np.ndarray] = []
    for leaf in leaves:
        group.append(leaf)
        if sum(each.nbytes for each in group) >= _AT_A_TIME_BYTES:
            yield group
            group = []
    if group:
        yield group
