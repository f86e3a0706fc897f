"""What the frames mean: a batch to classify, its answer, the stages in between, an error. For both sides, without JAX.

web process                                   predictor process
             <-- ready (device)
batch  -->
             <-- stage, once or more
             <-- answer | error
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vit_core import errors
from vit_core.errors import PredictorError, VitError
from vit_core.inference.frames import Blob, Frame
from vit_core.inference.results import ImageAnswer, Prediction


@dataclasses.dataclass(frozen=True)
class BatchKey:
    """What images must have in common to go through a device together."""

    checkpoint: str
    path: Path
    labels: Path | None
    resolution: int | None
    preprocessing: str
    attention: bool


@dataclasses.dataclass(frozen=True)
class Batch:
    """Images, possibly of several requests, to be computed together.

    Attributes:
        key: what they have in common.
        names: of the images.
        top_k: classes wanted, per image.
        images: bytes of the image files.
    """

    key: BatchKey
    names: tuple[str, ...]
    top_k: tuple[int, ...]
    images: tuple[bytes, ...]


@dataclasses.dataclass(frozen=True)
class BatchAnswer:
    """The answer to a batch.

    Attributes:
        images: one answer per image, in order.
        resolution: of the model's input, in pixels.
        num_classes: width of the classifier.
        label_set: see `Answer`.
        label_source: see `Answer`.
        notes: what to know of the checkpoint.
        seconds: "load", "compile", "decode", "run".
        loaded: names of the checkpoints now in memory, the one used last first.
        no_classes: see `Answer`.
    """

    images: tuple[ImageAnswer, ...]
    resolution: int
    num_classes: int
    label_set: str
    label_source: str
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    loaded: tuple[str, ...]
    no_classes: str = ""


def batch_to_frame(batch: Batch) -> Frame:
    """Write a batch for the predictor process."""
    key = batch.key
    fields = {
        "checkpoint": key.checkpoint,
        "path": str(key.path.absolute()),
        "labels": None if key.labels is None else str(key.labels.absolute()),
        "resolution": key.resolution,
        "preprocessing": key.preprocessing,
        "attention": key.attention,
        "names": batch.names,
        "top_k": batch.top_k,
    }
    return Frame("batch", fields, batch.images)


def batch_from_frame(frame: Frame) -> Batch:
    """Read what `batch_to_frame` wrote."""
    fields = dict(frame.fields)
    names, top_k = tuple(fields.pop("names")), tuple(fields.pop("top_k"))
    labels = fields.pop("labels")
    key = BatchKey(path=Path(fields.pop("path")), labels=None if labels is None else Path(labels), **fields)
    return Batch(key, names, top_k, tuple(blob for blob in frame.blobs if isinstance(blob, bytes)))


def answer_to_frame(answer: BatchAnswer) -> Frame:
    """Write an answer for the web process."""
    blobs: list[Blob] = []
    images = [_image_fields(image, blobs) for image in answer.images]
    fields = {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}
    return Frame("answer", {**fields, "images": images}, blobs)


def answer_from_frame(frame: Frame) -> BatchAnswer:
    """Read what `answer_to_frame` wrote."""
    fields = dict(frame.fields)
    images = tuple(_image_answer(image, frame.blobs) for image in fields.pop("images"))
    notes, loaded = tuple(fields.pop("notes")), tuple(fields.pop("loaded"))
    return BatchAnswer(images=images, notes=notes, loaded=loaded, **fields)


def error_to_frame(error: VitError) -> Frame:
    """Write an error for the web process, by the name of its class."""
    return Frame("error", {"class": type(error).__name__, "message": str(error)})


def error_from_frame(frame: Frame) -> VitError:
    """Read what `error_to_frame` wrote; a class outside `vit_core.errors` becomes a `PredictorError`."""
    known = getattr(errors, str(frame.fields["class"]), None)
    is_ours = isinstance(known, type) and issubclass(known, VitError)
    kind: type[VitError] = known if is_ours and known is not None else PredictorError
    return kind(str(frame.fields["message"]))


_ARRAYS = ("crop", "heads", "rollout")


def _image_fields(image: ImageAnswer, blobs: list[Blob]) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": image.name, "error": image.error}
    fields["predictions"] = [dataclasses.astuple(prediction) for prediction in image.predictions]
    for name in _ARRAYS:
        if (array := getattr(image, name)) is not None:
            fields[name] = len(blobs)
            blobs.append(array)
    return fields


def _image_answer(fields: Mapping[str, Any], blobs: Sequence[Blob]) -> ImageAnswer:
    arrays = {name: np.asarray(blobs[fields[name]]) for name in _ARRAYS if name in fields}
    predictions = tuple(Prediction(*values) for values in fields["predictions"])
    return ImageAnswer(fields["name"], predictions, fields["error"], **arrays)
