"""The zip of a finished run from the server as it is started, and the end of that server."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile

import pytest

from app import resources

PATIENCE_S = 60


@pytest.fixture
def start_server(make_run, tmp_path):
    """Give a function that starts the page's server with further environment variables, and gives it and its port."""
    started = []

    def start(**more):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        environment = os.environ | {"STORAGE_EMULATOR_HOST": "http://127.0.0.1:1", "NO_GCE_CHECK": "true"} | more
        environment["VIT_LOCK_DIR"] = str(resources.settings().lock_dir)
        command = [sys.executable, "-m", "vit_core", "app", "--port", str(port)]
        with (tmp_path / "server.log").open("w") as log:
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        wait_for(port)
        return started[-1], port

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(port):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_below_a_base_path_the_server_gives_the_zip_and_no_page(start_server, make_run, tmp_path):
    make_run("pets", state="done")
    _, port = start_server(STREAMLIT_SERVER_BASE_URL_PATH="/models")

    saved, _ = urllib.request.urlretrieve(f"http://127.0.0.1:{port}/models/results/pets.zip", tmp_path / "pets.zip")

    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None


def test_a_reader_that_takes_nothing_does_not_keep_the_server_from_ending(start_server, make_run):
    make_run("pets", state="done")
    (resources.runs().get("pets").folder / "result" / "model.npz").write_bytes(bytes(50_000_000))
    process, port = start_server()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as reader:
        reader.sendall(b"GET /results/pets.zip HTTP/1.1\r\nHost: here\r\n\r\n")
        assert reader.recv(1000).startswith(b"HTTP/1.1 200")

        process.send_signal(signal.SIGTERM)

        assert process.wait(PATIENCE_S / 2) == 0
