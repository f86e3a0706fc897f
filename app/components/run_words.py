"""A run in words: its state with a colour and an icon, how far it is, how long it still takes, when it began."""

import dataclasses
from collections.abc import Iterable

import streamlit as st

from app.components.plain_text import one_line, plain_html
from app.components.wording import counted, percent, speed
from vit_core.runs.record import RunRecord, State

LIVE: frozenset[State] = frozenset({"queued", "running", "stopping"})
POLL_S = 2.0
QUIET_S = 30.0  # a run says that it is alive every few seconds


@dataclasses.dataclass(frozen=True)
class StateLook:
    """How a state is shown: a word, a colour and an icon of Streamlit's, and what it means."""

    word: str
    colour: str
    icon: str
    meaning: str


LOOKS: dict[State, StateLook] = {
    "draft": StateLook("not started", "gray", "edit_note", "It was set up and never started. Resume starts it."),
    "queued": StateLook("waiting", "orange", "hourglass_top", "It starts as soon as the runs before it have ended."),
    "running": StateLook("running", "blue", "play_arrow", "It goes on when you close this page."),
    "stopping": StateLook("stopping", "orange", "stop_circle", "It saves its state, so that it can be resumed."),
    "done": StateLook("done", "green", "check", "The model is ready to use."),
    "failed": StateLook("failed", "red", "error", "It ended with a problem; what it saved is kept."),
    "stopped": StateLook("stopped", "gray", "pause", "Somebody stopped it. It can be resumed."),
    "interrupted": StateLook("interrupted", "orange", "bolt", "Its process ended without a word. It can be resumed."),
    "unreadable": StateLook("unreadable", "red", "broken_image", "Its files cannot be read."),
}


def state_words(record: RunRecord) -> str:
    """Give the state of a run, with its place where it waits.

    Example:
        >>> from pathlib import Path
        >>> state_words(RunRecord("pets", Path("pets"), "queued", place=2))
        'waiting, place 2'
    """
    word = LOOKS[record.state].word
    return f"{word}, place {record.place}" if record.state == "queued" and record.place else word


def state_badge(record: RunRecord) -> None:
    """Show the state as a word with its colour and icon."""
    look = LOOKS[record.state]
    st.badge(state_words(record), icon=f":material/{look.icon}:", color=look.colour, help=look.meaning)  # type: ignore[arg-type]  # one of Streamlit's colours


def span_words(seconds: float) -> str:
    """Give a length of time in the units that fit.

    Example:
        >>> span_words(41.2), span_words(600), span_words(8000), span_words(300_000)
        ('41 s', '10 min', '2 h 13 min', '3 days')
    """
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} days"


def started_words(created: float, now: float) -> str:
    """Give when something was begun; both in seconds since 1970.

    Example:
        >>> started_words(1000.0, 1030.0), started_words(0.0, 1030.0)
        ('30 s ago', '')
    """
    return f"{span_words(max(0.0, now - created))} ago" if created else ""


def since_words(record: RunRecord, now: float) -> str:
    """Give how long a run has waited, when it first got its turn, or when it was made and never started.

    Args:
        record: the run.
        now: seconds since 1970.

    Example:
        >>> from pathlib import Path
        >>> since_words(RunRecord("pets", Path("pets"), "queued", created=1000.0, waits_since=1900.0), 1930.0)
        'waiting for 30 s'
    """
    if record.state == "queued":
        since = record.waits_since or record.created
        return f"waiting for {span_words(now - since)}" if since else ""
    begun = started_words(record.begun or record.created, now)
    if not begun:
        return ""
    return f"made {begun}" if record.state == "draft" else f"begun {begun}"


