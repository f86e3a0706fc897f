"""Stands for training where a test is about the engine: the real process of a run, with work that is counted and cheap.

    python stand_in.py --run FOLDER [--handover …]

A step takes 20 ms and turns the state into its checksum, so that a lost or repeated step shows in the last one. Every
third step is saved, beside and renamed. Each step leaves a line in the file TIMELINE: the process and the run.
DEAF=1 makes it go on when it is asked to stop. FILE_LIMIT=N is a disk on which no file may be larger than N bytes.
CHILD=PATH starts a process that lives on, and writes its number there.
KILL_AT=N ends the process without a word before its N-th operation on files, counted by Python's audit hooks.
"""

import argparse
import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from vit_core.runs.attempt import Attempt, Ending, run_attempt
from vit_core.runs.files import kept_on_disk
from vit_core.runs.record import Progress
from vit_core.settings import Settings

SAVE_EVERY = 3
OPERATIONS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "fcntl.flock", "subprocess.Popen"}


def kill_at(count: int) -> None:
    """End this process before its `count`-th operation on files that are not Python's own."""
    seen = 0

    def hear(event: str, details: tuple) -> None:
        nonlocal seen
        path = str(details[0]) if details else ""
        if event not in OPERATIONS or (event == "open" and path.endswith((".py", ".pyc", ".so"))):
            return
        seen += 1
        if seen == count:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)


def after(steps: int) -> str:
    """Give the state after so many undisturbed steps."""
    state = ""
    for step in range(steps):
        state = _next(state, step)
    return state


def _next(state: str, step: int) -> str:
    return hashlib.sha256(f"{state}{step}".encode()).hexdigest()


def work(attempt: Attempt) -> Ending:
    total = attempt.config.settings.total_steps
    saved = attempt.files.checkpoints
    step, state = _load(saved)
    attempt.computes_on("CPU")
    if path := os.environ.get("CHILD"):
        Path(path).write_text(str(subprocess.Popen(["sleep", "600"]).pid))
    while step < total:
        if attempt.stop_requested() and "DEAF" not in os.environ:
            _save(saved, step, state)
            return Ending("stopped", f"Its state after step {step} is saved.")
        time.sleep(0.02)
        state, step = _next(state, step), step + 1
        _leave_line(attempt.files.folder.name)
        attempt.tell(Progress(step=step, total_steps=total))
        if attempt.config.note == "large states":
            with kept_on_disk(attempt.files.folder / "large"):
                (attempt.files.folder / "large").write_bytes(bytes(1_000_000))
        if step % SAVE_EVERY == 0 or step == total:
            _save(saved, step, state)
    if attempt.config.note == "fail":
        raise KeyError("the note said so")
    result = attempt.files.folder / "result"
    result.mkdir(exist_ok=True)
    (result / "state").write_text(state)
    for name in ("model.npz", "report.json"):
        (result / name).touch()
    return Ending("done")


def _leave_line(name: str) -> None:
    if path := os.environ.get("TIMELINE"):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{os.getpid()} {name}\n".encode())
        os.close(descriptor)


def _load(folder: Path) -> tuple[int, str]:
    steps = sorted(int(path.name) for path in folder.glob("*[0-9]"))
    if not steps:
        return 0, ""
    with zipfile.ZipFile(folder / str(steps[-1]) / "state.npz") as archive:
        return steps[-1], archive.read("state").decode()


def _save(folder: Path, step: int, state: str) -> None:
    if (folder / str(step)).exists():
        return
    beside = folder / "next.part"
    beside.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(beside / "state.npz", "w") as archive:
        archive.writestr("state", state)
    beside.rename(folder / str(step))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--handover", default="")
    parsed = parser.parse_args()
    if limit := os.environ.get("FILE_LIMIT"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    if count := os.environ.get("KILL_AT"):
        kill_at(int(count))
    status = run_attempt(parsed.run, Settings.from_environment(os.environ), work, handover=parsed.handover)
    return 0 if status.state == "done" else 1


if __name__ == "__main__":
    sys.exit(main())
