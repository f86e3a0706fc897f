"""An evaluation as data for programs: a JSON object, and a table with a line per image."""

import dataclasses
from typing import Any

import pandas as pd

from vit_core.catalog.schema import to_csv_bytes
from vit_core.evaluation.figures import Evaluation, mistakes

VERSION = 1
_MISTAKES = 100


def to_plain(evaluation: Evaluation) -> dict[str, Any]:
    """Give all figures as a JSON object; of the single answers only the most confident mistakes.

    Shares are 0 to 1, losses in nats, times in seconds. Classes and outputs are named; "confusion" holds true output,
    predicted output and images for all pairs that occurred.
    """
    how = dataclasses.asdict(evaluation.how)
    names = evaluation.names
    return {
        "version": VERSION,
        **how,
        "num_images": evaluation.num_images,
        "num_correct": evaluation.num_correct,
        "num_left_out": len(evaluation.how.left_out),
        "top1": evaluation.top1,
        "top1_interval": list(evaluation.top1_interval),
        "places": evaluation.places,
        "topk": evaluation.topk,
        "topk_interval": list(evaluation.topk_interval),
        "mean_class_accuracy": evaluation.mean_class_accuracy,
        "negative_log_likelihood": evaluation.loss,
        "expected_calibration_error": evaluation.calibration_error,
        "images_per_second": evaluation.images_per_second,
        "reliability": [dataclasses.asdict(each) for each in evaluation.bins],
        "classes": [
            {"output": output, **dataclasses.asdict(each)}
            for output, each in zip(evaluation.outputs, evaluation.classes, strict=True)
        ],
        "confusion": [list(each) for each in evaluation.confusion],
        "names": {str(output): name for output, name in names.items()},
        "mistakes": [
            {
                "file": each.name,
                "label": names[each.label],
                "predicted": names[each.predicted],
                "probability": each.probability,
                "true_probability": each.true_probability,
            }
            for each in mistakes(evaluation, _MISTAKES)
        ],
    }


def to_table(evaluation: Evaluation) -> bytes:
    """Give every answer as CSV; a text that a spreadsheet would run as a formula starts with an apostrophe."""
    names, answered = evaluation.names, evaluation.answered
    frame = pd.DataFrame(
        {
            "file": [each.name for each in answered],
            "label": [names[each.label] for each in answered],
            "predicted": [names[each.predicted] for each in answered],
            "probability": [each.probability for each in answered],
            "true_probability": [each.true_probability for each in answered],
        }
    )
    return to_csv_bytes(frame)
