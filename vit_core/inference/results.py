"""What is asked of a predictor and what it answers: plain data, without JAX, for both sides of the process border."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, UInt8

from vit_core.errors import BadInput, shorten
from vit_core.preprocess import METHODS

MAX_IMAGES = 200
MAX_IMAGE_BYTES = 500_000_000

State = Literal["cold", "starting", "ready", "busy"]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One class and how likely the model finds it.

    Attributes:
        index: output of the classifier, from 0.
        label: its name, or "class 17" where no name is known.
        probability: softmax over all classes, 0 to 1.
    """

    index: int
    label: str
    probability: float


@dataclasses.dataclass(frozen=True)
class Request:
    """Images to classify with one checkpoint.

    Attributes:
        checkpoint: its name, or the path of the user's own file; decides the class names.
        path: the local file.
        images: the bytes of the image files.
        names: how answers and messages call them, one each.
        top_k: how many classes to give per image.
        resolution: in pixels; None takes the checkpoint's own.
        preprocessing: a key of `vit_core.preprocess.METHODS`.
        attention: whether attention maps are wanted; they cost about as much as the prediction.
        labels: a file of class names, one per line; None takes those of the data set in the checkpoint's name.

    Raises:
        BadInput: no images, too many of them, or a value out of its range.
    """

    checkpoint: str
    path: Path
    images: tuple[bytes, ...]
    names: tuple[str, ...]
    top_k: int = 5
    resolution: int | None = None
    preprocessing: str = "resize"
    attention: bool = False
    labels: Path | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without opening a file."""
        if not self.images:
            raise BadInput("There is no image to classify; add at least one.")
        if len(self.images) > MAX_IMAGES:
            raise BadInput(f"{len(self.images)} images at once are too many; at most {MAX_IMAGES} are accepted.")
        if (size := self.size_bytes) > MAX_IMAGE_BYTES:
            raise BadInput(
                f"The images have {size / 1e6:.0f} MB together; at most {MAX_IMAGE_BYTES / 1e6:.0f} MB are accepted."
            )
        if len(self.names) != len(self.images):
            raise BadInput(f"There are {len(self.images)} images and {len(self.names)} names; give each image a name.")
        if self.top_k < 1:
            raise BadInput(f"top_k is {self.top_k}; at least one class has to be given per image.")
        if self.preprocessing not in METHODS:
            known = ", ".join(METHODS)
            raise BadInput(f"There is no preprocessing {shorten(self.preprocessing)!r}; it is one of {known}.")

    @property
    def size_bytes(self) -> int:
        """Bytes of all images."""
        return sum(map(len, self.images))


@dataclasses.dataclass(frozen=True)
class ImageAnswer:
    """The answer for one image.

    Attributes:
        name: as in the request.
        predictions: the most probable classes, best first; empty when `error` is set, and when the checkpoint knows no
            classes.
        error: why this image could not be classified, as a sentence for people; None when it was.
        crop: uint8 [res, res, 3], exactly what the model saw.
        heads: [L, H, h, w], attention of each layer and head from the class token to the patches (mean over all patches
            where the model has no class token); None unless asked for.
        rollout: [L, h, w], attention rollout up to each layer; None unless asked for.
    """

    name: str
    predictions: tuple[Prediction, ...] = ()
    error: str | None = None
    crop: UInt8[np.ndarray, "res res 3"] | None = None
    heads: Float[np.ndarray, "L H h w"] | None = None
    rollout: Float32[np.ndarray, "L h w"] | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Attributes:
        images: one per image of the request, in its order.
        device: what computed it, as text: "CPU", "NVIDIA H200".
        resolution: in pixels, of the model's input.
        preprocessing: the key of the request.
        num_classes: width of the classifier.
        label_set: data set of the class names, "" where outputs are numbered or the names are the user's own.
        label_source: where the names come from, or why there are none, as a sentence.
        notes: what to know of the checkpoint, as sentences.
        seconds: "queue", "load", "compile", "decode", "run"; what did not happen for this request is 0.
        batch_images: images in the largest batch that held images of this request, those of other users included.
        no_classes: why the checkpoint names no classes (its head is missing, or all zeros), as a sentence; "" where it
            does.
    """

    images: tuple[ImageAnswer, ...]
    device: str
    resolution: int
    preprocessing: str
    num_classes: int
    label_set: str
    label_source: str
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    batch_images: int
    no_classes: str = ""


@dataclasses.dataclass(frozen=True)
class ServiceStatus:
    """How the predictor process is doing.

    Attributes:
        state: "cold" (no process yet, or none any more), "starting", "ready", "busy".
        device: what it computes on, as text; None while that is unknown.
        loaded: names of the checkpoints in memory, the one used last first.
        queued: requests that wait, those being computed left out.
        memory_bytes: of the accelerator; None on a CPU, and while it is unknown.
    """

    state: State
    device: str | None
    loaded: tuple[str, ...]
    queued: int
    memory_bytes: int | None = None
