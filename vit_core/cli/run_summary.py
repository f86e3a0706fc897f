"""A run in a few lines for a terminal, or as JSON for programs."""

import dataclasses
from typing import TYPE_CHECKING, Any

from vit_core.cli.output import note, print_json, print_table
from vit_core.runs.record import RunRecord
from vit_core.store.location import RUN_PREFIX
from vit_core.training.config import to_plain

if TYPE_CHECKING:
    from vit_core.training.report import Report


def progress_line(record: RunRecord) -> str:
    """Say how far a run is, on one line."""
    progress = record.progress
    if record.state == "queued":
        return f"waits, place {record.place}" if record.place else "is being started"
    parts = [f"step {progress.step} of {progress.total_steps}"]
    if progress.accuracy is not None:
        parts.append(f"accuracy {percent(progress.accuracy)}")
    if progress.images_per_second is not None:
        parts.append(f"{progress.images_per_second:.3g} images/s")
    if progress.seconds_left is not None and record.state == "running":
        parts.append(f"{duration(progress.seconds_left)} left")
    if record.state != "running":
        parts.append(record.state)
    if record.reason:
        parts.append(record.reason)
    return ", ".join(parts)


def outcome(record: RunRecord, report: "Report | None") -> dict[str, Any]:
    """Give what is known of a run as a JSON object; of the report all but the single answers."""
    plain: dict[str, Any] = {
        "run": record.name,
        "state": record.state,
        "reason": record.reason,
        "place": record.place,
        "folder": str(record.folder),
        "number": record.number,
        "created": record.created,
        "dataset": record.dataset_name,
        "num_classes": record.num_classes,
        "num_train": record.num_train,
        "num_test": record.num_test,
        "device": record.device,
        "note": record.note,
        "heartbeat_age_s": record.heartbeat_age_s,
        "progress": dataclasses.asdict(record.progress),
        "settings": to_plain(record.config) if record.config else None,
    }
    if record.state == "done":
        plain["checkpoint"] = f"{RUN_PREFIX}{record.name}"
    if report is not None:
        plain["report"] = {
            field.name: getattr(report, field.name) for field in dataclasses.fields(report) if field.name != "answered"
        }
        plain["report"]["classes"] = [dataclasses.asdict(each) for each in report.classes]
    return plain


def print_outcome(record: RunRecord, report: "Report | None", *, style: str) -> None:
    """Print how a finished run did, and how to go on from there."""
    if style == "json":
        print_json(outcome(record, report))
        return
    if report is not None:
        low, high = report.interval
        print(
            f"Accuracy {percent(report.accuracy)} on {report.num_test} test images (95 %: {percent(low)} to "
            f"{percent(high)}); always answering the largest class gives {percent(report.majority)}."
        )
        print(f"{report.steps} steps in {duration(report.seconds)} on {report.device}; best after {report.best_step}.")
        rows = [
            [each.name, str(each.num_test), _or_dash(each.precision), _or_dash(each.recall), _or_dash(each.f1)]
            for each in report.classes
        ]
        print_table({"class": False, "test images": True, "precision": True, "recall": True, "F1": True}, rows)
    note(f"Result: {record.result}")
    note(f"Use it: vit-explorer classify --checkpoint {RUN_PREFIX}{record.name} photo.jpg")


def percent(share: float) -> str:
    """Give a share of 1 in per cent."""
    return f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Give a time in the unit that people would use.

    Example:
        >>> duration(42.0), duration(150.0), duration(7300.0)
        ('42 s', '2.5 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _or_dash(share: float | None) -> str:
    return "–" if share is None else percent(share)
