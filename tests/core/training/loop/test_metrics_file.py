"""The curve as it is read: torn, repeated, strange and long files."""

import json

import pytest

from vit_core.errors import BadRun
from vit_core.training.metrics_file import read_metrics


@pytest.fixture
def write(tmp_path):
    def write(*lines: str | bytes, end: str = "\n"):
        path = tmp_path / "metrics.jsonl"
        data = [line if isinstance(line, bytes) else line.encode() for line in lines]
        path.write_bytes(b"\n".join(data) + end.encode())
        return path

    return write


def test_rows_come_as_they_were_written(write):
    path = write('{"step": 1, "loss": 2.5}', '{"step": 2, "loss": 2, "test_accuracy": 0.5}')
    assert read_metrics(path) == ({"step": 1, "loss": 2.5}, {"step": 2, "loss": 2, "test_accuracy": 0.5})


def test_no_file_is_no_rows(tmp_path):
    assert read_metrics(tmp_path / "metrics.jsonl") == ()


def test_of_a_repeated_step_the_last_row_counts_and_rows_come_by_step(write):
    path = write('{"step": 1, "loss": 3}', '{"step": 5, "loss": 1}', '{"step": 2, "loss": 2}', '{"step": 1, "loss": 4}')
    assert [(row["step"], row["loss"]) for row in read_metrics(path)] == [(1, 4), (2, 2), (5, 1)]


def test_a_torn_last_line_is_skipped(write):
    assert len(read_metrics(write('{"step": 1}', '{"step": 2, "lo', end=""))) == 1


@pytest.mark.parametrize(
    "line", ["", "null", "[1]", '"step"', "{}", '{"step": true}', '{"step": -1}', b"\xff\xfe", "1e999"]
)
def test_a_line_that_is_no_row_is_skipped(line, write):
    assert [row["step"] for row in read_metrics(write('{"step": 1}', line, '{"step": 2}'))] == [1, 2]


def test_values_that_are_no_finite_numbers_are_left_out(write):
    path = write('{"step": 1, "loss": NaN, "grad_norm": 1e999, "accuracy": "high", "learning_rate": 0.1}')
    assert read_metrics(path) == ({"step": 1, "learning_rate": 0.1},)


def test_of_a_long_file_the_end_is_read_from_a_whole_line_on(write):
    path = write(*(json.dumps({"step": step}) for step in range(1, 1001)))
    rows = read_metrics(path, limit_bytes=100)
    assert rows[-1] == {"step": 1000}
    assert 5 <= len(rows) <= 8


def test_a_folder_in_its_place_is_named(tmp_path):
    with pytest.raises(BadRun, match="cannot be read"):
        read_metrics(tmp_path)
