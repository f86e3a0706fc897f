"""Peers are measured in turns, and only those that compute the same have a figure."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.cells import EAGER, LINEN, OURS, Cell, cells
from benchmarks.contestant import Contestant, Disqualified
from benchmarks.gate import agreement, alike, difference
from benchmarks.peers import Campaign, main, run_all, why_not
from vit_core.bench.report import Report, Row

TINY = Path(__file__).parents[2] / "support" / "tiny_contestant.py"
CELL = Cell(kind="infer", model="Ti/16", batch=1, contestants=(OURS, EAGER, LINEN), resolution=32)


@pytest.fixture
def campaign(tmp_path, monkeypatch):
    """Give a function that races contestants of which each answers with the number given for its name."""
    monkeypatch.setenv("PYTHONPATH", str(TINY.parents[2]))

    def race(**answers):
        names = {OURS: "ours", EAGER: "eager", LINEN: "linen"}

        def command(name):
            return [sys.executable, str(TINY), answers[names[name]]]

        told = Campaign(windows=3, window_s=0.001, folder=tmp_path, command=command, although_busy=True)
        return run_all([CELL], told, budget_s=1e9)

    return race


def test_a_peer_that_computes_something_else_has_a_reason_and_no_figure(campaign, tmp_path, capsys):
    code = campaign(ours="1.0", eager="1.00001", linen="1.5")

    assert code == 0
    kept = json.loads((tmp_path / f"{CELL.name}.json").read_text())
    rows = {row["task"]: row for row in kept["rows"]}
    assert "answers differ by at most 1e-05" in rows[EAGER]["note"]
    assert rows[LINEN]["refused"] == "Its answers differ by 0.5, more than 0.0001."
    assert "median" not in rows[LINEN]
    assert [len(rows[name]["figures"]) for name in (OURS, EAGER)] == [3, 3]
    assert all(row["low"] <= row["median"] <= row["high"] for row in rows.values() if "median" in row)
    assert "no result" in capsys.readouterr().out


def test_without_answers_of_ours_nothing_is_written(campaign, tmp_path):
    code = campaign(ours="nan", eager="1.0", linen="1.0")

    assert code == 1
    assert list(tmp_path.glob("*.json")) == []


def test_a_busy_machine_has_no_results_unless_asked_for():
    measured = {"others_busy_percent": [3.0, 80.0]}
    rows = [Row(task=OURS, unit="img/s", better="more", figures=(1.0,))]
    report = Report(bench="infer", subject="", options={}, measured=measured, rows=rows)

    assert "80 % of the cores" in why_not(report, Campaign())
    assert why_not(report, Campaign(although_busy=True)) == ""


def test_a_contestant_runs_only_while_it_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TINY.parents[2]))
    contestant = Contestant(
        [sys.executable, str(TINY), "1.0"], {"PYTHONPATH": str(TINY.parents[2])}, log=tmp_path / "log"
    )
    try:
        contestant.ask("prepare")
        assert psutil.Process(contestant.process_id).status() == psutil.STATUS_STOPPED
        assert contestant.ask("window", at_least_s=0.001) > 0
        assert psutil.Process(contestant.process_id).status() == psutil.STATUS_STOPPED
    finally:
        contestant.close()
    assert not psutil.pid_exists(contestant.process_id)


def test_a_missing_interpreter_is_told(tmp_path):
    with pytest.raises(Disqualified, match="make bench"):
        Contestant([str(tmp_path / "python")], {}, log=tmp_path / "log")


def test_a_comparison_that_does_not_fit_is_left_out_and_said_so(tmp_path, capsys):
    code = run_all([CELL], Campaign(folder=tmp_path), budget_s=1.0)

    assert code == 0
    assert f"{CELL.name}: left out" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_the_list_names_every_cell_once(capsys):
    assert main(["--list"]) == 0

    printed = [line.split()[2].rstrip(":") for line in capsys.readouterr().out.splitlines()]
    assert printed == [cell.name for cell in cells()]
    assert len(printed) == len(set(printed))


def test_answers_that_are_no_numbers_agree_with_nothing():
    broken = np.array([[np.nan, 1.0]])

    assert not difference(broken, np.ones((1, 2)), tolerance=1.0)[0]
    assert not alike(broken, np.array([[1.0, 2.0]]), least=0.9)[0]
    assert not agreement(broken, np.ones((1, 2)), least=0.5)[0]


def test_answers_of_another_shape_agree_with_nothing():
    assert not difference(np.ones((1, 2)), np.ones((1, 3)), tolerance=1.0)[0]


def test_rounded_answers_are_alike_and_others_are_not():
    exact = np.random.default_rng(0).standard_normal((4, 50))

    assert alike(exact + 0.001, exact, least=0.999)[0]
    assert not alike(-exact, exact, least=0.999)[0]


def test_a_cell_of_another_resolution_has_a_file_of_its_own():
    assert CELL.name != dataclasses.replace(CELL, resolution=224).name
