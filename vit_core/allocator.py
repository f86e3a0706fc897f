"""Memory that one step gives back is kept for the next, where the CPU computes and the C library is glibc.

XLA's programs for CPUs ask for all their working memory at once, hundreds of megabytes, and give it back after each
step. glibc hands blocks of that size to the system at once, which clears them and maps them anew, 4 kB at a time: at
Ti/16 and a batch of 32, 490,000 page faults and 0.9 of 4.3 CPU seconds for a step in one part, 120,000 and 0.26 of 3.4
in four. Kept, there are none: 17.3 images/s became 19.5 (two cores, four parts). The price: where something small
comes to lie in the gap that a step leaves, the heap grows by it once more, from 1.0 GB to 1.5 at the most seen.

The options are those of `man 3 mallopt`. A process has to ask before its threads do: the kept memory is of the main
arena alone, which every thread then shares. Huge pages were tried, too (`glibc.malloc.hugetlb`): on their own they took
longer than the faults, and with the memory kept they change nothing. No JAX here.
"""

import ctypes
import importlib.util
import os
import sys
from collections.abc import Mapping

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # malloc.h
_NEVER = -1  # the largest number, once it is unsigned
_OPTIONS = {_ARENA_MAX: 1, _MMAP_MAX: 0}
# Set by people who know better. MALLOC_ARENA_MAX and MALLOC_MMAP_THRESHOLD_ are not among them: a run that a page
# starts inherits both from the web process, which wants little memory and computes nothing.
_OWN_CHOICES = ("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_")
_ACCELERATORS = ("jax_plugins", "libtpu")  # packages by which JAX finds anything but CPUs


def keep_freed_memory(device: str, *, at_most_bytes: int | None = None) -> bool:
    """Let this process keep what it frees, if it will compute on the CPU; before JAX or anything else starts threads.

    Args:
        device: "auto", "cpu", "gpu" or "tpu"; "auto" is the CPU where JAX has no package for an accelerator.
        at_most_bytes: of free memory at the heap's end, up to 2 GiB; for a process that lives long beside others.

    Returns:
        Whether it will; not where the C library is another, or the environment says how it shall allocate.
    """
    if not (_computes_on_cpu(device) and _is_free_to_choose(os.environ)):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    options = _OPTIONS | {_TRIM_THRESHOLD: _NEVER if at_most_bytes is None else at_most_bytes}
    return all(library.mallopt(option, value) == 1 for option, value in options.items())


def give_back_freed_memory() -> None:
    """Give memory that nothing uses any more back to the system, where the C library can: holes in the heap, too."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _computes_on_cpu(device: str) -> bool:
    told = os.environ.get("JAX_PLATFORMS", "").strip()
    if device == "cpu" or told == "cpu":
        return True
    return device == "auto" and not told and not any(map(importlib.util.find_spec, _ACCELERATORS))


def _is_free_to_choose(environment: Mapping[str, str]) -> bool:
    return sys.platform == "linux" and not any(name in environment for name in _OWN_CHOICES)
