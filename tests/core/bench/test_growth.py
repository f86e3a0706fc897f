"""How cost grows: exponents of known costs, and parts that run with little."""

import json

import pytest

from benchmarks import gpu
from benchmarks.growth import exponents, main, slope
from benchmarks.growth_point import Point
from benchmarks.results_index import results_folder


def test_the_exponent_of_a_line_is_1_and_of_a_square_2():
    assert slope([(size, 3 * size) for size in (10, 100, 1000)]) == pytest.approx(1)
    assert slope([(size, size**2) for size in (1, 7)]) == pytest.approx(2)


def test_fixed_costs_of_small_sizes_do_not_hide_how_large_ones_grow():
    points = [Point(size, "work", "s", (1000 + size**2,)) for size in (1, 10, 10_000, 100_000)]

    assert exponents(points)["work"] == pytest.approx(2, abs=0.01)


def test_one_size_has_no_exponent():
    assert exponents([Point(10, "work", "s", (1.0,))]) == {}


@pytest.mark.parametrize(
    ("part", "cap", "tasks"),
    [
        ("runs", 100, {"list, 10 runs", "list, 100 runs", "list, exponent"}),
        ("images", 100, {"indexing, 100 training images", "health check, 100 training images"}),
    ],
)
def test_a_part_runs_with_a_cap_and_keeps_its_figures(tmp_path, part, cap, tasks):
    assert main(["--only", part, "--cap", str(cap), "--folder", str(tmp_path)]) == 0

    kept = json.loads((tmp_path / f"growth-{part}.json").read_text())
    rows = {row["task"]: row for row in kept["rows"]}
    assert tasks <= set(rows)
    for row in rows.values():
        assert row["low"] <= row["median"] <= row["high"]


def test_a_folder_for_results_is_made_or_refused_before_anything_is_measured(tmp_path, capsys):
    assert results_folder(str(tmp_path / "new" / "one")).is_dir()

    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        main(["--folder", str(tmp_path / "file")])
    assert f"'{tmp_path / 'file'}' is no folder that results can go to" in capsys.readouterr().err


def test_the_gpu_benchmark_refuses_a_machine_without_one(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

    assert gpu.main(["--folder", str(tmp_path)]) == 2

    assert "There is no GPU here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
