"""Memory of the device: how to tell that it ran out, how much was taken, and how a batch is cut into smaller parts."""

import resource
import sys

import jax

# XLA's status, and the words of CUDA's and cuBLAS's own errors, which arrive as INTERNAL.
_SIGNS = ("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY", "out of memory", "Out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error, or what caused it, is that memory ran out, of the device or of the machine."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return True
        if isinstance(cause, jax.errors.JaxRuntimeError) and any(sign in str(cause) for sign in _SIGNS):
            return True
        cause = cause.__cause__
    return False


def peak_memory_bytes(device: jax.Device) -> int:
    """Give the most memory that was in use so far: of the accelerator, or of this whole process on a CPU."""
    statistics = device.memory_stats() if device.platform != "cpu" else None
    if statistics and "peak_bytes_in_use" in statistics:
        return int(statistics["peak_bytes_in_use"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux kilobytes


def more_parts(batch: int, accum_steps: int) -> int | None:
    """Give the least number of equal parts that is at least twice as many, or None where a part is one image already.

    Example:
        >>> more_parts(12, 2), more_parts(12, 3), more_parts(12, 12)
        (4, 6, None)
    """
    if accum_steps >= batch:
        return None
    return next(parts for parts in range(min(2 * accum_steps, batch), batch + 1) if batch % parts == 0)
