"""`bench`, as a person calls it: every benchmark ends well with tiny sizes and keeps a well-formed result."""

import json

import pytest

from vit_core.bench import options
from vit_core.cli import main, words_bench

TINY = ("--windows", "2", "--window-s", "0.001")
MODEL = ("--model", "Ti/16", "--resolution", "32")


@pytest.fixture
def bench(capsys, monkeypatch, tmp_path):
    """Run `bench` in this process; gives the exit code, what was printed, and the file's content."""
    monkeypatch.setenv("VIT_DEVICE", "cpu")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")

    def run(*words):
        path = tmp_path / "result.json"
        code = main(["bench", *words, "--to", str(path)])
        kept = json.loads(path.read_text()) if path.exists() else None
        return code, capsys.readouterr(), kept

    return run


@pytest.mark.parametrize(
    ("words", "tasks"),
    [
        (("infer", *MODEL, "--batch", "1"), {"forward pass", "matrix product"}),
        (("train", *MODEL, "--batch", "2"), {"fine-tuning step", "peak memory"}),
        (("load", *MODEL), {"file to device", "second checkpoint to first prediction"}),
        (("start", *MODEL, "--windows", "1"), {"warm compile cache, from Python", "empty compile cache, from Python"}),
        (("decode", *MODEL, "--batch", "1", "--windows", "1"), {"decode and resize, 500x375"}),
        (("catalog", "--windows", "1"), {"load the table", "filter, group and sort, 51,509 rows"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_benchmark_keeps_medians_within_their_quartiles(bench, words, tasks):
    code, printed, kept = bench(words[0], *TINY, *words[1:])

    assert code == 0, printed.err
    assert kept["bench"] == words[0]
    assert tasks <= {row["task"] for row in kept["rows"]}
    for row in kept["rows"]:
        assert 0 <= row["low"] <= row["median"] <= row["high"]
        assert len(row["figures"]) >= 1
        assert row["task"] in printed.out


def test_json_is_what_the_file_holds(bench):
    code, printed, kept = bench("infer", *TINY, *MODEL, "--batch", "1", "--format", "json")

    assert code == 0
    assert json.loads(printed.out) == kept
    assert kept["options"]["model"] == "Ti/16"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("infer", "--model", "B/15"), "B/16"),
        (("infer", "--windows", "0"), "--windows is 0"),
        (("infer", "--window-s", "0"), "--window-s is 0"),
        (("infer", "--batch", "-1"), "--batch is -1"),
        (("infer", "--resolution", "30", "--model", "Ti/16"), "30"),
        (("infer", "--threads", "100000"), "--threads is 100000"),
        (("catalog", "--model", "B/16"), "--model is 'B/16'"),
        (("load", "--batch", "8"), "--batch is 8"),
        (("train", "--dtype", "bfloat16"), "--dtype is 'bfloat16'"),
    ],
)
def test_what_cannot_be_measured_is_one_line(bench, words, part):
    code, printed, kept = bench(*words)

    assert (code, printed.out, kept) == (2, "", None)
    assert part in printed.err
    assert len(printed.err.splitlines()) == 1


def test_a_file_that_cannot_be_written_is_told_before_measuring(capsys, tmp_path):
    code = main(["bench", "catalog", "--to", str(tmp_path / "nowhere" / "x.json")])

    assert code == 2
    assert "--to is" in capsys.readouterr().err


def test_the_words_of_the_command_are_those_of_the_benchmarks():
    assert tuple(options.BENCHES) == words_bench.BENCHES
    assert words_bench.DTYPES == options.DTYPES
