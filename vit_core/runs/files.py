"""The directory of a run: what lies where, and the file that says what the run is.

`config.json` is written once, before the run is there, and says all that a list of runs needs: the data set itself is
never parsed for that. Everything here is written beside its place and renamed, so that readers need no lock.
"""

import contextlib
import dataclasses
import errno
import functools
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vit_core.errors import BadRun, BadSetting, Failure, StorageFull, shorten
from vit_core.store.problems import FULL_DISK_ERRORS
from vit_core.training.config import TrainConfig, from_plain, to_plain

VERSION = 1
MAX_BYTES = 1_000_000  # of config.json and status.json: they have 2 kB
TEMPORARY = ".part"
_USUAL_BYTES = 16_384


@dataclasses.dataclass(frozen=True)
class RunFiles:
    """Where the files of a run are."""

    folder: Path

    @property
    def config(self) -> Path:
        """What the run is."""
        return self.folder / "config.json"

    @property
    def dataset(self) -> Path:
        """What it learns from."""
        return self.folder / "dataset.json"

    @property
    def status(self) -> Path:
        """How it is doing."""
        return self.folder / "status.json"

    @property
    def stop(self) -> Path:
        """There while somebody wants the run to stop."""
        return self.folder / "stop.json"

    @property
    def metrics(self) -> Path:
        """The curve."""
        return self.folder / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "log.txt"

    @property
    def quick_look(self) -> Path:
        """The first look at the data, where one was taken."""
        return self.folder / "probe.json"

    @property
    def report(self) -> Path:
        """The outcome."""
        return self.folder / "result" / "report.json"

    @property
    def result(self) -> Path:
        """The finished model; there when all of it is."""
        return self.folder / "result"

    @property
    def checkpoints(self) -> Path:
        """The saved states, a folder for each, named by its step."""
        return self.folder / "checkpoints"

    @property
    def reserve(self) -> Path:
        """Some bytes to give up when the disk is full, so that the status can still say so."""
        return self.folder / "reserve"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What `config.json` says.

    Attributes:
        id: of this run for ever; its lock goes by it.
        name: of the run, and of its folder.
        number: counts up with each submission to one folder of runs.
        created: seconds since 1970, for screens only.
        key: of the request that made it; the same request makes no second run.
        note: the user's own words.
        settings: what is trained, and how.
        dataset_name: for people.
        dataset_root: folder of the images.
        dataset_sha256: of the bytes of `dataset.json`.
        num_classes: of the data set.
        num_train: images to learn from.
        num_test: images to test on.
    """

    id: str
    name: str
    number: int
    created: float
    key: str = ""
    note: str = ""
    settings: TrainConfig
    dataset_name: str
    dataset_root: str
    dataset_sha256: str
    num_classes: int
    num_train: int
    num_test: int


_ID = re.compile(r"[0-9a-f]{32}")
_REQUIRED = tuple(
    field.name
    for field in dataclasses.fields(RunConfig)
    if field.name != "settings" and field.default is dataclasses.MISSING
)
_KINDS = {field.name: field.type for field in dataclasses.fields(RunConfig) if field.name != "settings"}


def write_config(files: RunFiles, config: RunConfig) -> None:
    """Write `config.json`.

    Raises:
        StorageFull, Failure: the disk refuses it.
    """
    plain = {field.name: getattr(config, field.name) for field in dataclasses.fields(RunConfig)}
    plain |= {"version": VERSION, "settings": to_plain(config.settings)}
    write_json(files.config, plain)


def read_config(files: RunFiles) -> RunConfig:
    """Read `config.json`.

    Raises:
        BadRun: missing, cut, of another version or with impossible values; the message says which.
    """
    plain = read_json(files.config)
    try:
        if plain.pop("version") != VERSION:
            raise BadRun("config.json was written by another version of ViT Explorer.")
        told = plain.pop("settings")
    except KeyError as error:
        raise BadRun(f"config.json lacks {error.args[0]!r}.") from error
    for name, value in plain.items():
        _check_kind(name, value)
    if missing := [name for name in _REQUIRED if name not in plain]:
        raise BadRun(f"config.json lacks {missing[0]!r}.")
    config = RunConfig(settings=_read_settings(told), **plain)
    if not _ID.fullmatch(config.id):  # it becomes the name of a lock file
        raise BadRun(f"config.json says id is {shorten(repr(config.id), 60)}, which cannot be.")
    return config


def settings_sha256(config: RunConfig) -> str:
    """Give a checksum of what a run must not change its mind about between its first step and its last."""
    plain = {"settings": to_plain(config.settings), "dataset": config.dataset_sha256}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object.

    Raises:
        BadRun: missing, too large, not readable, not JSON, or no object; the message names the file and the reason.
    """
    try:
        data = _read_start(path)
        if len(data) > MAX_BYTES:
            raise BadRun(f"{path.name} has more than {MAX_BYTES // 1000} kB, which is not what belongs there.")
        plain = _DECODER.decode(data.decode())
    except OSError as error:
        reason = "is missing" if error.errno == errno.ENOENT else f"cannot be read: {error.strerror or error}"
        raise BadRun(f"{path.name} {reason}.") from error
    except UnicodeDecodeError as error:
        raise BadRun(f"{path.name} is not text.") from error
    except (ValueError, RecursionError) as error:
        raise BadRun(f"{path.name} is broken: {_why_broken(error) if data else 'it is empty'}.") from error
    if not isinstance(plain, dict):
        raise BadRun(f"{path.name} is not what belongs there: no JSON object.")
    return plain


