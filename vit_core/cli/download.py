"""`download`: checkpoints from the bucket to this machine, checked and resumable."""

import argparse
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from vit_core.errors import BadCheckpoint, BadSetting, ObjectMissing, VitError
from vit_core.settings import Settings, parse_path
from vit_core.store.store import Progress, Store


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Fetch each name; the first that fails ends the command, what came before it stays."""
    folder = parse_path("--to", parsed.to) if parsed.to else None
    if folder and not folder.is_dir():
        raise BadSetting(f"--to is {parsed.to!r}, which is not a folder; make it first.")
    store = Store(settings)
    for name in parsed.names:
        path = fetch(store, name)
        with store.lease(path):
            print(_copy(path, folder) if folder else path)
    return 0


def fetch(store: Store, name: str) -> Path:
    """Fetch a checkpoint with a bar on standard error.

    Raises:
        BadCheckpoint: `name` is the path of a file that is not there, which is the user's mistake and not the bucket's.
        StoreError: the download failed.
    """
    try:
        store.locate(name)
    except ObjectMissing as error:
        raise BadCheckpoint(str(error)) from error
    with progress_bar() as progress:
        return store.fetch(name, progress=progress)


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Give a callback that draws one bar on standard error; nothing is drawn when all is there already."""
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks: list[TaskID] = []

    def show(progress: Progress) -> None:
        if not tasks:
            bars.start()
            tasks.append(bars.add_task(progress.name, total=progress.total_bytes))
        bars.update(tasks[0], completed=progress.done_bytes, total=progress.total_bytes)

    try:
        yield show
    finally:
        if tasks:  # a bar that never started would still leave an empty line
            bars.stop()


def _copy(path: Path, folder: Path) -> Path:
    """Copy beside the target first, so that a full disk leaves no half file under the final name."""
    target = folder / path.name
    part = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(path, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise VitError(f"Cannot write {str(target)!r}: {error.strerror}.") from error
    return target
