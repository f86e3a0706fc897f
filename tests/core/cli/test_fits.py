"""`catalog --fits` and the costs that `show` tells."""

import json
import subprocess
from collections.abc import Callable

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[..., None]
B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"


def test_models_that_need_more_memory_are_left_out_and_the_rule_is_said(run: Run):
    result = run("catalog", "--offline", "--recommended", "--fits", "fine-tune", "--memory", "2G", "--format", "json")

    names = {row["name"] for row in json.loads(result.stdout)}
    assert {"Ti/16", "S/16"} <= names
    assert not {"L/16", "R50+L/32"} & names
    assert "2.0 GB of memory" in result.stderr
    assert "as much memory is free" in result.stderr


def test_without_a_size_it_is_the_memory_that_is_free_here(run: Run):
    result = run("catalog", "--demo", "--fits", "classify", "--format", "json")

    assert len(json.loads(result.stdout)) == 4
    assert "GB of memory" in result.stderr


def test_nothing_fits_next_to_nothing(run: Run):
    result = run("catalog", "--offline", "--fits", "classify", "--memory", "1M", "--format", "json")
    assert (result.returncode, json.loads(result.stdout)) == (0, [])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--fits", "classify", "--memory", "lots"], "'lots'"),
        (["--memory", "8G"], "'8G'"),
        (["--fits", "dream"], "dream"),
    ],
)
def test_a_bad_flag_is_one_line_that_names_the_value(run: Run, assert_refused: Refused, words: list[str], part: str):
    assert_refused(run("catalog", "--offline", *words), part)


def test_show_tells_the_costs(run: Run):
    cost = json.loads(run("show", B16, "--offline", "--format", "json").stdout)["cost"]
    table = run("show", B16, "--offline").stdout

    assert cost["resolution"] == 224
    assert cost["params"] == 102_595_923
    assert cost["gmacs"] == pytest.approx(17.6, abs=0.05)
    assert cost["fine_tune_bytes"] > cost["classify_8_bytes"] > cost["classify_bytes"]
    assert "17.6 GMACs per image at 224 px" in table
    assert "Memory to fine-tune" in table


def test_of_a_model_of_unknown_shape_no_costs_are_told(run: Run, demo_name: str):
    assert json.loads(run("show", demo_name, "--offline", "--format", "json").stdout)["cost"] is None