def write_json(path: Path, plain: Mapping[str, Any], *, durable: bool = True) -> None:
    """Put a JSON object under its name, whole or not at all.

    Args:
        path: the file.
        plain: the object.
        durable: whether it must outlive a power cut that comes right after.

    Raises:
        StorageFull: there is no room; the old file is as it was.
        Failure: the folder is gone or cannot be written.
    """
    write_text(path, json.dumps(plain, ensure_ascii=False, allow_nan=False), durable=durable)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Put a text under its name, whole or not at all; see `write_json`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    with kept_on_disk(path):
        try:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


def sweep(folder: Path) -> None:
    """Delete what writers that were killed left between writing and renaming; the caller owns the run."""
    for path in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):  # a folder that cannot be written says so at the first real file
            path.unlink()


@contextlib.contextmanager
def kept_on_disk(path: Path) -> Iterator[None]:
    """Turn what the disk refuses within the block into an error for people.

    Raises:
        StorageFull: there is no room.
        Failure: the system has another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK_ERRORS:
            raise StorageFull(
                f"The disk is full: there is no room for {path.name} in {str(path.parent)!r} ({error.strerror}). "
                "Free some space, then resume the run."
            ) from error
        raise Failure(
            f"The folder of runs {str(path.parent)!r} cannot be written: {error.strerror or error}. "
            "Make it writable, or set VIT_RUNS_DIR to another folder."
        ) from error


def is_possible(value: object) -> bool:
    """Tell whether a number is one that a run could have written: no step, byte or second is beyond 10^18."""
    return not isinstance(value, int | float) or 0 <= value <= 10**18


def _read_settings(told: object) -> TrainConfig:
    if not isinstance(told, dict) or any(isinstance(value, list | dict) for value in told.values()):
        raise BadRun(f"config.json says settings is {shorten(repr(told), 60)}, which cannot be.")
    try:
        return _settings(tuple((*item, type(item[1])) for item in told.items()))
    except BadSetting as error:
        raise BadRun(f"config.json has an impossible setting: {error}") from error


@functools.lru_cache(maxsize=1024)
def _settings(items: tuple[tuple[str, Any, type], ...]) -> TrainConfig:
    """Check settings once, types included (1 equals True): of thousands of runs most have those of others."""
    return from_plain({name: value for name, value, _ in items}, where="config.json")


def _check_kind(name: str, value: object) -> None:
    kind = _KINDS.get(name)
    if kind is None:
        raise BadRun(f"config.json has the unknown field {shorten(name)!r}.")
    fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)  # type: ignore[arg-type]  # plain classes
    if not fits or not is_possible(value):
        raise BadRun(f"config.json says {name} is {shorten(repr(value), 60)}, which cannot be.")


def _why_broken(error: ValueError | RecursionError) -> str:
    """Say what is wrong with a text that is no JSON, without the words of Python's own reader."""
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON from line {error.lineno}, column {error.colno} on"
    if isinstance(error, _Constant):
        return str(error)
    return "it is nested too deep" if isinstance(error, RecursionError) else "a number in it has too many digits"


def _read_start(path: Path) -> bytes:
    """Read a small file, in a third of the time of `open`: a list of runs reads thousands."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        data = os.read(descriptor, _USUAL_BYTES)
        return data if len(data) < _USUAL_BYTES else data + os.read(descriptor, MAX_BYTES)
    finally:
        os.close(descriptor)


class _Constant(ValueError):
    """A number that JSON does not have."""


def _refuse_constant(text: str) -> float:
    raise _Constant(f"it has the value {text}")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
