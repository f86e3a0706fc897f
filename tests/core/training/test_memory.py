"""Memory that runs out, and memory that was taken."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vit_core.training.memory import is_out_of_memory, more_parts, peak_memory_bytes


def test_allocation_that_no_machine_can_serve_counts_as_out_of_memory():
    with pytest.raises(jax.errors.JaxRuntimeError) as raised:
        jnp.zeros((1 << 50,), jnp.uint8).block_until_ready()  # a petabyte

    assert is_out_of_memory(raised.value)


def test_memory_that_runs_out_in_python_counts():
    assert is_out_of_memory(MemoryError())


def test_error_caused_by_a_lack_of_memory_counts():
    error = RuntimeError("the step failed")
    error.__cause__ = MemoryError()

    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [ValueError("out of memory"), jax.errors.JaxRuntimeError("INTERNAL: it broke")])
def test_other_errors_do_not_count(error):
    assert not is_out_of_memory(error)


def test_peak_memory_of_a_cpu_is_that_of_the_process_and_grows_with_what_is_taken():
    device = jax.devices("cpu")[0]
    before = peak_memory_bytes(device)

    taken = np.ones(before + 50_000_000, np.uint8)

    assert before > 10_000_000
    assert peak_memory_bytes(device) >= len(taken)


@pytest.mark.parametrize(("batch", "parts", "more"), [(12, 1, 2), (12, 2, 4), (12, 3, 6), (12, 6, 12), (7, 1, 7)])
def test_next_number_of_parts_at_least_doubles_and_divides_the_batch(batch, parts, more):
    assert more_parts(batch, parts) == more


def test_single_images_cannot_be_cut_further():
    assert more_parts(12, 12) is None
