"""`evaluate`: how right a checkpoint is, on a terminal, as JSON, and as a folder with a page."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vit_core.cli.device import before_jax
from vit_core.cli.download import fetch
from vit_core.cli.on_behalf import await_turn, end_with_input
from vit_core.cli.output import note, print_json, print_table
from vit_core.cli.run_summary import duration
from vit_core.datasets.source import check_source
from vit_core.settings import Settings, parse_path
from vit_core.store.store import Store

if TYPE_CHECKING:
    from vit_core.evaluation.figures import Evaluation

_SAY_EVERY_S = 2.0
_LINES = 10  # of weak classes, confusions and files left out


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Evaluate, write, print."""
    from vit_core.evaluation.choice import check_amounts, read_table
    from vit_core.evaluation.folder import check_folder, write_report

    # All that can be refused is, before a turn is waited for, a checkpoint fetched or anything computed.
    check_amounts(batch=parsed.batch, limit=parsed.limit)
    check_source(parsed.data)
    output = parse_path("--output", parsed.output).absolute() if parsed.output else None
    if output:
        check_folder(output)
    table = read_table(parse_path("--map", parsed.table)) if parsed.table else None
    labels = parse_path("--labels", parsed.labels) if parsed.labels else None
    say = Ticker(style=parsed.format)
    if parsed.ends_with_input:
        end_with_input()
    if parsed.ends_with_input or settings.device != "cpu":
        await_turn(settings, lambda stage: say(stage, 0, 0))
    before_jax(settings.device)
    fetch(Store(settings), parsed.checkpoint)
    # JAX takes a second to import, and takes hold of the accelerator.
    from vit_core.evaluation.measure import evaluate

    evaluation = evaluate(
        parsed.checkpoint,
        parsed.data,
        preprocess=parsed.preprocess,
        labels=labels,
        table=table,
        resolution=parsed.resolution,
        batch=parsed.batch,
        limit=parsed.limit,
        num_heads=parsed.num_heads,
        settings=settings,
        work_dir=parse_path("--work-dir", parsed.work_dir).absolute() if parsed.work_dir else None,
        progress=say,
    )
    if output:
        write_report(evaluation, output)
    _print(evaluation, output, style=parsed.format)
    return 0


class Ticker:
    """Says on standard error how far an evaluation is: sentences for people, a JSON object per line for programs."""

    def __init__(self, *, style: str) -> None:
        """Say nothing yet."""
        self._style = style
        self._stage = self._told = ""
        self._began = self._said = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say it, if it is new or the last word is two seconds old."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._said = stage, now, 0.0 if self._style == "json" else now
        if now - self._said >= _SAY_EVERY_S and (total or self._told != stage):
            self._said, self._told = now, stage
            self._say(done, total, now - self._began)

    def _say(self, done: int, total: int, seconds: float) -> None:
        if self._style == "json":
            told = {"stage": self._stage, "fraction": done / total if total else None}
            print(json.dumps(told), file=sys.stderr, flush=True)
            return
        if not total:  # nothing to count: said once, however long it takes
            note(f"{self._stage} …")
            return
        left = f"; about {duration(seconds * (total - done) / done)} left" if 0 < done < total else ""
        note(f"{self._stage}: {done:,} of {total:,}{left}")


def _print(evaluation: "Evaluation", output: Path | None, *, style: str) -> None:
    if style == "json":
        from vit_core.evaluation.report import to_plain

        print_json({**to_plain(evaluation), "output": str(output) if output else None})
        return
    how = evaluation.how
    note(f"{how.checkpoint}, {how.architecture}, on {how.device} in {how.precision}.")
    for sentence in (how.part, how.matching, f"Preprocessing {how.preprocess!r}: {how.preprocessing}", *how.notes):
        note(sentence)
    _print_figures(evaluation)
    _print_details(evaluation)
    for each in how.left_out[:_LINES]:
        note(f"Left out: {each.reason}")
    if len(how.left_out) > _LINES:
        note(f"And {len(how.left_out) - _LINES:,} more were left out; --format json and --output list all.")
    if output:
        note(f"Report: {output / 'report.html'}")


def _print_figures(evaluation: "Evaluation") -> None:
    places = f"top-{evaluation.places}"
    if evaluation.places < 5:
        places += f" (of {evaluation.how.num_classes} classes)"
    rows = [
        ["top-1", _percent(evaluation.top1), _interval(evaluation.top1_interval)],
        [places, _percent(evaluation.topk), _interval(evaluation.topk_interval)],
        ["mean of the classes", _percent(evaluation.mean_class_accuracy), f"{len(evaluation.classes):,} classes"],
        ["calibration error (ECE)", f"{evaluation.calibration_error:.4f}", "15 bins"],
        ["negative log-likelihood", f"{evaluation.loss:.4f}", "nats per image"],
        ["images", f"{evaluation.num_images:,}", f"{len(evaluation.how.left_out):,} left out"],
        [
            "images per second",
            f"{evaluation.images_per_second:.4g}",
            f"reading, decoding and computing ({evaluation.how.seconds:.1f} s); not loading and compiling",
        ],
    ]
    print_table({"figure": False, "value": True, "95 % interval, or what it is": False}, rows)


def _print_details(evaluation: "Evaluation") -> None:
    from vit_core.evaluation.figures import most_confused, weakest

    classes = [
        [each.name, f"{each.num_test:,}", _percent(each.precision), _percent(each.recall), _percent(each.f1)]
        for each in weakest(evaluation, _LINES)
    ]
    hidden = len(evaluation.classes) - len(classes)
    title = f"\nThe {_LINES} weakest of {len(evaluation.classes):,} classes" if hidden else "\nClasses, weakest first"
    print_table({"class": False, "images": True, "precision": True, "recall": True, "F1": True}, classes, title=title)
    confused = [
        [evaluation.names[true], evaluation.names[predicted], f"{count:,}"]
        for true, predicted, count in most_confused(evaluation, _LINES)
    ]
    if confused:
        headings = {"is": False, "was answered with": False, "images": True}
        print_table(headings, confused, title="\nMost frequent mistakes")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _interval(interval: tuple[float, float]) -> str:
    return f"{_percent(interval[0])} to {_percent(interval[1])}"
