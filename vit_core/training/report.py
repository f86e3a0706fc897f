"""What is known of a fine-tuned model after its test: accuracy, classes, confusions, every answer. No JAX here.

Figures are of the test part alone. Knows how they follow from the logits and how they are kept in `report.json`.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from vit_core.datasets.dataset import DataSet, Example
from vit_core.errors import BadRun, shorten
from vit_core.training.disk import keeping, write_whole

VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True)
class ClassResult:
    """One class on the test part.

    Attributes:
        name: of the class.
        num_test: its test images.
        precision: of the images that were answered with it, the share that are of it; None if there were none.
        recall: of its images, the share that were answered with it; None if it has none.
        f1: harmonic mean of both; None where either is.
    """

    name: str
    num_test: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Answered:
    """One test image and what the model said.

    Attributes:
        name: how the user called the image.
        file: path below the data set's root.
        label: place of its true class.
        predicted: place of the most probable class.
        probability: of the predicted class.
        true_probability: of the true class.
    """

    name: str
    file: str
    label: int
    predicted: int
    probability: float
    true_probability: float


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome of a run.

    Attributes:
        accuracy: share of the test images that were answered rightly; 0 to 1.
        interval: where the accuracy on further images like these lies with 95 % confidence (Wilson).
        num_test: test images.
        loss: mean cross-entropy in nats, all images counted the same, without label smoothing.
        majority: accuracy of giving every image the most frequent class of the test part.
        classes: in the order of the data set.
        confusion: test images by true class (row) and predicted class (column).
        answered: every test image, in the order of the data set.
        steps: updates made.
        best_step: update after which the reported weights were kept.
        seconds: time the training took, testing and compiling included, without the pauses of a stopped run.
        device: "CPU", "NVIDIA H200".
        images_per_second: while training, of late; None for a run too short to tell.
    """

    accuracy: float
    interval: tuple[float, float]
    num_test: int
    loss: float
    majority: float
    classes: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]
    answered: tuple[Answered, ...]
    steps: int
    best_step: int
    seconds: float
    device: str
    images_per_second: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """What a run cost; see the fields of the same names in `Report`."""

    steps: int
    best_step: int
    seconds: float
    device: str
    images_per_second: float | None


def make_report(dataset: DataSet, logits: Float[np.ndarray, "n K"], *, effort: Effort) -> Report:
    """Judge a model by its logits on the test part.

    Args:
        dataset: what it was trained and tested on.
        logits: of `dataset.of("test")`, in that order; K is the number of classes.
        effort: what the run cost.
    """
    examples = dataset.of("test")
    labels = np.array([example.label for example in examples], np.int64)
    log_probs = log_softmax(np.asarray(logits, np.float64))
    predicted = log_probs.argmax(axis=1) if len(labels) else labels
    confusion = confusion_matrix(labels, predicted, num_classes=len(dataset.classes))
    correct, num_test = int(np.trace(confusion)), len(labels)
    return Report(
        accuracy=correct / num_test if num_test else 0.0,
        interval=wilson_interval(correct, num_test),
        num_test=num_test,
        loss=float(-log_probs[np.arange(num_test), labels].mean()) if num_test else 0.0,
        majority=float(confusion.sum(axis=1).max(initial=0)) / num_test if num_test else 0.0,
        classes=_judge_classes(dataset.classes, confusion),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        answered=_answers(examples, predicted, np.exp(log_probs)),
        steps=effort.steps,
        best_step=effort.best_step,
        seconds=effort.seconds,
        device=effort.device,
        images_per_second=effort.images_per_second,
    )


def log_softmax(logits: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
    """Give the logarithms of the probabilities."""
    shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    logs: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def confusion_matrix(
    labels: Int[np.ndarray, " n"], predicted: Int[np.ndarray, " n"], *, num_classes: int
) -> Int[np.ndarray, "K K"]:
    """Count images by true class (row) and predicted class (column).

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), num_classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    counts = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def wilson_interval(correct: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Give the score interval of a share (E. B. Wilson, JASA 22, 1927); sound for few images and shares near 0 or 1.

    Args:
        correct: images answered rightly.
        n: images.
        z: quantile of the normal distribution; 1.96 for 95 %.

    Example:
        >>> [round(end, 3) for end in wilson_interval(9, 10)]
        [0.596, 0.982]
    """
    if n <= 0:
        return 0.0, 1.0
    share = correct / n
    centre = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # At the ends the formula gives 0 and 1 themselves, and rounding would miss them.
    return (centre - half) / scale if correct else 0.0, (centre + half) / scale if correct < n else 1.0


def write_report(report: Report, path: Path) -> None:
    """Keep a report as JSON, in place of an older one; 10,000 test images are about 1 MB.

    Raises:
        StorageFull: there is no room.
        Failure: the folder cannot be written.
    """
    with keeping("the report", path.parent):
        write_whole(path, json.dumps(to_plain(report), ensure_ascii=False, allow_nan=False))


def read_report(path: Path) -> Report:
    """Read what `write_report` kept.

    Raises:
        BadRun: no such file, not a report, or of another version.
    """
    try:
        return from_plain(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadRun(f"The report {str(path)!r} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRun(
            f"The file {str(path)!r} is not a report of this version: {shorten(str(error), 80)}. "
            "Resume the run to have it made again."
        ) from error


def to_plain(report: Report) -> dict[str, Any]:
    """Give a report as a JSON object; the answers as one list per field, which is a third of the size."""
    plain = {field.name: getattr(report, field.name) for field in dataclasses.fields(Report)}
    plain["version"] = VERSION
    plain["classes"] = [dataclasses.asdict(each) for each in report.classes]
    plain["answered"] = {
        field.name: [getattr(each, field.name) for each in report.answered] for field in dataclasses.fields(Answered)
    }
    return plain


def from_plain(plain: Mapping[str, Any]) -> Report:
    """Read a report from a JSON object.

    Raises:
        ValueError, KeyError, TypeError: not such an object.
    """
    if plain["version"] != VERSION:
        raise ValueError(f"it has the version {plain['version']!r}")
    fields = {field.name: plain[field.name] for field in dataclasses.fields(Report)}
    columns = [fields["answered"][field.name] for field in dataclasses.fields(Answered)]
    low, high = fields["interval"]
    fields |= {
        "interval": (float(low), float(high)),
        "classes": tuple(ClassResult(**each) for each in fields["classes"]),
        "confusion": tuple(tuple(int(count) for count in row) for row in fields["confusion"]),
        "answered": tuple(Answered(*values) for values in zip(*columns, strict=True)),
    }
    return Report(**fields)


def _judge_classes(names: Sequence[str], confusion: np.ndarray) -> tuple[ClassResult, ...]:
    right, true, answered = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    results = []
    for place, name in enumerate(names):
        precision = float(right[place] / answered[place]) if answered[place] else None
        recall = float(right[place] / true[place]) if true[place] else None
        results.append(ClassResult(name, int(true[place]), precision, recall, _f1(precision, recall)))
    return tuple(results)


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _answers(examples: Sequence[Example], predicted: np.ndarray, probs: np.ndarray) -> tuple[Answered, ...]:
    return tuple(
        Answered(
            example.name,
            example.file,
            example.label,
            int(predicted[place]),
            round(float(probs[place, predicted[place]]), 6),
            round(float(probs[place, example.label]), 6),
        )
        for place, example in enumerate(examples)
    )
