"""`download`: checkpoints from the bucket, the hub or an address to this machine, checked and resumable."""

import argparse
import filecmp
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from vit_core.catalog.hub_copies import offering_copy
from vit_core.catalog.naming import UNPUBLISHED_NAME
from vit_core.errors import BadCheckpoint, BadSetting, ObjectMissing, VitError, shorten
from vit_core.settings import PUBLIC_BUCKET, Settings, parse_path
from vit_core.store.hub_name import HUB_PREFIX
from vit_core.store.store import Progress, Store

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Fetch each name; an impossible one is refused before, and the first that fails ends the command."""
    folder = parse_path("--to", parsed.to) if parsed.to else None
    if folder and not folder.is_dir():
        raise BadSetting(f"--to is {parsed.to!r}, which is not a folder; make it first.")
    store = Store(settings)
    for name in parsed.names:
        check_name(store, name)  # a mistake in the last one is told before the first is fetched
    for name in parsed.names:
        path = fetch(store, name)
        with store.lease(path):
            print(_copy_of(store, name, path, folder) if folder else path)
    return 0


def fetch(store: Store, name: str) -> Path:
    """Fetch a checkpoint with a bar on standard error.

    Raises:
        BadCheckpoint: `name` is the path of a file that is not there, which is the user's mistake and not the bucket's.
        UnknownName: the bucket cannot hold it.
        StoreError: the download failed.
    """
    check_name(store, name)
    with progress_bar() as progress, offering_copy(name):
        return store.fetch(name, progress=progress)


def check_name(store: Store, name: str) -> None:
    """Refuse a checkpoint that cannot be, without asking a bucket, which may take seconds to answer or never do.

    What the public bucket holds is published as a table, so a name that is not in it is a mistake. Of any other bucket,
    or with an index of the user's own, nothing is known beforehand.

    Raises:
        BadCheckpoint: `name` is the path of a file that is not there.
        UnknownName: the public bucket holds no such checkpoint; the message lists the close names.
    """
    try:
        location = store.locate(name)
    except ObjectMissing as error:
        raise BadCheckpoint(str(error)) from error
    settings = store.settings
    is_public = settings.index is None and settings.bucket.rstrip("/") == PUBLIC_BUCKET
    if (
        location.kind == "file"
        or location.shelf
        or not is_public
        or store.local_path(name)
        or _may_be_unpublished(name)
    ):
        return
    # The table takes a third of a second to load: not where the name alone tells.
    from vit_core.catalog.index import load_catalogue
    from vit_core.catalog.lookup import find_row

    find_row(load_catalogue(settings, network=False).frame, name)


def _may_be_unpublished(name: str) -> bool:
    """One of the three B/8 files on ImageNet-21k is in the bucket, and its name was never published."""
    return name.startswith(UNPUBLISHED_NAME.partition("-name")[0])


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Give a callback that draws one bar on standard error; nothing is drawn when all is there already."""
    drawn: list[Bars] = []

    def show(progress: Progress) -> None:
        if not drawn:
            drawn.append(_bars())
            drawn[0].start()
            drawn[0].add_task(progress.name, total=progress.total_bytes)
        drawn[0].update(drawn[0].task_ids[0], completed=progress.done_bytes, total=progress.total_bytes)

    try:
        yield show
    finally:
        for bars in drawn:  # one that never started would still leave an empty line
            bars.stop()


def _bars() -> "Bars":
    # rich takes a tenth of a second to import, and most commands find their file on this machine.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    return Bars(TextColumn("{task.description}"), *columns, console=Console(stderr=True))


def _copy_of(store: Store, name: str, path: Path, folder: Path) -> Path:
    location = store.locate(name)
    if location.kind != "hub":
        return _copy(path, folder)
    return _copy_repository(path, folder, files=store.files_beside(path), name=location.name)


def _copy_repository(path: Path, folder: Path, *, files: Sequence[Path], name: str) -> Path:
    """Copy the weights and what lies beside them into a folder of their own, since all are called alike."""
    target = folder / _folder_name(name)
    try:
        target.mkdir(exist_ok=True)
        others = _other_files(target, files)
    except OSError as error:
        raise VitError(f"Cannot write {str(target)!r}: {error.strerror}.") from error
    if others:
        raise BadSetting(
            f"{str(target)!r} holds other files already ({shorten(', '.join(others))}), which would be read with those "
            f"of {name}: of another commit, or your own. Move that folder away, or give another one by --to."
        )
    for file in files:
        _copy(file, target)
    return target / path.name


def _folder_name(name: str) -> str:
    """Give each repository and revision a name of its own; no OWNER and no REPO has "--" in it."""
    repo, at, revision = name.removeprefix(HUB_PREFIX).partition("@")
    return repo.replace("/", "--") + at + quote(revision, safe="")


def _other_files(target: Path, files: Sequence[Path]) -> list[str]:
    """List what would be read with the files and is none of them; what an earlier copy left of them is."""
    ours = {file.name: file for file in files}
    return sorted(
        each.name
        for each in target.iterdir()
        if each.suffix in (".json", ".npz", ".safetensors")
        and not (each.name in ours and filecmp.cmp(each, ours[each.name], shallow=False))
    )


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
