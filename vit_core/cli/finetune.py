"""`finetune`: make a run and follow it, resume one here, or only measure what one would take."""

import argparse
import dataclasses
import re
from pathlib import Path
from typing import Any

from vit_core.cli.on_behalf import end_with_input
from vit_core.cli.output import note, print_json
from vit_core.errors import BadRun, BadSetting, shorten
from vit_core.runs.engine import GRACE_S
from vit_core.settings import Settings, parse_path
from vit_core.training.config import TrainConfig, check_given

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
    words = [name for name in _OF_A_NEW_RUN if getattr(parsed, name) not in (None, False)]
    given = [*words, *given_settings(parsed)]
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
    if parsed.ends_with_input:
        end_with_input()
    only_measure = parsed.dry_run or parsed.quick_look
    _check_words(parsed, settings, only_measure=only_measure)
    from vit_core.cli.finetune_plan import make_plan

    plan = make_plan(parsed, settings)
    if only_measure:
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


def _check_words(parsed: argparse.Namespace, settings: Settings, *, only_measure: bool) -> None:
    """Refuse what the flags alone show to be impossible, before minutes go into a checkpoint or the images.

    Raises:
        BadInput: the first such flag.
    """
    from vit_core.datasets.source import check_source
    from vit_core.runs.library import check_note
    from vit_core.runs.making import check_free
    from vit_core.runs.names import check_run_name

    if parsed.name is not None:
        check_run_name(parsed.name)
        if not only_measure:
            check_free(settings.runs_dir, parsed.name)
    check_note(parsed.note or "")
    share = parsed.test_share
    if share is not None and not 0 < share < 1:  # nor is what is not a number
        raise BadSetting(f"--test-share is {share:g}; it must be between 0 and 1, such as 0.2.")
    if parsed.split_seed is not None and not 0 <= parsed.split_seed < 2**31:
        raise BadSetting(f"--split-seed is {shorten(str(parsed.split_seed), 40)}; it must be from 0 to 2,147,483,647.")
    check_given(given_settings(parsed))
    check_source(parsed.data)


def given_settings(parsed: argparse.Namespace) -> dict[str, Any]:
    """Give the settings of a run that were given as flags."""
    values = {field.name: getattr(parsed, field.name) for field in dataclasses.fields(TrainConfig)}
    return {name: value for name, value in values.items() if value is not None}


def _detached(folder: Path, *, style: str) -> int:
    if style == "json":
        print_json({"run": folder.name, "folder": str(folder)})
    else:
        print(folder.name)
        note(f"It goes on by itself: vit-explorer runs show {folder.name}")
    return 0
