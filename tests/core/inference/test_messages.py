"""What one process means is what the other understands."""

import io
from pathlib import Path

import numpy as np
import pytest

from vit_core.errors import BadCheckpoint, OutOfMemory, PredictorError
from vit_core.inference.frames import Frame, read_frame, write_frame
from vit_core.inference.messages import (
    Batch,
    BatchAnswer,
    BatchKey,
    answer_from_frame,
    answer_to_frame,
    batch_from_frame,
    batch_to_frame,
    error_from_frame,
    error_to_frame,
)
from vit_core.inference.results import ImageAnswer, Prediction


def sent(frame):
    stream = io.BytesIO()
    write_frame(stream, frame)
    stream.seek(0)
    return read_frame(stream)


@pytest.mark.parametrize("labels", [None, Path("/labels.txt")])
def test_a_batch_arrives_as_it_was(labels):
    key = BatchKey("name", Path("/x/y.npz"), labels, 64, "crop", attention=True)
    batch = Batch(key, ("ä.jpg", "b\n"), (5, 1), (b"\0\1", b""))
    assert batch_from_frame(sent(batch_to_frame(batch))) == batch


def test_an_answer_arrives_as_it_was():
    crop = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    heads = np.ones((2, 2, 4, 4), np.float16)
    rollout = np.full((2, 4, 4), 0.25, np.float32)
    images = (
        ImageAnswer("a", (Prediction(3, "cat", 0.75), Prediction(1, "dog", 0.25)), None, crop, heads, rollout),
        ImageAnswer("b", error="'b' is empty."),
        ImageAnswer("c", (Prediction(0, "x", 1.0),), crop=crop),
    )
    answer = BatchAnswer(images, 4, 10, "", "numbered.", ("note",), {"load": 0.5}, ("tiny", "other"), "no head")
    received = answer_from_frame(sent(answer_to_frame(answer)))
    assert received.images[0].predictions == images[0].predictions
    assert received.images[1] == images[1]
    assert received.images[2].heads is None
    for name in ("crop", "heads", "rollout"):
        array = getattr(received.images[0], name)
        assert array.dtype == getattr(images[0], name).dtype
        np.testing.assert_array_equal(array, getattr(images[0], name))
    assert (received.resolution, received.num_classes, received.label_source) == (4, 10, "numbered.")
    assert received.no_classes == "no head"
    assert (received.notes, dict(received.seconds), received.loaded) == (("note",), {"load": 0.5}, ("tiny", "other"))


@pytest.mark.parametrize("kind", [BadCheckpoint, OutOfMemory, PredictorError])
def test_an_error_keeps_its_class_and_its_sentence(kind):
    received = error_from_frame(sent(error_to_frame(kind("It is broken."))))
    assert type(received) is kind
    assert str(received) == "It is broken."


@pytest.mark.parametrize("name", ["SystemExit", "shorten", "Iterable", "no such"])
def test_nothing_but_our_errors_is_made_from_a_message(name):
    received = error_from_frame(sent(Frame("error", {"class": name, "message": "x"})))
    assert type(received) is PredictorError
