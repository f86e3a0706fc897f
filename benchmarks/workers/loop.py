"""What every contestant's process does: read a command, do it, answer. A JSON object per line, both ways.

    {"do": "prepare", …}                 -> {"ok": …}             whatever compiles and loads, and one warm run
    {"do": "answers", "to": FILE}        -> {"ok": …}             what it computes, for the gate, as .npy
    {"do": "window", "at_least_s": 1.0}  -> {"ok": seconds}       of one run of the work
    {"do": "memory"}                     -> {"ok": bytes}         most that the process ever held

A trouble is answered with {"error": sentence}. Only numpy and the standard library here.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_PR_SET_PDEATHSIG = 1  # man 2 prctl


class Contestant(Protocol):
    """One way to do the work."""

    def prepare(self, spec: dict[str, Any]) -> None:
        """Load and compile what the spec asks for, and run it once."""

    def answers(self) -> np.ndarray:
        """Give what is compared with the others' before anything is timed."""

    def work(self) -> object:
        """Do what is timed, once."""


def serve(contestant: Contestant) -> None:
    """Answer commands until the input ends."""
    _die_with_parent()
    # What libraries print must not come between the answers.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    commands: dict[str, Callable[[dict[str, Any]], object]] = {
        "prepare": contestant.prepare,
        "answers": lambda command: np.save(Path(command["to"]), contestant.answers()),
        "window": lambda command: _seconds_each(contestant.work, float(command["at_least_s"])),
        "memory": lambda _: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer: dict[str, object] = {"ok": commands[command["do"]](command)}
        except Exception as error:  # noqa: BLE001  # the process that asked tells it, and goes on with the others
            answer = {"error": f"{type(error).__name__}: {str(error).strip()[:400]}"}
        replies.write(json.dumps(answer) + "\n")


def _seconds_each(work: Callable[[], object], at_least_s: float) -> float:
    times, began = 0, time.perf_counter()
    while True:
        work()
        times += 1
        elapsed = time.perf_counter() - began
        if elapsed >= at_least_s:
            return elapsed / times


def _die_with_parent() -> None:
    """Be killed with whoever asks, even while stopped; Linux alone can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
