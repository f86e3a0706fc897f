"""What a figure was measured on: machine, versions, load and commit. Without JAX, so that any script can ask."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from vit_core.errors import BadSetting

_PACKAGES = ("vit-explorer", "jax", "jaxlib", "flax", "numpy", "pandas", "pyarrow", "pillow", "streamlit")


class Conditions:
    """Notes the load when it is made, and again when the measuring is over."""

    def __init__(self) -> None:
        self._at = datetime.now(UTC)
        self._before = _load()

    def to_plain(self, *, packages: Iterable[str] = _PACKAGES, **more: object) -> dict[str, object]:
        """Give all of it, with the load now.

        Args:
            packages: distributions whose versions count; those not installed are left out.
            more: further facts, such as the device.
        """
        return {
            "at": self._at.isoformat(timespec="seconds"),
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "threads": usable_cores(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
            "system": platform.platform(terse=True),
            "load_average": {"before": self._before, "after": _load()},
            "versions": {"python": platform.python_version(), **_versions(packages)},
            "commit": commit(),
            **more,
        }


def busy_percent(*, seconds: float = 1.0) -> float:
    """Give how busy all cores of the machine are now, 0 to 100: with what others do, while this process waits."""
    return float(psutil.cpu_percent(interval=seconds))


def usable_cores() -> int:
    """Give the number of cores that this process may use."""
    return len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1


def limit_threads(count: int | None) -> None:
    """Keep this process, and those it starts, to some of its cores; call it before JAX counts them.

    Raises:
        BadSetting: there are not so many, or the system cannot do so.
    """
    if count is None:
        return
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        raise BadSetting(f"--threads is {count}, but this system does not keep a process to some cores; leave it out.")
    cores = process.cpu_affinity()
    if not 1 <= count <= len(cores):
        raise BadSetting(f"--threads is {count}; it must be from 1 to {len(cores)}, the cores that can be used here.")
    process.cpu_affinity(cores[:count])


def commit() -> str | None:
    """Give the commit of the clone that this code lies in, with "+" where it was changed since; None outside of one."""
    git, root = shutil.which("git"), Path(__file__).resolve().parents[2]
    if git is None or not (root / ".git").exists():
        return None
    try:
        name = _git(git, root, "rev-parse", "--short=12", "HEAD").strip()
        changed = _git(git, root, "status", "--porcelain", "--untracked-files=no", "--", "vit_core", "app").strip()
    except (OSError, subprocess.SubprocessError):
        return None  # a clone of somebody else, which git does not read
    return f"{name}+" if changed else name


def _git(git: str, root: Path, *words: str) -> str:
    command = [git, "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout  # noqa: S603  # no shell


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _load() -> list[float]:
    return [round(value, 2) for value in psutil.getloadavg()]


def _versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
