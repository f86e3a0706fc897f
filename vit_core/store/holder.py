"""The note in a lock: which process holds it, and for what.

A process number alone names nobody: it is used again, and other machines have it too. So a process is its number, the
moment it began (in ticks of its machine's clock since the start) and the start of the machine.
"""

import dataclasses
import json
import os
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD = 19  # of /proc/PID/stat after the name, which may hold blanks and brackets: field 22, man proc_pid_stat


@dataclasses.dataclass(frozen=True)
class ProcessId:
    """One process, now and for ever."""

    pid: int
    started: int
    boot_id: str


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes:
        kind: "run", "trial" or "predictor".
        folder: of the run; empty where there is none.
        process: which one; None while it is being started.
    """

    kind: str
    folder: str = ""
    process: ProcessId | None = None

    def to_note(self) -> bytes:
        """Write it for a lock file."""
        return json.dumps(dataclasses.asdict(self)).encode()

    @classmethod
    def from_note(cls, note: bytes) -> "Holder":
        """Read what `to_note` wrote; anything else is a holder of whom nothing is known."""
        try:
            plain = json.loads(note)
            kind, folder, process = str(plain["kind"]), str(plain["folder"]), plain["process"]
            if process is not None:
                process = ProcessId(int(process["pid"]), int(process["started"]), str(process["boot_id"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return cls("unknown")
        return cls(kind, folder, process)


def boot_id() -> str:
    """Give what tells this start of this machine from all others; empty where the system has no such thing."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def this_process() -> ProcessId:
    """Say who we are."""
    return ProcessId(os.getpid(), start_of(os.getpid()) or 0, boot_id())


def start_of(pid: int) -> int | None:
    """Give when a process began, in clock ticks since the machine's start; None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(text.rpartition(")")[2].split()[_START_FIELD])
    except (OSError, ValueError, IndexError):
        return None
