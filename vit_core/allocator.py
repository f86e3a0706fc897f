"""Memory that one step gives back is kept for the next, where the CPU computes and the C library is glibc.

XLA's programs for CPUs ask for all their working memory at once, hundreds of megabytes, and give it back after each
step. glibc hands blocks of that size to the system at once, which clears them and maps them anew, 4 kB at a time: at
Ti/16 and a batch of 32, 490,000 page faults and 0.9 of 4.3 CPU seconds for a step in one part, 120,000 and 0.26 of 3.4
in four. Kept, there are none: 17.3 images/s became 19.5 (two cores, four parts). The price: where something small
comes to lie in the gap that a step leaves, the heap grows by it once more, from 1.0 GB to 1.5 at the most seen.

The options are those of `man 3 mallopt`. A process has to ask before its threads do: the kept memory is of the main
arena alone, which every thread then shares and waits for. Forward passes therefore do without: four images at a time
ask for little, and one image through Ti/16 took a tenth longer. Huge pages were tried, too (`glibc.malloc.hugetlb`): on
their own they took longer than the faults, and with the memory kept they change nothing. No JAX here.
"""

import ctypes
import importlib.util
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # malloc.h
_NEVER = -1  # the largest number, once it is unsigned
_OPTIONS = {_ARENA_MAX: 1, _MMAP_MAX: 0, _TRIM_THRESHOLD: _NEVER}
# The environment of a process that computes nothing: few arenas, and whatever is large goes back at once.
FRUGAL: Mapping[str, str] = MappingProxyType({"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1000000"})
# Set by people who know better; not the variables of `FRUGAL`, which a child of the web process might inherit.
_OWN_CHOICES = ("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_")
_ACCELERATORS = ("jax_plugins", "libtpu")  # packages by which JAX finds anything but CPUs


def keep_freed_memory(device: str) -> bool:
    """Let this process keep what it frees, if it will compute on the CPU; before JAX or anything else starts threads.

    Args:
        device: "auto", "cpu", "gpu" or "tpu"; "auto" is the CPU where JAX has no package for an accelerator.

    Returns:
        Whether it will; not where the C library is another, or the environment says how it shall allocate.
    """
    if not (_computes_on_cpu(device) and _is_free_to_choose(os.environ)):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return all(library.mallopt(option, value) == 1 for option, value in _OPTIONS.items())


def without_frugality(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the environment for a process that computes, started by one that is `FRUGAL`."""
    return {name: value for name, value in environment.items() if FRUGAL.get(name) != value}


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
