"""What becomes of figures: rows, shares of a ceiling, files that hold results only."""

import json

import pytest

from vit_core.bench.conditions import Conditions
from vit_core.bench.report import Report, Row, with_share, write_report


def report_of(*rows):
    return Report(bench="infer", subject="B/16", options={}, measured=Conditions().to_plain(), rows=rows)


def test_a_report_is_kept_with_its_figures_and_its_machine(tmp_path):
    row = Row(task="forward pass", unit="img/s", better="more", figures=(1.0, 2.0, 4.0))
    path = tmp_path / "infer.json"

    write_report(path, report_of(with_share(row, of=(10.0, 20.0, 30.0), ceiling="matrix product", amount=5.0)))

    kept = json.loads(path.read_text())
    assert {"at", "cpu", "cores", "threads", "load_average", "versions", "commit"} <= set(kept["measured"])
    assert kept["rows"] == [
        {
            "task": "forward pass",
            "unit": "img/s",
            "better": "more",
            "low": 1.5,
            "median": 2.0,
            "high": 3.0,
            "figures": [1.0, 2.0, 4.0],
            "share": 0.5,
            "ceiling": "matrix product",
        }
    ]


def test_a_refused_row_has_a_reason_and_no_figure():
    plain = Row(task="a peer", unit="img/s", better="more", refused="Its logits differ by 0.3.").to_plain()

    assert plain == {"task": "a peer", "unit": "img/s", "better": "more", "refused": "Its logits differ by 0.3."}


def test_a_report_without_a_result_is_never_written(tmp_path):
    path = tmp_path / "infer.json"
    path.write_text("{}")

    with pytest.raises(ValueError, match="result"):
        write_report(path, report_of(Row(task="a", unit="s", better="less", refused="It is wrong.")))

    assert path.read_text() == "{}"
    assert list(tmp_path.iterdir()) == [path]
