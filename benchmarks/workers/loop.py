"""What every contestant's process does: read a command, do it, answer. A JSON object per line, both ways.

    {"do": "prepare", …}                 -> {"ok": …}             whatever compiles and loads, and one warm run
    {"do": "answers", "to": FILE}        -> {"ok": …}             what it computes, for the gate, as .npy
    {"do": "window", "at_least_s": 1.0}  -> {"ok": seconds}       of one run of the work
    {"do": "memory"}                     -> {"ok": bytes}         most that the process ever held

A trouble is answered with {"error": sentence}. Only numpy, the standard library and
what needs no more here.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vit_core.bench.windows import seconds_each

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
        "window": lambda command: seconds_each(contestant.work, at_least_s=float(command["at_least_s"])),
        "memory": lambda _: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer: dict[str, object] = {"ok": commands[command["do"]](command)}
        except Exception as error:  # noqa: BLE001  # the process that asked tells it, and goes on with the others
            answer = {"error": f"{type(error).__name__}: {str(error).strip()[:400]}"}
        replies.write(json.dumps(answer) + "\n")


def _die_with_parent() -> None:
    """Be killed with whoever asks, even while stopped; Linux alone can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
