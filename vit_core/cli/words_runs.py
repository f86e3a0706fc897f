"""The words of fine-tuning: `finetune`, whose flags are the settings of a run, and `runs`.

Each setting's flag and help come from `vit_core.training.config.FIELDS`, as the page's form does.
"""

import argparse
import dataclasses
from typing import TYPE_CHECKING

from vit_core.cli.numbers import number, whole
from vit_core.training.config import FIELDS, TrainConfig

if TYPE_CHECKING:
    from vit_core.cli.words import Commands, Parser

_TWO_FORMATS = ("table", "json")
_FORMAT_HELP = "how to print (default table)"


def add_finetune(commands: "Commands", shared: "Parser") -> None:
    """Add `finetune`."""
    parser = commands.add_parser(
        "finetune",
        parents=[shared],
        help="teach a checkpoint classes of your own",
        description="Fine-tune a checkpoint on images by class, follow the run and print its report. Settings that are "
        "not given are proposed, with reasons. The run is a process of its own: it outlives this terminal, Ctrl+C "
        "stops it with its state saved, and --run resumes it.",
        epilog="Examples:\n  vit-explorer finetune --checkpoint NAME --data photos/ --name my-photos\n"
        "  vit-explorer finetune --checkpoint NAME --data photos.zip --dry-run\n"
        "  vit-explorer finetune --run my-photos\n"
        "  vit-explorer classify --checkpoint run:my-photos new.jpg",
    )
    _add_setting(parser, "checkpoint")
    parser.add_argument("--data", metavar="SOURCE", help="folder CLASS/x.jpg, .zip of one, .csv table, or tfds:NAME")
    parser.add_argument(
        "--name", metavar="RUN", help="name of the run: a to z, 0 to 9, - and _ (default: from the data)"
    )
    parser.add_argument("--run", metavar="NAME_OR_DIR", help="resume this run, here, instead of making one", dest="of")
    parser.add_argument(
        "--test-share",
        type=number,
        metavar="X",
        help="share of each class to test on, if the data have no test part (0.2)",
    )
    parser.add_argument(
        "--split-seed", type=whole, metavar="N", help="another number draws other images to test on (0)"
    )
    parser.add_argument(
        "--accept-leaks", action="store_true", help="start although a picture is both learned from and tested on"
    )
    parser.add_argument("--note", metavar="TEXT", help="your own words about the run")
    parser.add_argument("--detach", action="store_true", help="return at once, and leave the run to itself")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="only measure time, memory and disk, by a few real steps")
    what.add_argument("--quick-look", action="store_true", help="only a first accuracy, from a linear classifier")
    _add_settings(parser)
    parser.add_argument("--format", choices=_TWO_FORMATS, default="table", help=_FORMAT_HELP)
    parser.add_argument("--handover", default="", help=argparse.SUPPRESS)  # what the engine passes on
    parser.add_argument("--ends-with-input", action="store_true", help=argparse.SUPPRESS)  # for whoever waits for us
    parser.set_defaults(run="vit_core.cli.finetune:run")


def add_runs(commands: "Commands", shared: "Parser") -> None:
    """Add `runs` and its actions."""
    parser = commands.add_parser(
        "runs",
        help="list, show, stop, resume and delete fine-tuning runs",
        description="What has become of fine-tuning runs, and what to do with them.",
        epilog="Examples:\n  vit-explorer runs list\n  vit-explorer runs show my-photos\n"
        "  vit-explorer runs stop my-photos\n  vit-explorer runs ACTION --help",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_action(actions, shared, "list", "list all runs, newest first")
    _add_action(actions, shared, "show", "what is known of a run, and its report", named=True)
    logs = _add_action(actions, shared, "logs", "the last lines of what a run said", named=True)
    logs.add_argument("--lines", type=whole, default=200, metavar="N", help="how many (default 200)")
    stop = _add_action(actions, shared, "stop", "save a run's state and end it", named=True)
    stop.add_argument("--now", action="store_true", help="without saving what it learned since its last saved state")
    _add_action(actions, shared, "resume", "go on with a run, as a process of its own", named=True)
    delete = _add_action(actions, shared, "delete", "delete a run and its result; not the images", named=True)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    _add_action(actions, shared, "reconcile", "clear away what killed processes left, and say what was found")


def _add_action(actions: "Commands", shared: "Parser", action: str, help_: str, *, named: bool = False) -> "Parser":
    example = f"Example:\n  vit-explorer runs {action}{' my-photos' if named else ''}"
    parser = actions.add_parser(
        action, parents=[shared], help=help_, description=f"{help_[0].upper()}{help_[1:]}.", epilog=example
    )
    if named:
        parser.add_argument("name", metavar="RUN", help="name of the run, as `runs list` prints it")
    parser.add_argument("--format", choices=_TWO_FORMATS, default="table", help=_FORMAT_HELP)
    parser.set_defaults(run=f"vit_core.cli.runs:run_{action}")
    return parser


def _add_settings(parser: "Parser") -> None:
    group = parser.add_argument_group("settings of the run (what is not given is proposed)")
    for name in FIELDS:
        if name != "checkpoint":  # which is never proposed
            _add_setting(group, name)


def _add_setting(group: "argparse._ActionsContainer", name: str) -> None:
    field, kind = FIELDS[name], {each.name: each.type for each in dataclasses.fields(TrainConfig)}[name]
    flag, help_ = f"--{name.replace('_', '-')}", f"{field.label}. {field.help}".replace("%", "%%")
    if kind is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=help_)
    elif field.choices:
        group.add_argument(flag, choices=tuple(field.choices), help=help_)
    elif kind in (int, float):
        read, sign = (whole, "N") if kind is int else (number, "X")
        group.add_argument(flag, type=read, metavar=sign, help=help_)
    else:
        group.add_argument(flag, metavar="NAME" if name == "checkpoint" else "WHAT", help=help_)
