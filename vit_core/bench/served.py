"""The real app in a process of its own, with its own folders and without the network, for as long as it is measured."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from vit_core.errors import Failure

_PATIENCE_S = 60
_NOWHERE = "http://127.0.0.1:1"  # nothing listens there, so that a page asks the bundled table and never the network


class Served(NamedTuple):
    """A running app.

    Attributes:
        url: of its first page.
        process_id: of the web process.
        cache_dir: its cache folder.
    """

    url: str
    process_id: int
    cache_dir: Path

    def memory_bytes(self) -> int:
        """Give what the web process holds in memory now, without the processes that it started."""
        return int(psutil.Process(self.process_id).memory_info().rss)


@contextlib.contextmanager
def running_app(environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Start the app on a free port, and stop it in the end.

    Args:
        environment: further variables, such as another folder of runs.

    Raises:
        Failure: it did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="vit-bench-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), _free_port()
        variables = os.environ | {
            "VIT_CACHE_DIR": str(folder / "cache"),
            "VIT_RUNS_DIR": str(folder / "runs"),
            "VIT_LOCK_DIR": str(folder / "locks"),
            "STORAGE_EMULATOR_HOST": _NOWHERE,
            "NO_GCE_CHECK": "true",
            **(environment or {}),
        }
        command = [sys.executable, "-m", "vit_core", "app", "--port", str(port)]
        log = folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=output)  # noqa: S603  # ourselves
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url, process, log)
            yield Served(url, process.pid, Path(variables["VIT_CACHE_DIR"]))
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + _PATIENCE_S
    while not _is_healthy(url):
        if process.poll() is not None or time.monotonic() > ends_at:
            raise Failure(f"The app did not come up: {log.read_text(errors='replace').strip()[-300:]}")
        time.sleep(0.1)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:  # noqa: S310  # our own server
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
