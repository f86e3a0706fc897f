"""What the machine can do at best, as measured here: products of matrices, copies of memory.

A figure says little by itself; its share of these says how much is left to gain on this machine.
"""

import jax
import jax.numpy as jnp
import numpy as np

from vit_core.bench.windows import Window, rate

MATRIX = "matrix product"
COPY = "memory copy"
_SIDE = {"cpu": 1536}  # of the matrices; enough to fill a device
_SIDE_OF_ACCELERATOR = 8192
# On an accelerator several products are asked for before one is waited for, or the time to ask would be measured.
_TIMES = {"cpu": 1}
_TIMES_OF_ACCELERATOR = 10
_COPIED = 128_000_000  # bytes, more than any cache


def matrix_product(device: jax.Device, *, dtype: str, side: int | None = None, at_least_s: float) -> Window:
    """Give a window of GFLOP/s of a square product.

    Args:
        device: where.
        dtype: of the factors.
        side: of the matrices; None takes one that fills the device.
        at_least_s: length of a window.
    """
    side = side or _SIDE.get(device.platform, _SIDE_OF_ACCELERATOR)
    times = _TIMES.get(device.platform, _TIMES_OF_ACCELERATOR)
    factor = jax.device_put(np.full((side, side), 1 / side, np.float32), device).astype(dtype)
    product = jax.jit(jnp.dot).lower(factor, factor).compile()

    def work() -> None:
        for result in [product(factor, factor) for _ in range(times)]:
            result.block_until_ready()

    return rate(work, amount=times * 2 * side**3 / 1e9, at_least_s=at_least_s)


def gflop_of_product(platform: str) -> float:
    """Give the GFLOP of what a window of `matrix_product` repeats on "cpu" or "gpu"."""
    return _TIMES.get(platform, _TIMES_OF_ACCELERATOR) * 2 * _SIDE.get(platform, _SIDE_OF_ACCELERATOR) ** 3 / 1e9


def memory_copy(*, size_bytes: int = _COPIED, at_least_s: float) -> Window:
    """Give a window of bytes per second of a copy in the host's memory."""
    source = np.ones(size_bytes, np.uint8)
    target = np.empty_like(source)
    return rate(lambda: np.copyto(target, source), amount=size_bytes, at_least_s=at_least_s)
