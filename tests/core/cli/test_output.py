"""What all commands share: help, encodings, a full or closed output, impossible paths."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from vit_core.cli.output import print_table
from vit_core.settings import bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]
B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
SAMPLES = sorted((bundled_data_dir() / "demo" / "samples").glob("*.jpg"))
Refused = Callable[..., None]
Start = Callable[..., contextlib.AbstractContextManager["subprocess.Popen[str]"]]


@pytest.mark.parametrize("command", [[], ["catalog"], ["show"], ["download"], ["classify"], ["app"]])
def test_every_command_has_help_with_an_example(run: Run, command: list[str]):
    result = run(*command, "--help")
    assert result.returncode == 0
    assert "Example" in result.stdout
    assert "vit-explorer" in result.stdout


def test_an_unknown_command_is_one_line_and_exit_code_2(run: Run):
    result = run("clasify")
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "clasify" in result.stderr


def test_text_that_the_terminal_cannot_show_is_escaped(run: Run):
    result = run("show", B16, "--offline", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert result.stdout.startswith("B/16 \\xb7 ImageNet-21k")
    assert run("catalog", "--help", PYTHONIOENCODING="ascii").returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_json_stays_json_in_any_encoding(run: Run, demo_name: str, tmp_path: Path, encoding: str):
    name = os.fsdecode("é".encode() + b"\xff.jpg")  # a file name that is no text
    (tmp_path / name).write_bytes(SAMPLES[0].read_bytes())
    result = run(
        *("classify", "--checkpoint", demo_name, name, "--format", "json"), PYTHONIOENCODING=f"{encoding}:strict"
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["images"][0]["image"] == name


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("style", ["table", "json", "csv"])
def test_a_full_disk_under_the_output_is_one_sentence(environment: dict[str, str], style: str):
    command = [sys.executable, "-m", "vit_core", "catalog", "--demo", "--format", style]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].endswith("No space left on device.")


def test_a_closed_output_is_one_sentence(environment: dict[str, str]):
    command = f"exec {sys.executable} -m vit_core catalog --demo >&-"
    result = subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert result.returncode == 1
    assert result.stderr.splitlines() == ["vit-explorer: Standard output is closed, so there is nowhere to print to."]


def test_the_home_of_nobody_is_refused_wherever_a_path_is_given(run: Run, assert_refused: Refused, demo_name: str):
    nowhere = "~nobody-of-this-name/x"
    assert_refused(run("catalog", "--cache-dir", nowhere), "--cache-dir", nowhere)
    assert_refused(run("catalog", VIT_CACHE_DIR=nowhere), "VIT_CACHE_DIR", nowhere)
    assert_refused(run("catalog", "--index", nowhere, "--offline"), nowhere)
    assert_refused(run("download", demo_name, "--to", nowhere), "--to", nowhere)
    assert_refused(run("classify", "--checkpoint", demo_name, "--labels", nowhere, SAMPLES[0]), "--labels", nowhere)


@pytest.fixture
def start(environment: dict[str, str], hearing_ctrl_c: list[str]) -> Start:
    """Give a function that starts the command line, listening to Ctrl+C, and leaves no process behind."""

    @contextlib.contextmanager
    def begin(*words: object, added: dict[str, str] | None = None, **options: int) -> Iterator["subprocess.Popen[str]"]:
        command = [*hearing_ctrl_c, sys.executable, "-m", "vit_core", *map(str, words)]
        environ = environment | (added or {})
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ, **options) as process:
            try:
                yield process
            finally:
                process.kill()

    return begin


def test_ctrl_c_while_modules_are_imported_leaves_no_traceback(start: Start, tmp_path: Path):
    # A module that never ends being imported holds the moment still.
    (tmp_path / "argparse.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(600)\n")
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    with start("runs", "list", added=path, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT  # 130 in a shell
    assert said == ""


def test_ctrl_c_later_ends_with_130_and_one_line(start: Start, tmp_path: Path):
    waits = tmp_path / "waits.csv"
    os.mkfifo(waits)  # nobody ever writes to it
    with start("catalog", "--index", waits) as process:
        descriptor = open_when_read(waits)
        # Python looks at signals between its own steps: one that comes right before a read is seen after it, so never.
        while process.poll() is None and psutil.Process(process.pid).status() != psutil.STATUS_SLEEPING:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    os.close(descriptor)
    assert (process.returncode, said) == (130, "vit-explorer: stopped.\n")


def open_when_read(pipe: Path) -> int:
    """Open a pipe once somebody reads it, at most in a minute."""
    for _ in range(600):
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nobody reads")


def test_a_table_gives_a_terminal_nothing_to_obey(capsys):
    print_table({"class": False}, [["\x1b[31mred\x07\u202e\nnext"]])
    assert capsys.readouterr().out.splitlines()[1].strip() == "?[31mred???next"
