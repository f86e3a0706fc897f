"""`status.json`: how a run is doing, by its own account.

Written by whoever owns the run: the submitter before it starts, then its process, which also says every two seconds
that it is alive. What it says of a run that nobody owns is history; see `states`.
"""

import dataclasses
import math
import time
from collections.abc import Collection, Mapping
from typing import Any, Literal

from vit_core.errors import BadRun, shorten
from vit_core.runs.files import RunFiles, is_possible, read_json, write_json
from vit_core.runs.record import Progress
from vit_core.store.holder import boot_id

Said = Literal["draft", "queued", "running", "done", "failed", "stopped"]
VERSION = 1
_SAID: tuple[Said, ...] = ("draft", "queued", "running", "done", "failed", "stopped")
_NO_PROGRESS = Progress()
_COUNTS = ("step", "total_steps")
_SHARES = ("accuracy", "best_accuracy")
_OPTIONAL = tuple(field.name for field in dataclasses.fields(Progress) if field.name not in _COUNTS)
_KINDS: tuple[tuple[str, tuple[str, ...], tuple[type, ...]], ...] = (
    ("", ("attempt", "beat", "begins_at"), (int,)),
    ("", ("beat_at", "begun", "waits_since"), (int, float)),
    ("", ("reason", "device", "boot_id", "config_sha256", "source_sha256"), (str,)),
    ("progress", _COUNTS, (int,)),
    ("progress", _OPTIONAL, (int, float, type(None))),
)


@dataclasses.dataclass(frozen=True)
class Status:
    """What a run says of itself.

    Attributes:
        state: "draft" before it was ever started; "queued" and "running" hold only while somebody owns the run.
        attempt: how many times it was started.
        reason: why it ended, or what it is doing, as a sentence; may be empty.
        device: "CPU", "NVIDIA H200"; empty before it has one.
        progress: how far it is.
        beat: counts up with each sign of life.
        beat_at: time of the last one by the machine's steady clock, in seconds, which no change of date moves.
        boot_id: which start of which machine that clock belongs to.
        config_sha256: of the settings it began with; empty before it began.
        source_sha256: of the checkpoint's file that it began with; empty before it was read.
        begins_at: the step of the saved state that this attempt goes on from.
        begun: seconds since 1970, when it first got its turn; for screens only.
        waits_since: seconds since 1970, when this attempt was asked for; for screens only.
    """

    state: Said = "draft"
    attempt: int = 0
    reason: str = ""
    device: str = ""
    progress: Progress = _NO_PROGRESS
    beat: int = 0
    beat_at: float = 0.0
    boot_id: str = ""
    config_sha256: str = ""
    source_sha256: str = ""
    begins_at: int = 0
    begun: float = 0.0
    waits_since: float = 0.0

    def beating(self) -> "Status":
        """Give the status with one more sign of life."""
        return dataclasses.replace(self, beat=self.beat + 1, beat_at=time.monotonic(), boot_id=boot_id())

    def age_s(self) -> float | None:
        """Give the seconds since the last sign of life; None when there was none since the machine was started."""
        if not self.beat or self.boot_id != boot_id():
            return None
        return max(0.0, time.monotonic() - self.beat_at)


def write_status(files: RunFiles, status: Status, *, durable: bool = True) -> None:
    """Write `status.json`, in place of the older one.

    Args:
        files: of the run.
        status: what to say.
        durable: False for a mere sign of life.

    Raises:
        StorageFull, Failure: the disk refuses it; the old one is as it was.
    """
    plain = {field.name: getattr(status, field.name) for field in dataclasses.fields(Status)}
    plain |= {"version": VERSION, "progress": _finite(dataclasses.asdict(status.progress))}
    write_json(files.status, plain, durable=durable)


def read_status(files: RunFiles) -> Status:
    """Read `status.json`.

    Raises:
        BadRun: missing, cut, or with impossible values; the message says which.
    """
    plain = read_json(files.status)
    if plain.pop("version", None) != VERSION:
        raise BadRun("status.json was written by another version of ViT Explorer.")
    progress = plain.pop("progress", {})
    if not isinstance(progress, dict):
        raise BadRun(f"status.json says progress is {shorten(repr(progress), 60)}, which cannot be.")
    _refuse_unknown(progress, {field.name for field in dataclasses.fields(Progress)})
    _refuse_unknown(plain, {field.name for field in dataclasses.fields(Status)})
    status = Status(progress=Progress(**progress), **plain)
    _check(status)
    return status


def _refuse_unknown(plain: Mapping[str, object], known: Collection[str]) -> None:
    for name in plain:
        if name not in known:
            raise BadRun(f"status.json has the unknown field {shorten(name, 60)!r}.")


def _check(status: Status) -> None:
    if status.state not in _SAID:
        raise BadRun(f"status.json says the unknown state {shorten(repr(status.state), 60)}.")
    for thing, names, kinds in _KINDS:
        for name in names:
            value = getattr(getattr(status, thing) if thing else status, name)
            if isinstance(value, bool) or not isinstance(value, kinds) or not is_possible(value):
                raise BadRun(f"status.json says {name} is {shorten(repr(value), 60)}, which cannot be.")
    for name in _SHARES:
        share = getattr(status.progress, name)
        if share is not None and share > 1:
            raise BadRun(f"status.json says {name} is {shorten(repr(share), 60)}; it must be from 0 to 1.")


def _finite(plain: dict[str, Any]) -> dict[str, Any]:
    """Leave out numbers that JSON cannot say."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in plain.items()
    }
