"""Weights on their way from a file to a device: the same values, and no second copy of them left in memory."""

from pathlib import Path

import jax
import numpy as np
import pytest

from vit_core.checkpoints.arrays import let_go
from vit_core.checkpoints.npz import open_npz
from vit_core.devices import pick_device
from vit_core.inference.placing import place

MEGABYTE = 2**20


@pytest.fixture
def published(tmp_path):
    """Give a file as numpy writes it: its arrays begin at any byte."""
    path = tmp_path / "published.npz"
    values = np.random.default_rng(0).normal(size=(3, MEGABYTE)).astype(np.float32)
    np.savez(path, a=values[0], b=values[1], c=values[2], empty=np.zeros((0, 4), np.float32))
    return path


def resident_bytes(path):
    """Give how much of a mapped file this process holds in memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    return sum(
        int(next(line for line in lines if line.startswith("Rss:")).split()[1]) * 1024
        for line in lines
        if line.endswith(str(path))
    )


def test_weights_keep_their_values_and_the_file_leaves_memory(published):
    file = open_npz(published)
    params = {name: file.read(name) for name in file}
    assert resident_bytes(published) > 11 * MEGABYTE  # its checksums were compared
    assert not all(array.ctypes.data % 64 == 0 for array in params.values())
    placed = place(params, pick_device("cpu"))
    assert resident_bytes(published) < 5 * MEGABYTE  # all but an array that JAX could use where it lies
    with np.load(published) as expected:
        assert jax.tree.all(jax.tree.map(np.array_equal, dict(expected), placed))
        assert jax.tree.all(jax.tree.map(np.array_equal, dict(expected), params))  # mapped again where it is read


def test_letting_go_leaves_other_arrays_alone(published):
    ours = np.arange(10)
    let_go(ours)
    let_go(ours[2:].reshape(2, 4))
    assert ours.tolist() == list(range(10))
    file = open_npz(published)
    copied = np.array(file.read("a"))
    let_go(copied)
    with np.load(published) as expected:
        np.testing.assert_array_equal(copied, expected["a"])


def test_weights_that_are_no_file_are_placed_too():
    placed = place({"one": np.ones(3, np.float32), "none": np.zeros((0, 2), np.float32)}, pick_device("cpu"))
    assert jax.tree.map(lambda array: array.shape, placed) == {"one": (3,), "none": (0, 2)}
