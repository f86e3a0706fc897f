"""What a card says of a run, in Markdown: what the model learned from, how it was tested and how it was trained.

Numbers of a user's pictures, never the names of the files.
"""

import dataclasses
import math
from collections.abc import Iterable

from vit_core.datasets.dataset import DataSet
from vit_core.export.markdown import escape, table
from vit_core.training.config import FIELDS, TrainConfig
from vit_core.training.report import Report

_MOST_CLASSES = 200  # rows of a table; the report has all
_FEW_TESTS = 100
_PUBLISHED_BATCH = 512
_ALWAYS = ("resolution", "total_steps", "batch", "learning_rate", "warmup_steps")
# These change where and how often something is computed, not what.
_NO_RECIPE = frozenset({"checkpoint", "eval_every", "checkpoint_every", "accum_steps", "remat", "seed", *_ALWAYS})


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunWords:
    """The parts of a card that a run fills.

    Attributes:
        learned: the pictures, in numbers.
        judged: accuracy with its interval, and the classes.
        trained: the settings, and in what they differ from the published recipe.
        caveats: what the test cannot tell, as sentences.
    """

    learned: str
    judged: str
    trained: str
    caveats: tuple[str, ...]


def run_words(*, config: TrainConfig, dataset: DataSet, report: Report) -> RunWords:
    """Put a run into words; names that users gave are escaped.

    Args:
        config: the settings of the run.
        dataset: what it learned from and was tested on.
        report: how the test went.
    """
    return RunWords(
        learned=_learned(dataset),
        judged=_judged(report),
        trained=_trained(config, report),
        caveats=_caveats(report),
    )


def _learned(dataset: DataSet) -> str:
    train, test = dataset.of("train"), dataset.of("test")
    how = (
        "The user had put aside the pictures to test on."
        if dataset.split == "folders"
        else f"The pictures to test on were drawn from every class: {dataset.test_share:.0%}, with the seed "
        f"{dataset.seed}."
    )
    left = f" {len(dataset.left_out):,} files were left out." if dataset.left_out else ""
    return (
        f"From {len(train):,} pictures; {len(test):,} others were kept to test on. {how}{left} "
        "The pictures are not part of this folder."
    )


def _judged(report: Report) -> str:
    if not report.num_test:
        return "It was not tested: there were no pictures to test on."
    correct = sum(row[place] for place, row in enumerate(report.confusion))
    low, high = report.interval
    sentence = (
        f"**{_percent(report.accuracy)} right: {correct:,} of {report.num_test:,} test pictures.** On further pictures "
        f"like these the share lies between {_percent(low)} and {_percent(high)} (95 % confidence, Wilson). "
        f"Always answering the most frequent class would get {_percent(report.majority)}."
    )
    rows = [
        [escape(each.name), f"{each.num_test:,}", *map(_percent, (each.precision, each.recall, each.f1))]
        for each in report.classes[:_MOST_CLASSES]
    ]
    more = len(report.classes) - len(rows)
    lines = [sentence, table(["class", "test pictures", "precision", "recall", "F1"], rows)]
    lines += [f"{more:,} more classes are in report.json."] if more > 0 else []
    lines += [
        "Precision: of the pictures answered with the class, the share that are of it. Recall: of the pictures of the "
        "class, the share that were found. A dash: no such picture."
    ]
    return _join(*lines)


def _trained(config: TrainConfig, report: Report) -> str:
    defaults = {field.name: field.default for field in dataclasses.fields(TrainConfig)}
    always = [(field, getattr(config, field)) for field in _ALWAYS]
    changed = [
        (field, value)
        for field, value in ((field, getattr(config, field)) for field in FIELDS if field not in _NO_RECIPE)
        if value != defaults[field]
    ]
    lines = [f"{FIELDS[field].label}: {_value(value)}" for field, value in always]
    recipe = (
        "The recipe is that of the published fine-tunes (SGD with momentum 0.9, cosine schedule, gradients clipped at "
        "1, a new head of zeros, random crops and mirroring, neither weight decay nor dropout; arXiv 2106.10270)"
    )
    differs = [f"{FIELDS[field].label} ({field}): {_value(value)}" for field, value in changed]
    if config.batch != _PUBLISHED_BATCH:
        differs.append(f"Batch: {config.batch} pictures; the published fine-tunes took {_PUBLISHED_BATCH}")
    ending = f"{recipe}, except for:" if differs else f"{recipe}."
    kept = f"The weights are those after step {report.best_step:,} of {report.steps:,}"
    took = f"{kept}. Training took {_duration(report.seconds)} on {escape(report.device)}."
    return _join(_bullets(lines), ending, *([_bullets(differs)] if differs else []), took)


def _caveats(report: Report) -> tuple[str, ...]:
    chosen = "The step whose weights were kept was chosen by the same test pictures, so new ones may go a little worse."
    if not 0 < report.num_test < _FEW_TESTS:
        return (chosen,)
    few = (
        f"{report.num_test} test pictures are few: the accuracy is known no better than the interval above says, "
        "and the figures of a class much less well."
    )
    return few, chosen


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _join(*parts: str) -> str:
    return "\n\n".join(parts)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else escape(f"{value:,}" if isinstance(value, int) else str(value))


def _duration(seconds: float) -> str:
    if not math.isfinite(seconds) or seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
