"""What state a run is in: from what it says of itself and from who owns it. Reads no file of the run.

owned by a process   waits -> queued    asked to stop -> stopping    else -> running
owned by nobody      ended -> done, failed, stopped    never begun -> draft    else -> interrupted
"""

import dataclasses

from vit_core.runs.record import FINAL, State
from vit_core.runs.status import Status
from vit_core.store.holder import boot_id

QUIET_S = 30.0  # ten times the pause between two signs of life, and a slow disk


@dataclasses.dataclass(frozen=True)
class Seen:
    """What was found out about a run besides its own account.

    Attributes:
        owned: whether a process owns it.
        place: in the queue, 1 is next; 0 when it does not wait.
        stop_wanted: whether it was asked to stop.
        saved_step: of the newest saved state; None where there is none.
        has_result: whether the finished model is there.
    """

    owned: bool = False
    place: int = 0
    stop_wanted: bool = False
    saved_step: int | None = None
    has_result: bool = True


def derive(status: Status, seen: Seen) -> tuple[State, str]:
    """Give the state of a run and a sentence about it, which may be empty."""
    if status.state == "done" and not seen.has_result:
        return "failed", (f"It was done, and its result is no longer there. {goes_on(status, seen.saved_step)}")
    if status.state == "stopped":
        return "stopped", f"{status.reason} {goes_on(status, seen.saved_step)}".lstrip()
    if status.state in FINAL:
        return status.state, status.reason
    if not seen.owned:
        return _abandoned(status, seen)
    if seen.stop_wanted:
        return "stopping", "It ends after the step under way and keeps what it has learned."
    if seen.place:
        return "queued", _waits(seen.place)
    if status.state in ("draft", "queued"):
        return "queued", "It is being started."
    return "running", _quiet(status) or status.reason


def goes_on(status: Status, saved_step: int | None) -> str:
    """Say from where a run goes on when it is resumed, as a sentence."""
    if not saved_step:
        known = status.progress.step or status.attempt > 1
        return "No saved state can be used: resume begins again from the start." if known else "Resume starts it."
    total = status.progress.total_steps
    if saved_step >= total > 0:
        return f"All {total:,} steps are saved: resume tests the model and writes the result."
    return f"Resume goes on from step {saved_step:,} of {total:,}."


def _abandoned(status: Status, seen: Seen) -> tuple[State, str]:
    on = goes_on(status, seen.saved_step)
    if status.state == "queued" and seen.stop_wanted:
        return "stopped", f"It was stopped before it began. {on}"
    if not status.beat and status.attempt <= 1:
        return "draft", "It was not started yet; resume starts it."
    where = f" after step {status.progress.step:,}" if status.progress.step else ""
    if seen.stop_wanted:
        return "stopped", f"It was stopped{where}, before it could save its last steps. {on}"
    if status.boot_id and status.boot_id != boot_id():
        return "interrupted", f"The machine was restarted{where}. {on}"
    return (
        "interrupted",
        f"Its process ended without a word{where}: it was killed, by somebody or because memory ran out. "
        f"{on} Where memory is short, take a smaller batch.",
    )


def _waits(place: int) -> str:
    return "It is next." if place == 1 else f"{place - 1} before it."


def _quiet(status: Status) -> str:
    age_s = status.age_s()
    if age_s is None or age_s < QUIET_S:
        return ""
    return f"No sign of life for {age_s:.0f} s: it hangs, or the machine is very busy. Stop it if this stays so."
