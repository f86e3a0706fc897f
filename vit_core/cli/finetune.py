"""`finetune`: make a run and follow it, resume one here, or only measure what one would take."""

import argparse
import dataclasses
import os
import re
import threading
from pathlib import Path

from vit_core.cli.output import note, print_json
from vit_core.errors import BadRun, BadSetting, shorten
from vit_core.runs.engine import GRACE_S
from vit_core.settings import Settings, parse_path
from vit_core.training.config import TrainConfig

_OF_A_NEW_RUN = ("data", "name", "note", "accept_leaks", "dry_run", "quick_look", "test_share", "split_seed")


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Do what the flags ask for; the exit code is 1 where a run ended without being done."""
    if parsed.of:
        return _run_existing(parsed, settings)
    if not parsed.checkpoint or not parsed.data:
        raise BadSetting(
            "finetune needs --checkpoint and --data for a new run, or --run for one that is there; see finetune --help."
        )
    return _run_new(parsed, settings)


def _run_existing(parsed: argparse.Namespace, settings: Settings) -> int:
    """Be the process of a run that is there; what is imported here, each process that waits for its turn holds."""
    given = [name for name in _OF_A_NEW_RUN if getattr(parsed, name) not in (None, False)] + _settings_given(parsed)
    if given:
        raise BadSetting(
            f"--{given[0].replace('_', '-')} does not go with --run: a run keeps the data and the settings that it was "
            "made with. Make a new run for others."
        )
    folder = _find(parsed.of, settings)
    if parsed.detach:
        from vit_core.runs.library import Runs

        settings = dataclasses.replace(settings, runs_dir=folder.parent)
        Runs(settings).resume(folder.name)
        return _detached(folder, style=parsed.format)
    from vit_core.cli.run_process import be_the_run

    return be_the_run(folder, settings, handover=parsed.handover, style=parsed.format)


def _find(text: str, settings: Settings) -> Path:
    """Give the folder of a run by its name or its path."""
    if re.search(r"[/\\]", text) or text in (".", ".."):
        folder = parse_path("--run", text).absolute()
        if not folder.is_dir():
            raise BadRun(f"There is no folder {shorten(str(folder))!r}; give the name of a run, or the folder of one.")
        if not (folder / "config.json").exists():
            raise BadRun(
                f"The folder {shorten(str(folder))!r} is not that of a run, for it has no config.json; runs list names "
                "the runs there are."
            )
        return folder
    from vit_core.runs.library import Runs

    return Runs(settings).get(text).folder


def _run_new(parsed: argparse.Namespace, settings: Settings) -> int:
    from vit_core.runs.names import check_run_name

    if parsed.ends_with_input:
        _end_with_input()
    if parsed.name is not None:
        check_run_name(parsed.name)  # before minutes go into the images
    from vit_core.cli.finetune_plan import make_plan

    plan = make_plan(parsed, settings)
    if parsed.dry_run or parsed.quick_look:
        from vit_core.cli.measure import measure

        return measure(plan, settings, kind="trial" if parsed.dry_run else "quick look", style=parsed.format)
    from vit_core.cli.follow import follow
    from vit_core.runs.library import Runs

    runs = Runs(settings)
    record = runs.submit(
        plan.config, plan.dataset, name=parsed.name or runs.suggest_name(plan.dataset.name), note=parsed.note or ""
    )
    note(f"Run {record.name} in {record.folder}")
    if parsed.detach:
        return _detached(record.folder, style=parsed.format)
    return follow(runs, record.name, style=parsed.format, grace_s=GRACE_S)


def _detached(folder: Path, *, style: str) -> int:
    if style == "json":
        print_json({"run": folder.name, "folder": str(folder)})
    else:
        print(folder.name)
        note(f"It goes on by itself: vit-explorer runs show {folder.name}")
    return 0


def _settings_given(parsed: argparse.Namespace) -> list[str]:
    return [field.name for field in dataclasses.fields(TrainConfig) if getattr(parsed, field.name) is not None]


def _end_with_input() -> None:
    """End when whoever started us does, in the middle of a computation too."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin, whose lock this thread would hold at the end of the process
            continue
        os._exit(1)

    threading.Thread(target=wait, name="input", daemon=True).start()
