"""What an evaluation found, and how its figures follow from what is known of each image. No JAX here.

Classes are called by the number of their output in the checkpoint; only those that occur are listed, so that a table
of 21,843 by 21,843 is never made.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vit_core.datasets.dataset import Example, LeftOut
from vit_core.evaluation.calibration import Bin, expected_error, reliability
from vit_core.evaluation.judging import Judged
from vit_core.training.report import Answered, ClassResult, wilson_interval

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Circumstances:
    """How it was measured, in words and numbers that belong beside every figure.

    Attributes:
        checkpoint: its name, or the name of its file.
        architecture: variant and resolution, "B/16 at 224 px".
        resolution: side of the input in pixels.
        num_classes: outputs of the checkpoint.
        data: name of the data set.
        part: which of its images were judged, as a sentence.
        matching: by which rule classes and outputs were brought together, as a sentence.
        preprocess: "original" or "timm".
        preprocessing: what that does, as a sentence.
        device: "CPU", "NVIDIA H200".
        precision: of the computation, "float32" or "bfloat16".
        batch: images computed at a time.
        seconds: of the wall clock from the first image file to the last answer.
        load_seconds: for reading the checkpoint and compiling, which are not among `seconds`.
        left_out: files that could not be judged, and why.
        notes: what else to know, as sentences.
    """

    checkpoint: str
    architecture: str
    resolution: int
    num_classes: int
    data: str
    part: str
    matching: str
    preprocess: str
    preprocessing: str
    device: str
    precision: str
    batch: int
    seconds: float
    load_seconds: float
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The outcome; shares are 0 to 1 and intervals hold 95 % (Wilson).

    Attributes:
        how: the circumstances.
        num_images: that were judged.
        num_correct: whose most probable class is the true one.
        top1: share of these.
        top1_interval: where it lies on further images like these.
        places: the k of top-k: 5, or fewer where the checkpoint has few classes.
        topk: share of images whose true class is among the k most probable.
        topk_interval: as above.
        mean_class_accuracy: mean of the classes' recalls, each class counted the same.
        loss: mean cross-entropy in nats.
        calibration_error: expected calibration error.
        bins: the answers by their probability.
        outputs: number of the output of each class that the images have, rising.
        classes: their results, in the same order.
        confusion: (true output, predicted output, images), for all pairs that occurred.
        names: of the outputs that `outputs` and `confusion` mention.
        answered: every image, in the order of the data; label and predicted are outputs.
        root: folder that the files are relative to, for pictures; never written into a report.
    """

    how: Circumstances
    num_images: int
    num_correct: int
    top1: float
    top1_interval: Interval
    places: int
    topk: float
    topk_interval: Interval
    mean_class_accuracy: float
    loss: float
    calibration_error: float
    bins: tuple[Bin, ...]
    outputs: tuple[int, ...]
    classes: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, int, int], ...]
    names: Mapping[int, str]
    answered: tuple[Answered, ...]
    root: Path

    @property
    def images_per_second(self) -> float:
        """Speed over `how.seconds`: reading, decoding, resizing and computing."""
        return self.num_images / self.how.seconds if self.how.seconds > 0 else 0.0


def summarise(
    judged: Judged,
    examples: Sequence[Example],
    *,
    names: Sequence[str],
    places: int,
    root: Path,
    how: Circumstances,
) -> Evaluation:
    """Compute all figures.

    Args:
        judged: at least one image.
        examples: the same images.
        names: of all outputs of the checkpoint.
        places: the k that the images were judged with.
        root: folder of the examples' files.
        how: the circumstances.
    """
    right = judged.labels == judged.predicted
    num_images, correct, among = len(right), int(right.sum()), int(judged.in_top.sum())
    outputs, classes = _judge_classes(judged, names)
    bins = reliability(judged.probability, right)
    confusion = _confusion(judged)
    mentioned = {*outputs, *(predicted for _, predicted, _ in confusion)}
    return Evaluation(
        how=how,
        num_images=num_images,
        num_correct=correct,
        top1=correct / num_images,
        top1_interval=wilson_interval(correct, num_images),
        places=places,
        topk=among / num_images,
        topk_interval=wilson_interval(among, num_images),
        mean_class_accuracy=float(np.mean([each.recall for each in classes])),
        loss=float(judged.loss.mean()),
        calibration_error=expected_error(bins),
        bins=bins,
        outputs=outputs,
        classes=classes,
        confusion=confusion,
        names={output: names[output] for output in sorted(mentioned)},
        answered=_answered(judged, examples),
        root=root,
    )


def mistakes(evaluation: Evaluation, limit: int) -> tuple[Answered, ...]:
    """Give the images that were answered wrongly, the most confident answer first."""
    wrong = [each for each in evaluation.answered if each.label != each.predicted]
    return tuple(sorted(wrong, key=lambda each: (-each.probability, each.name))[:limit])


def most_confused(evaluation: Evaluation, limit: int) -> tuple[tuple[int, int, int], ...]:
    """Give the most frequent mistakes: true output, predicted output, images."""
    wrong = [each for each in evaluation.confusion if each[0] != each[1]]
    return tuple(sorted(wrong, key=lambda each: (-each[2], each[0], each[1]))[:limit])


def weakest(evaluation: Evaluation, limit: int) -> tuple[ClassResult, ...]:
    """Give the classes whose images are recognised least, weakest first."""
    return tuple(sorted(evaluation.classes, key=lambda each: (each.recall or 0.0, each.name))[:limit])


def _judge_classes(judged: Judged, names: Sequence[str]) -> tuple[tuple[int, ...], tuple[ClassResult, ...]]:
    size = len(names)
    true = np.bincount(judged.labels, minlength=size)
    given = np.bincount(judged.predicted, minlength=size)
    right = np.bincount(judged.labels[judged.labels == judged.predicted], minlength=size)
    outputs = tuple(int(output) for output in np.flatnonzero(true))
    results = tuple(
        ClassResult(
            names[output],
            int(true[output]),
            float(right[output] / given[output]) if given[output] else None,
            float(right[output] / true[output]),
            # The harmonic mean of precision and recall, written with the counts.
            float(2 * right[output] / (true[output] + given[output])) if given[output] else None,
        )
        for output in outputs
    )
    return outputs, results


def _confusion(judged: Judged) -> tuple[tuple[int, int, int], ...]:
    pairs, counts = np.unique(np.stack([judged.labels, judged.predicted], axis=1), axis=0, return_counts=True)
    return tuple(
        (int(true), int(predicted), int(count)) for (true, predicted), count in zip(pairs, counts, strict=True)
    )


def _answered(judged: Judged, examples: Sequence[Example]) -> tuple[Answered, ...]:
    columns = (judged.labels, judged.predicted, judged.probability, judged.true_probability)
    return tuple(
        Answered(example.name, example.file, label, predicted, round(probability, 6), round(true_probability, 6))
        for example, label, predicted, probability, true_probability in zip(
            examples, *(column.tolist() for column in columns), strict=True
        )
    )
