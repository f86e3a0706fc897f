"""The settings, read once from the environment at an entry point and then passed along.

Knows the names, defaults and units of the environment variables; knows nothing of what they are used for.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from vit_core.errors import BadSetting, shorten

PUBLIC_BUCKET = "gs://vit_models/augreg"
ENGINES = ("local",)
DEVICES = ("auto", "cpu", "gpu", "tpu")
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the operator decides. Flags replace fields with `dataclasses.replace`.

    Attributes:
        bucket: URL or folder that holds `index.csv` and `NAME.npz`.
        index: URL or file of another index, or None for the bucket's own.
        cache_dir: folder of downloads and of the Parquet copies of the index.
        cache_limit_bytes: size past which the least recently used downloads are deleted.
        runs_dir: folder of fine-tuning runs.
        engine: what starts fine-tuning runs.
        device: "auto" takes the accelerator that is there.
        max_upload_mb: largest picture or table that a page takes, in 10^6 bytes.
        max_data_mb: largest zip of training images that a page takes, in 10^6 bytes.
        data_root: folder below which a page may be told to take training images from; None allows none.
        lock_dir: folder of the locks by which runs and predictors take turns; on a local disk, one for a machine.
        allowed_hosts: further hosts, "HOST" or "HOST:PORT", whose https addresses may be opened.
    """

    bucket: str = PUBLIC_BUCKET
    index: str | None = None
    cache_dir: Path = dataclasses.field(default_factory=lambda: Path(platformdirs.user_cache_dir("vit-explorer")))
    cache_limit_bytes: int = 20 * 1000**3
    runs_dir: Path = dataclasses.field(
        default_factory=lambda: Path(platformdirs.user_data_dir("vit-explorer")) / "runs"
    )
    engine: str = "local"
    device: str = "auto"
    max_upload_mb: int = 20
    max_data_mb: int = 2000
    data_root: Path | None = None
    lock_dir: Path = dataclasses.field(
        # Not the runtime folder of a login: it goes at the logout, and a run stays.
        default_factory=lambda: Path(platformdirs.user_state_dir("vit-explorer")) / "locks"
    )
    allowed_hosts: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the `VIT_…` variables; an unset or empty one keeps its default.

        Raises:
            BadSetting: a value is impossible; the message names the variable, the value and the rule.

        Example:
            >>> Settings.from_environment({"VIT_CACHE_LIMIT": "5G"}).cache_limit_bytes
            5000000000
        """
        default = cls()

        def read(name: str, otherwise: str) -> str:
            return environment.get(name, "").strip() or otherwise

        data_root = read("VIT_DATA_ROOT", "")
        return cls(
            bucket=read("VIT_BUCKET", default.bucket),
            index=read("VIT_INDEX", "") or None,
            cache_dir=parse_path("VIT_CACHE_DIR", read("VIT_CACHE_DIR", str(default.cache_dir))).absolute(),
            cache_limit_bytes=parse_size("VIT_CACHE_LIMIT", read("VIT_CACHE_LIMIT", str(default.cache_limit_bytes))),
            runs_dir=parse_path("VIT_RUNS_DIR", read("VIT_RUNS_DIR", str(default.runs_dir))).absolute(),
            engine=_one_of("VIT_ENGINE", read("VIT_ENGINE", default.engine), ENGINES),
            device=_one_of("VIT_DEVICE", read("VIT_DEVICE", default.device), DEVICES),
            max_upload_mb=_megabytes("VIT_MAX_UPLOAD_MB", read("VIT_MAX_UPLOAD_MB", str(default.max_upload_mb))),
            max_data_mb=_megabytes("VIT_MAX_DATA_MB", read("VIT_MAX_DATA_MB", str(default.max_data_mb))),
            data_root=parse_path("VIT_DATA_ROOT", data_root).absolute() if data_root else None,
            lock_dir=parse_path("VIT_LOCK_DIR", read("VIT_LOCK_DIR", str(default.lock_dir))).absolute(),
            allowed_hosts=_hosts("VIT_ALLOWED_HOSTS", read("VIT_ALLOWED_HOSTS", "")),
        )


def bundled_data_dir() -> Path:
    """Give the folder of the files that come with the package: `data/` in a checkout, `_data/` in a wheel."""
    package = Path(__file__).resolve().parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent / "data"


def parse_size(name: str, text: str) -> int:
    """Turn "20G", "500 MB" or "1000" into bytes; units are powers of 1000.

    Raises:
        BadSetting: not a positive size.

    Example:
        >>> parse_size("VIT_CACHE_LIMIT", "500MB")
        500000000
    """
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)B?\s*", text, flags=re.IGNORECASE)
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size <= 0:
        raise BadSetting(f"{name} is {text!r}, which is not a size; write a positive number with a unit, such as 20G.")
    return size


def parse_path(name: str, text: str) -> Path:
    """Turn text into the path of a file or folder, there or not; `~` is the user's home.

    Raises:
        BadSetting: `~` of a user who is not there.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadSetting(
            f"{name} is {shorten(text)!r}, and there is no such user's home; write the path out."
        ) from error


def _one_of(name: str, text: str, choices: tuple[str, ...]) -> str:
    value = text.lower()
    if value not in choices:
        raise BadSetting(f"{name} is {text!r}; it must be one of {', '.join(choices)}.")
    return value


def _megabytes(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text) or int(text) == 0:
        raise BadSetting(f"{name} is {text!r}; it must be a whole number of megabytes from 1 to 999999.")
    return int(text)


def _hosts(name: str, text: str) -> tuple[str, ...]:
    hosts = tuple(dict.fromkeys(re.split(r"[\s,]+", text.strip().lower()))) if text else ()
    for host in hosts:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?(:\d{1,5})?", host):
            raise BadSetting(
                f"{name} is {shorten(text)!r}; write the names of hosts without 'https://', with commas between "
                "them, such as mirror.example.org, files.example.org:8443."
            )
    return hosts
