"""`app`: the web page from the command line."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
TOKEN_RULE = "HF_HUB_DISABLE_IMPLICIT_TOKEN"


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def started_app(
    environment: dict[str, str], free_port: int, hearing_ctrl_c: list[str], tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [*hearing_ctrl_c, sys.executable, "-m", "vit_core", "app", "--port", str(free_port)]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        yield process, free_port
        process.terminate()


def test_app_prints_its_address_and_serves(started_app: tuple[subprocess.Popen[str], int]):
    process, port = started_app
    assert process.stderr is not None
    assert f"http://127.0.0.1:{port}" in process.stderr.readline()
    assert wait_for(f"http://127.0.0.1:{port}/_stcore/health") == b"ok"


def test_the_server_lets_through_the_largest_zip_that_the_page_takes(
    started_app: tuple[subprocess.Popen[str], int],
):
    process, port = started_app
    wait_for(f"http://127.0.0.1:{port}/_stcore/health")
    command = psutil.Process(process.pid).cmdline()
    assert command[command.index("--server.maxUploadSize") + 1] == "2000"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_who_stops_the_server_ends_it_in_order(started_app: tuple[subprocess.Popen[str], int], stop: signal.Signals):
    process, port = started_app
    wait_for(f"http://127.0.0.1:{port}/_stcore/health")

    process.send_signal(stop)

    assert (
        process.wait(60) == {signal.SIGTERM: 0, signal.SIGINT: 1}[stop]
    )  # a negative one: killed before it cleaned up
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


def test_app_on_a_taken_port_says_how_to_take_another(run: Run, free_port: int):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
        result = run("app", "--port", free_port)
    assert result.returncode == 1
    assert f"--port {free_port + 1}" in result.stderr


def wait_for(url: str) -> bytes:
    """Ask until somebody answers, at most a minute."""
    for _ in range(120):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"nobody answers at {url}")


@pytest.mark.parametrize(
    ("address", "given", "told"), [("127.0.0.1", {}, None), ("0.0.0.0", {}, "1"), ("0.0.0.0", {TOKEN_RULE: "0"}, "0")]
)
def test_a_page_for_others_sends_no_token_to_the_hub_unless_told_to(
    environment: dict[str, str], free_port: int, tmp_path: Path, address: str, given: dict[str, str], told: str | None
):
    command = [sys.executable, "-m", "vit_core", "app", "--address", address, "--port", str(free_port)]
    with subprocess.Popen(command, env=environment | given, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        try:
            ends_at = time.monotonic() + 30
            while "MALLOC_ARENA_MAX" not in (settings := psutil.Process(process.pid).environ()):  # not the server yet
                assert time.monotonic() < ends_at
                time.sleep(0.02)
        finally:
            process.kill()
    assert settings.get(TOKEN_RULE) == told
