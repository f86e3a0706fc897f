"""The engine of this machine: a process of its own for each run, which outlives whoever started it.

The starter takes the run's lock and a ticket of the queue and hands both to the process, so that there is no moment at
which a started run has no owner or no place.
"""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import vit_core
from vit_core.allocator import without_frugality
from vit_core.errors import BadRun, Failure
from vit_core.runs.engine import Found
from vit_core.runs.files import RunConfig, RunFiles, kept_on_disk, read_config, write_json
from vit_core.runs.locks import RunLocks
from vit_core.runs.process import signal_process
from vit_core.runs.record import Progress
from vit_core.runs.saved import has_result, newest_saved_step
from vit_core.runs.status import Status, read_status, write_status
from vit_core.settings import Settings
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder
from vit_core.store.owners import Ownership, own


class LocalEngine:
    """Starts `python -m vit_core finetune --run FOLDER` as a process that nobody waits for."""

    def __init__(self, settings: Settings, *, command: Sequence[str] | None = None) -> None:
        """Describe it; starts nothing.

        Args:
            settings: handed on to the process by its environment.
            command: what to start in place of `vit_core finetune`; it gets the same flags.
        """
        # -P: modules come from where ours come from, never from the folder that happens to be current.
        self._command = list(command or (sys.executable, "-P", "-m", "vit_core", "finetune"))
        self._settings = settings
        self._locks = RunLocks(settings.lock_dir)
        self._accelerator = Accelerator(settings.lock_dir)

    def start(self, folder: Path) -> None:
        """Start the process of a run; see `Engine.start`."""
        files = RunFiles(folder)
        config = checked_config(files)
        lock = take_run(self._locks, config, folder)
        try:
            begin_attempt(files)
            self._spawn(files, lock)
        finally:
            lock.release()

    def stop(self, folder: Path, grace_s: float) -> None:
        """Ask the process to end; see `Engine.stop`."""
        files = RunFiles(folder)
        owner = self._locks.owner(read_config(files), folder)
        if owner is None:
            return
        write_json(files.stop, {"grace_s": grace_s})  # first: it is what tells a stop from an accident
        if owner.process is not None:
            signal_process(owner.process, signal.SIGTERM if grace_s > 0 else signal.SIGKILL)

    def poll(self, folder: Path) -> Found:
        """Say whether the run has a process; see `Engine.poll`."""
        if self._locks.owner(read_config(RunFiles(folder)), folder) is None:
            return "gone"
        place = str(folder.resolve())
        return "queued" if any(each.holder.folder == place for each in self._accelerator.waiting()) else "running"

    def _spawn(self, files: RunFiles, lock: Ownership) -> None:
        ticket = self._accelerator.join(Holder("run", str(files.folder.resolve())))
        passed = (lock.descriptor, ticket.ownership.descriptor)
        handover = ",".join(map(str, (*passed, ticket.number)))
        command = [*self._command, "--run", str(files.folder), "--handover", handover]
        try:
            with kept_on_disk(files.log), files.log.open("ab") as log:
                process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=files.folder.anchor,
                    env=child_environment(self._settings),
                    start_new_session=True,
                    pass_fds=passed,
                )
        except OSError as error:
            raise Failure(f"The process of the run could not be started: {error.strerror or error}.") from error
        finally:
            ticket.ownership.release()  # the child holds it now, or nobody
        # Whoever is never waited for stays in the table of processes; no more is done with it here.
        threading.Thread(target=process.wait, name=f"run {files.folder.name}", daemon=True).start()


def checked_config(files: RunFiles) -> RunConfig:
    """Read the settings of a run that shall be started.

    Raises:
        BadRun: it cannot be read, or its folder is a copy or a link.
    """
    if problem := is_link(files.folder):
        raise BadRun(problem)
    config = read_config(files)
    if problem := is_copy(config, files.folder):
        raise BadRun(problem)
    return config


def is_link(folder: Path) -> str:
    """Say that a run's folder is a link, as a sentence; empty when it is not."""
    if os.path.islink(folder):  # noqa: PTH114 - half the time of a Path, for thousands of them
        return f"The folder {folder.name!r} is a link; a run must be a folder of its own."
    return ""


def is_copy(config: RunConfig, folder: Path) -> str:
    """Say that a run's folder is not its own, as a sentence; empty when it is."""
    if config.name == folder.name:
        return ""
    return (
        f"The folder {folder.name!r} is a copy of the run {config.name!r}, or was renamed: two folders of one run "
        "would write over each other. Delete it, or give it its old name back."
    )


def take_run(locks: RunLocks, config: RunConfig, folder: Path) -> Ownership:
    """Become the owner of a run.

    Raises:
        BadRun: somebody else is; the message says where.
    """
    path = locks.run(config)
    lock = own(path, patience_s=1.0)
    if lock is None:
        elsewhere = locks.owner(config, folder) is None
        raise BadRun(
            f"The run {config.name!r} is running already{', in a copy of this folder' if elsewhere else ''}; "
            "stop it first, or wait for it."
        )
    lock.write_note(Holder("run", str(folder.resolve())).to_note())
    return lock


def begin_attempt(files: RunFiles) -> Status:
    """Say that a run is started once more; the caller owns it.

    Raises:
        BadRun: it has ended well and its result is there, so there is nothing left to do.
        StorageFull, Failure: the folder cannot be written.
    """
    status = read_status(files)
    if status.state == "done" and has_result(files):
        raise BadRun(f"The run {files.folder.name!r} is done; its result is in {str(files.folder / 'result')!r}.")
    with kept_on_disk(files.stop):
        files.stop.unlink(missing_ok=True)
    saved = newest_saved_step(files) or 0
    status = dataclasses.replace(
        status,
        state="queued",
        attempt=status.attempt + 1,
        reason="",
        begins_at=saved,
        progress=_at(saved, status.progress),
        waits_since=time.time(),
    )
    write_status(files, status)
    return status


def _at(step: int, progress: Progress) -> Progress:
    """Give how far a run is that begins again from a saved step, without the speed of its earlier attempt."""
    if not step:
        return Progress(total_steps=progress.total_steps)
    return dataclasses.replace(progress, step=step, seconds_left=None, images_per_second=None, memory_bytes=None)


def child_environment(settings: Settings) -> dict[str, str]:
    """Give the environment of a child process: ours, with our settings, so that flags reach it."""
    environment = without_frugality(os.environ)
    # Where the package was found by this process, the other one finds it too.
    folders = [str(Path(vit_core.__file__).resolve().parent.parent), environment.get("PYTHONPATH", "")]
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, folders)),
        "PYTHONUNBUFFERED": "1",
        "VIT_BUCKET": settings.bucket,
        "VIT_INDEX": settings.index or "",
        "VIT_CACHE_DIR": str(settings.cache_dir),
        "VIT_CACHE_LIMIT": str(settings.cache_limit_bytes),
        "VIT_RUNS_DIR": str(settings.runs_dir),
        "VIT_ENGINE": settings.engine,
        "VIT_DEVICE": settings.device,
        "VIT_MAX_UPLOAD_MB": str(settings.max_upload_mb),
        "VIT_MAX_DATA_MB": str(settings.max_data_mb),
        "VIT_DATA_ROOT": str(settings.data_root or ""),
        "VIT_LOCK_DIR": str(settings.lock_dir),
        "VIT_ALLOWED_HOSTS": ",".join(settings.allowed_hosts),
    }
    if settings.device == "cpu":
        environment["JAX_PLATFORMS"] = "cpu"  # the accelerator is not even opened
    return environment
