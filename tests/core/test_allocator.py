"""Memory that is freed is kept, so that the next step finds it mapped."""

import ctypes
import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource, threading
import numpy as np
from vit_core.allocator import keep_freed_memory

print(keep_freed_memory("{device}"))

def use():
    np.ones(25_000_000)  # 200 MB, as long as the statement

def faults_of_the_third_time():
    use()
    use()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    use()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=faults_of_the_third_time)
thread.start()
thread.join()
"""
needs_glibc = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="of glibc alone"
)


@pytest.fixture
def ask():
    def run(device: str, **environment: str) -> tuple[str, int]:
        inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        answer = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(device=device)],
            env=inherited | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        kept, faults = answer.stdout.split()
        return kept, int(faults)

    return run


@needs_glibc
@pytest.mark.parametrize("inherited", [{}, {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1000000"}])
def test_what_a_thread_frees_is_used_again_without_asking_the_system(ask, inherited):
    kept, faults = ask("cpu", **inherited)
    assert kept == "True"
    assert faults < 100


@pytest.mark.parametrize(
    ("device", "environment"),
    [
        ("gpu", {}),
        ("auto", {"JAX_PLATFORMS": "cuda"}),
        ("cpu", {"GLIBC_TUNABLES": "glibc.malloc.arena_max=4"}),
        ("cpu", {"MALLOC_TRIM_THRESHOLD_": "100000"}),
    ],
)
def test_beside_an_accelerator_and_against_the_users_own_choice_nothing_changes(ask, device, environment):
    kept, faults = ask(device, **environment)
    assert kept == "False"
    assert faults > 100