def step_words(record: RunRecord) -> str:
    """Give how far a run is, in steps; of a finished one, how many there were and how long they took."""
    step, total = record.progress.step, _total_steps(record)
    if not total:
        return ""
    if record.state == "done":
        steps = counted(total, "step") if step in (0, total) else f"{step:,} of {counted(total, 'step')}"
        return f"{steps}, in {span_words(record.seconds)}" if record.seconds else steps
    if record.state == "queued" and record.attempt <= 1:
        return counted(total, "step")
    if record.state == "queued" or begins_again(record):
        word = "goes on" if record.state == "queued" else "starting again"
        return f"{word} from step {record.begins_at:,} of {total:,}" if record.begins_at else f"{word} from the start"
    return f"step {step:,} of {total:,}"


def begins_again(record: RunRecord) -> bool:
    """Tell whether a resumed run is on its way back to where it was, and has not taken a step of this attempt."""
    progress = record.progress
    under_way = record.state in ("running", "stopping") and record.attempt > 1
    return under_way and progress.step == record.begins_at and progress.images_per_second is None


def share_done(record: RunRecord) -> float:
    """Give how much of a run is done, 0 to 1."""
    total = _total_steps(record)
    return 1.0 if record.state == "done" else min(1.0, record.progress.step / total) if total else 0.0


def progress_facts(record: RunRecord) -> list[str]:
    """Give how a run is doing as short phrases: steps, and while it learns time left and speed."""
    progress = record.progress
    facts = [step_words(record)]
    if record.state == "running" and not begins_again(record):
        left = progress.seconds_left
        facts.append(f"about {span_words(left)} left" if left is not None else "time left not known yet")
        facts.append(speed(progress.images_per_second, missing=""))
    return [fact for fact in facts if fact]


def _total_steps(record: RunRecord) -> int:
    return record.progress.total_steps or (record.config.total_steps if record.config else 0)


def memory_words(size_bytes: int | None) -> str:
    """Give the memory that a run has held at most, "" where that is not known.

    Example:
        >>> memory_words(1_900_000_000), memory_words(None)
        ('1.9 GB of memory at most', '')
    """
    return f"{size_bytes / 1e9:.1f} GB of memory at most" if size_bytes else ""


def accuracy_words(record: RunRecord) -> str:
    """Give the best test accuracy so far, "" before the first test."""
    best = record.progress.best_accuracy if record.progress.best_accuracy is not None else record.progress.accuracy
    return percent(best, missing="")


def accuracy_html(words: str) -> str:
    """Give an accuracy large, with what it is."""
    return f'<span class="vx-run-accuracy"><small>test accuracy</small> {plain_html(words)}</span>'


def silence_words(record: RunRecord) -> str:
    """Give a sentence when a run that should be alive has said nothing for long, else "".

    Example:
        >>> from pathlib import Path
        >>> silence_words(RunRecord("pets", Path("pets"), "running", heartbeat_age_s=41.0))
        'No sign of life for 41 s.'
    """
    age = record.heartbeat_age_s
    quiet = record.state in ("running", "stopping") and age is not None and age >= QUIET_S
    return f"No sign of life for {span_words(age)}." if quiet and age is not None else ""


def data_words(record: RunRecord) -> str:
    """Give what a run learns from, in a line."""
    classes = f"{record.num_classes:,} {'class' if record.num_classes == 1 else 'classes'}"
    counts = f"{classes}, {counted(record.num_train, 'image')} to learn from, {record.num_test:,} to test on"
    return f"{one_line(record.dataset_name, limit=60)}: {counts}" if record.dataset_name else counts


def progress_html(record: RunRecord) -> str:
    """Give a bar with its value for screen readers, in the colour of the state."""
    share = share_done(record)
    label = plain_html(f"Progress of {record.name}")
    return (
        f'<div class="vx-progress vx-{record.state}" role="progressbar" aria-label="{label}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{100 * share:.0f}"><div style="width:{100 * share:.1f}%"></div></div>'
    )


def words_line(words: Iterable[str]) -> str:
    """Join phrases with dots, empty ones left out."""
    return " · ".join(word for word in words if word)
