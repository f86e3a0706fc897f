"""Facts for the About page: versions, device, limits, what the cache holds."""

import importlib.metadata
import os
import platform
from pathlib import Path

from app.components.catalogue_source import MAX_INDEX_MB
from app.components.wording import counted
from app.own_checkpoints import MAX_FILE_BYTES
from app.pictures import MAX_PICTURES, MAX_TOTAL_BYTES
from vit_core.inference.service import ServiceStatus
from vit_core.settings import Settings
from vit_core.store.store import CacheUsage

PACKAGES = ("vit-explorer", "streamlit", "jax", "flax", "pandas", "numpy", "pillow")


def versions(status: ServiceStatus, settings: Settings) -> dict[str, str]:
    """Give what runs here, a name and a version or a fact each."""
    facts = {name: _version(name) for name in PACKAGES}
    device = status.device or f"not started (asked for: {settings.device})"
    return {
        **facts,
        "Python": platform.python_version(),
        "Device": device,
        "Machine": f"{platform.machine()}, {counted(os.cpu_count() or 1, 'core')}",
    }


def limits(settings: Settings) -> tuple[str, ...]:
    """Give what is refused, a sentence each."""
    return (
        f"Pictures: {settings.max_upload_mb} MB and 40 megapixels each; {MAX_PICTURES} of them or "
        f"{MAX_TOTAL_BYTES / 1e6:.0f} MB at once.",
        f"Own checkpoints: {MAX_FILE_BYTES / 1e6:.0f} MB by the browser; larger ones from a folder that the operator "
        "names in VIT_BUCKET.",
        f"Own tables: {MAX_INDEX_MB} MB.",
        "One model answers at a time; who comes later reads their place in the queue.",
    )


def cache_words(usage: CacheUsage, folder: Path) -> str:
    """Give what the cache holds, as a sentence.

    Example:
        >>> cache_words(CacheUsage(files=2, bytes=74_000_000, limit_bytes=20_000_000_000), Path("/c"))
        '2 files with 74 MB of at most 20,000 MB, in /c. The least recently used go first when it is full.'
    """
    held, limit = usage.bytes / 1e6, usage.limit_bytes / 1e6
    return (
        f"{counted(usage.files, 'file')} with {held:,.0f} MB of at most {limit:,.0f} MB, in {folder}. "
        "The least recently used go first when it is full."
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
