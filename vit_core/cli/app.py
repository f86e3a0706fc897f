"""`app`: start the web page."""

import argparse
import importlib.util
import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from vit_core.allocator import FRUGAL
from vit_core.cli.output import note
from vit_core.errors import BadSetting, Failure
from vit_core.settings import Settings

ADDRESS = "127.0.0.1"
PORT = 8501
_OWN_CHECKPOINT_MB = 500  # a checkpoint file that a visitor brings to the page


def run(parsed: argparse.Namespace, settings: Settings) -> NoReturn:
    """Become the Streamlit server, so that signals reach it without a process in between.

    Raises:
        BadSetting: the port cannot be.
        Failure: the port is taken, or the page's files are missing.
    """
    script = _find_script()
    address = parsed.address or os.environ.get("STREAMLIT_SERVER_ADDRESS") or ADDRESS
    port = _port_from_environment() if parsed.port is None else parsed.port
    _check_port(address, port)
    command = [
        *(sys.executable, "-m", "app.launch", "run", str(script)),  # Streamlit, with an end that leaves nothing
        *("--server.address", address, "--server.port", str(port), "--server.headless", "true"),
        *("--server.maxUploadSize", str(_largest_upload_mb(settings)), "--logger.hideWelcomeMessage", "true"),
    ]
    note(f"ViT Explorer: http://{address}:{port}   (Ctrl+C stops it)")
    # The folder of `app` also holds .streamlit/config.toml, which Streamlit looks for where it is started.
    os.chdir(script.parent.parent)
    sys.stderr.flush()
    os.execve(sys.executable, command, _environment(settings, address))  # noqa: S606  # a list of words, no shell


def _largest_upload_mb(settings: Settings) -> int:
    """Give what the server must let through: the page's widgets have limits of their own, and none may be above it."""
    return max(settings.max_upload_mb, settings.max_data_mb, _OWN_CHECKPOINT_MB)


def _find_script() -> Path:
    spec = importlib.util.find_spec("app")
    folder = Path(spec.origin).parent if spec and spec.origin else Path(__file__).resolve().parents[2] / "app"
    script = folder / "server.py"
    if not script.is_file():
        raise Failure(f"The web page's files are not there: {script} is missing; install the project again.")
    return script


def _port_from_environment() -> int:
    text = os.environ.get("STREAMLIT_SERVER_PORT", "")
    if text and not text.isdecimal():
        raise BadSetting(f"STREAMLIT_SERVER_PORT is {text!r}; it must be a port number.")
    return int(text) if text else PORT


def _check_port(address: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise BadSetting(f"--port is {port}; it must be from 1 to 65535.")
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Failure(
                f"Cannot listen on {address}:{port} ({error.strerror}); "
                f"take another port: vit-explorer app --port {port + 1}"
            ) from error


def _environment(settings: Settings, address: str) -> dict[str, str]:
    """Hand the settings on to the child, so that flags reach the page."""
    # Else glibc keeps the memory of uploads: after 0.8 GB of them a server grew by 120 MB, with these by 14 MB.
    environment = {**FRUGAL, **os.environ}
    # Arrow's own allocator keeps 60 MB that it needed to read the table; the system's gives them back.
    environment.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    environment |= {
        "VIT_BUCKET": settings.bucket,
        "VIT_INDEX": settings.index or "",
        "VIT_CACHE_DIR": str(settings.cache_dir),
        "VIT_CACHE_LIMIT": str(settings.cache_limit_bytes),
        "VIT_RUNS_DIR": str(settings.runs_dir),
        "VIT_ENGINE": settings.engine,
        "VIT_DEVICE": settings.device,
        "VIT_MAX_UPLOAD_MB": str(settings.max_upload_mb),
    }
    if not _is_for_this_machine(address):
        # Else every visitor could read what the token of the server's owner may; huggingface_hub knows this variable.
        environment.setdefault("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    return environment


def _is_for_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"
