"""`runs`: what has become of fine-tuning runs, and what to do with them."""

import argparse
import sys

from vit_core.cli.output import note, print_json, print_table
from vit_core.cli.run_summary import outcome, percent, print_outcome, progress_line
from vit_core.errors import BadSetting
from vit_core.runs.engine import GRACE_S
from vit_core.runs.library import Runs
from vit_core.runs.record import RunRecord
from vit_core.settings import Settings


def run_list(parsed: argparse.Namespace, settings: Settings) -> int:
    """List all runs."""
    runs = Runs(settings)
    records = runs.all()
    if parsed.format == "json":
        print_json([outcome(record, None) for record in records])
        return 0
    if not records:
        note("There are no runs yet; vit-explorer finetune makes one.")
        return 0
    columns = {"run": False, "state": False, "step": True, "accuracy": True, "data": False, "checkpoint": False}
    print_table(columns, [_row(record) for record in records])
    return 0


def run_show(parsed: argparse.Namespace, settings: Settings) -> int:
    """Show one run, and its report where it has one."""
    runs = Runs(settings)
    record = runs.get(parsed.name)
    report = runs.report(parsed.name) if record.state == "done" else None
    if parsed.format == "json":
        print_json(outcome(record, report))
        return 0
    print(f"{record.name}: {record.state}{f', place {record.place}' if record.place else ''}. {record.reason}".rstrip())
    if record.config is not None:
        print(f"{record.config.checkpoint} on {record.dataset_name} ({record.num_train} + {record.num_test} images)")
        print(progress_line(record))
    if record.note:
        print(record.note)
    if report is not None:
        print_outcome(record, report, style="table")
    return 0


def run_logs(parsed: argparse.Namespace, settings: Settings) -> int:
    """Print the last lines of a run's log."""
    if parsed.lines < 1:
        raise BadSetting(f"--lines is {parsed.lines}; it must be 1 or more.")
    text = Runs(settings).log(parsed.name, lines=parsed.lines)
    if parsed.format == "json":
        print_json({"run": parsed.name, "lines": text.splitlines()})
    elif text:
        print(text)
    return 0


def run_stop(parsed: argparse.Namespace, settings: Settings) -> int:
    """Ask a run to save its state and end."""
    runs = Runs(settings)
    runs.stop(parsed.name, grace_s=0.0 if parsed.now else GRACE_S)
    said = f"{parsed.name} was ended." if parsed.now else f"{parsed.name} is told to stop; runs show tells when it has."
    return _did(runs, parsed, said)


def run_resume(parsed: argparse.Namespace, settings: Settings) -> int:
    """Start a run that has stopped, as a process of its own."""
    runs = Runs(settings)
    runs.resume(parsed.name)
    return _did(runs, parsed, f"{parsed.name} goes on by itself.")


def run_delete(parsed: argparse.Namespace, settings: Settings) -> int:
    """Delete a run, after a question at a terminal."""
    runs = Runs(settings)
    record = runs.get(parsed.name)
    if not parsed.yes and not _confirmed(record):
        raise BadSetting(f"Nothing was deleted. To delete {parsed.name!r} without being asked, add --yes.")
    runs.delete(parsed.name)
    if parsed.format == "json":
        print_json({"deleted": parsed.name})
    else:
        note(f"{parsed.name} is deleted.")
    return 0


def run_reconcile(parsed: argparse.Namespace, settings: Settings) -> int:
    """Clear away what killed processes left."""
    said = Runs(settings).reconcile()
    if parsed.format == "json":
        print_json(list(said))
    else:
        print("\n".join(said) or "All is in order.")
    return 0


def _did(runs: Runs, parsed: argparse.Namespace, sentence: str) -> int:
    if parsed.format == "json":
        print_json(outcome(runs.get(parsed.name), None))
    else:
        note(sentence)
    return 0


def _confirmed(record: RunRecord) -> bool:
    if not sys.stdin.isatty():
        return False
    note(f"Delete the run {record.name} ({record.state}) with its result? Type yes:")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _row(record: RunRecord) -> list[str]:
    progress = record.progress
    state = f"queued, place {record.place}" if record.place else record.state
    return [
        record.name,
        state,
        f"{progress.step}/{progress.total_steps}" if progress.total_steps else "",
        percent(progress.best_accuracy) if progress.best_accuracy is not None else "",
        record.dataset_name,
        record.config.checkpoint if record.config else record.reason,
    ]
