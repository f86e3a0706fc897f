"""The curve as it is written: lines that are whole at once, and event files that TensorBoard reads."""

import struct

import pytest
from tensorboardX.proto.event_pb2 import Event

from vit_core.errors import Failure
from vit_core.training.metrics import EVENTS_FOLDER, FILE_NAME, MetricsWriter
from vit_core.training.metrics_file import read_metrics


def events(folder):
    """Read the event files as TensorBoard does: length, its checksum, bytes, their checksum."""
    found = []
    for path in sorted((folder / EVENTS_FOLDER).iterdir()):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            found.append(Event.FromString(data[place + 12 : place + 12 + length]))
            place += 12 + length + 4
    return found


def scalars(folder):
    return {
        (value.tag, event.step): pytest.approx(value.simple_value)
        for event in events(folder)
        for value in event.summary.value
    }


def test_a_row_can_be_read_as_soon_as_it_was_written(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.write({"step": 1, "loss": 0.5})
        assert read_metrics(tmp_path / FILE_NAME) == ({"step": 1, "loss": 0.5},)


def test_tensorboard_gets_the_same_figures(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.write({"step": 3, "loss": 0.5, "learning_rate": 0.01, "test_accuracy": 0.75, "seconds": 9})
    assert scalars(tmp_path) == {
        ("train/loss", 3): 0.5,
        ("train/learning_rate", 3): 0.01,
        ("test/accuracy", 3): 0.75,
    }


def test_a_continued_curve_goes_on_in_the_same_file_and_tells_tensorboard_to_forget_what_was_beyond(tmp_path):
    for first, step in ((0, 1), (1, 2)):
        with MetricsWriter(tmp_path, first_step=first) as writer:
            writer.write({"step": step, "loss": 1.0})
    assert [row["step"] for row in read_metrics(tmp_path / FILE_NAME)] == [1, 2]
    starts = [event.step for event in events(tmp_path) if event.HasField("session_log")]
    assert starts == [1, 2]


def test_a_line_torn_by_a_kill_does_not_spoil_the_next(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"step": 1}\n{"step": 2, "lo')
    with MetricsWriter(tmp_path, first_step=1) as writer:
        writer.write({"step": 2})
    assert [row["step"] for row in read_metrics(tmp_path / FILE_NAME)] == [1, 2]


def test_a_loss_that_is_no_number_is_left_out(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.write({"step": 1, "loss": float("nan"), "learning_rate": 0.1})
    assert read_metrics(tmp_path / FILE_NAME) == ({"step": 1, "learning_rate": 0.1},)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Failure, match="the curve cannot be written"):
        MetricsWriter(tmp_path / "missing")
