"""The devices that compute, by the name in the settings; and the folder in which compiled programs are kept."""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

import jax

from vit_core.errors import BadSetting

MAX_CACHE_BYTES = 2_000_000_000

logger = logging.getLogger(__name__)


def pick_device(setting: str) -> jax.Device:
    """Give the first device of a kind.

    Args:
        setting: "auto" takes the accelerator if there is one; "cpu", "gpu" or "tpu".

    Raises:
        BadSetting: there is no such device; the message names what is there.
    """
    return pick_devices(setting)[0]


def pick_devices(setting: str) -> tuple[jax.Device, ...]:
    """Give all devices of a kind that this process reaches, in JAX's order.

    Args:
        setting: as for `pick_device`.

    Raises:
        BadSetting: there is no such device; the message names what is there.
    """
    if setting == "auto":
        return tuple(jax.local_devices())
    try:
        return tuple(jax.local_devices(backend=setting))
    except RuntimeError as error:
        there = sorted({device.platform.upper() for device in jax.devices()})
        raise BadSetting(
            f"The device is set to {setting!r}, but JAX finds only {' and '.join(there)} here; "
            "set VIT_DEVICE=auto, or install the extra for your accelerator (pip install 'vit-explorer[gpu]')."
        ) from error


def describe_device(device: jax.Device) -> str:
    """Name a device for people: "CPU", "NVIDIA H200"."""
    return "CPU" if device.platform == "cpu" else device.device_kind


def enable_compile_cache(cache_dir: Path) -> None:
    """Keep compiled programs on disk, so that the next process starts in a fraction of the time.

    A choice made before, by JAX_COMPILATION_CACHE_DIR say, stays. What lies there is run: the folder is the user's own.
    Called by entry points only, since it changes JAX for the whole process.
    """
    if jax.config.values["jax_compilation_cache_dir"]:
        return
    folder = cache_dir / "compile" / f"jax-{jax.__version__}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        logger.warning("programs are compiled anew in each process: %s cannot be made: %s", folder, error)
        return
    update: Callable[[str, object], None] = jax.config.update
    update("jax_compilation_cache_dir", str(folder))
    # JAX would leave out programs that compile in less than a second, and these are half of ours.
    update("jax_persistent_cache_min_compile_time_secs", 0.0)
    update("jax_persistent_cache_min_entry_size_bytes", -1)
    trim_compile_cache(cache_dir)


def trim_compile_cache(cache_dir: Path, *, limit_bytes: int = MAX_CACHE_BYTES) -> None:
    """Delete the programs made longest ago, those of other JAX versions too, until the rest fits.

    JAX's own limit (`jax_compilation_cache_max_size`) is not used: it stops storing for good once a process was killed
    between the two files that it writes for each program.
    """
    programs = []
    for path in (cache_dir / "compile").glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # another process trims too
            status = path.stat()
            programs.append((status.st_mtime_ns, status.st_size, path))
    total = 0
    for _, size, path in sorted(programs, reverse=True):
        total += size
        if total > limit_bytes:
            path.unlink(missing_ok=True)
