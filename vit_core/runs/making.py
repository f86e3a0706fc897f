"""Making the folder of a run: whole, or not at all."""

import dataclasses
import hashlib
import os
import shutil
import time
import uuid
from pathlib import Path

from vit_core.datasets.dataset import DataSet, to_json
from vit_core.errors import BadRun
from vit_core.runs.files import RunConfig, RunFiles, kept_on_disk, write_config, write_json, write_text
from vit_core.runs.leftovers import NEW
from vit_core.runs.names import suggest_run_name
from vit_core.runs.record import Progress
from vit_core.runs.space import check_space
from vit_core.runs.status import Status, write_status
from vit_core.settings import Settings
from vit_core.training.config import TrainConfig
from vit_core.training.estimates import QuickLook


@dataclasses.dataclass(frozen=True)
class Request:
    """What a run is to be; see `Runs.submit`."""

    config: TrainConfig
    dataset: DataSet
    name: str
    key: str = ""
    note: str = ""
    quick_look: QuickLook | None = None


def make_run(settings: Settings, request: Request, *, number: int) -> Path:
    """Build the folder of a run under a hidden name, and then give it its own; the caller holds the folder alone.

    Args:
        settings: the folder of runs.
        request: what the run is to be, checked.
        number: of the run.

    Returns:
        The folder.

    Raises:
        BadRun: the name is taken.
        StorageFull: too little room on the disk.
        Failure: the folder cannot be written.
    """
    target = settings.runs_dir / request.name
    check_free(settings.runs_dir, request.name)
    check_space(request.config, settings)
    text = to_json(request.dataset)
    config = _describe(request, text, number=number)
    files = RunFiles(settings.runs_dir / f"{NEW}{config.id}")
    with kept_on_disk(files.config):
        files.folder.mkdir()
    try:
        write_config(files, config)
        write_text(files.dataset, text)
        if request.quick_look is not None:
            write_json(files.quick_look, request.quick_look.to_plain())
        write_status(files, Status(progress=Progress(total_steps=request.config.total_steps)))
        with kept_on_disk(target):
            files.folder.rename(target)
    except BaseException:
        shutil.rmtree(files.folder, ignore_errors=True)
        raise
    return target


def check_free(runs_dir: Path, name: str) -> None:
    """Refuse the name of a run that is there already.

    Raises:
        BadRun: it is taken; the message gives a free one.
    """
    if os.path.lexists(runs_dir / name):
        free = suggest_run_name(name, {path.name for path in runs_dir.iterdir()})
        raise BadRun(f"There is a run {name!r} already; take another name, such as {free!r}.")


def _describe(request: Request, dataset_text: str, *, number: int) -> RunConfig:
    dataset = request.dataset
    return RunConfig(
        id=uuid.uuid4().hex,
        name=request.name,
        number=number,
        created=time.time(),
        key=request.key,
        note=request.note,
        settings=request.config,
        dataset_name=dataset.name,
        dataset_root=str(dataset.root),
        dataset_sha256=hashlib.sha256(dataset_text.encode()).hexdigest(),
        num_classes=len(dataset.classes),
        num_train=len(dataset.of("train")),
        num_test=len(dataset.of("test")),
    )
