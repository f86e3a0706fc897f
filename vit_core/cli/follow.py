"""Following a run from a terminal: what it says, how far it is, and how it ended."""

import time
from pathlib import Path

from vit_core.cli.output import note, print_json
from vit_core.cli.run_summary import outcome, print_outcome, progress_line
from vit_core.errors import TrainingError
from vit_core.runs.library import Runs
from vit_core.runs.record import RunRecord

EXIT_NOT_DONE = 1
_POLL_S = 0.3
_SAY_EVERY_S = 5.0
_LIVE = ("queued", "running", "stopping")


def follow(runs: Runs, name: str, *, style: str, grace_s: float) -> int:
    """Follow a run to its end; Ctrl+C stops it, a second one only ends the following.

    Raises:
        TrainingError: the run failed, or was killed.
    """
    try:
        try:
            _follow(runs, name)
        except KeyboardInterrupt:
            note("The run is told to save its state and end; Ctrl+C once more leaves it to itself.")
            if runs.get(name).state in _LIVE:
                runs.stop(name, grace_s=grace_s)
            _follow(runs, name)
    except KeyboardInterrupt:
        note(f"The run goes on by itself: vit-explorer runs show {name}")
        return EXIT_NOT_DONE
    return finish(runs, runs.get(name), style=style)


def finish(runs: Runs, record: RunRecord, *, style: str) -> int:
    """Print how a run ended, and give the exit code.

    Raises:
        TrainingError: it failed, or was killed.
    """
    if record.state == "done":
        print_outcome(record, runs.report(record.name), style=style)
        return 0
    if record.state != "stopped":
        raise TrainingError(f"The run {record.name} {record.state}: {record.reason}")
    if style == "json":
        print_json(outcome(record, None))
    note(f"Stopped after step {record.progress.step}. {record.reason}".rstrip())
    note(f"Resume it: vit-explorer finetune --run {record.name}")
    return EXIT_NOT_DONE


def _follow(runs: Runs, name: str) -> None:
    record = runs.get(name)
    said, said_at, read = "", 0.0, 0
    while record.state in _LIVE:
        read = _pass_on(record.folder / "log.txt", read)
        line = progress_line(record)
        if line != said and (time.monotonic() - said_at >= _SAY_EVERY_S or record.state != "running"):
            note(line)
            said, said_at = line, time.monotonic()
        time.sleep(_POLL_S)
        record = runs.get(name)
    _pass_on(record.folder / "log.txt", read)


def _pass_on(log: Path, start: int) -> int:
    """Show what was added to the log; give how much of it was read."""
    try:
        with log.open("rb") as file:
            file.seek(start)
            data = file.read()
    except OSError:  # not there yet, or no longer
        return start
    whole = data[: data.rfind(b"\n") + 1]
    if whole:
        note(whole.decode(errors="replace").rstrip("\n"))
    return start + len(whole)
