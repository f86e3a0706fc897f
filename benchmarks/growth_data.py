"""More rows in the index, more images to learn from, more runs in the list: time and memory."""

import dataclasses
import io
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.growth_point import Point
from vit_core.bench.catalog import filter_group_sort, repeated
from vit_core.bench.peak_memory import PeakMemory
from vit_core.bench.windows import seconds_each
from vit_core.catalog.index import load_catalogue
from vit_core.catalog.query import Filters, apply_filters
from vit_core.datasets.dataset import DataSet, Example
from vit_core.datasets.folder import read_folder
from vit_core.datasets.health import examine
from vit_core.datasets.split import with_split
from vit_core.runs.files import RunFiles
from vit_core.runs.library import Runs
from vit_core.runs.making import Request, make_run
from vit_core.runs.status import Status, write_status
from vit_core.settings import Settings
from vit_core.training.config import TrainConfig

_WINDOWS = 3
_CLASSES = 10


def by_rows(sizes: Sequence[int]) -> Iterator[Point]:
    """Ask a catalogue of each size; memory is what an answer takes beside the table."""
    with tempfile.TemporaryDirectory(prefix="vit-growth-") as folder:
        frame = load_catalogue(Settings(cache_dir=Path(folder)), network=False).frame
    for size in sizes:
        larger = repeated(frame, size // len(frame)) if size > len(frame) else frame
        yield Point(size, "filter, group and sort", "s", _times(lambda table=larger: filter_group_sort(table)))
        yield Point(
            size,
            "search three words",
            "s",
            _times(lambda table=larger: apply_filters(table, Filters(search="ImageNet-21k B/16 medium1"))),
        )
        peak = PeakMemory()
        filter_group_sort(larger)
        yield Point(size, "memory of filter, group and sort, at its peak", "MB", (peak.risen_bytes() / 1e6,))
        yield Point(size, "memory of the table", "MB", (float(larger.memory_usage(deep=True).sum()) / 1e6,))


def by_images(sizes: Sequence[int]) -> Iterator[Point]:
    """Index, split and examine folders of so many small JPEGs."""
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="vit-growth-") as name:
            folder = _draw_images(Path(name), size)
            peak, began = PeakMemory(), time.perf_counter()
            dataset = read_folder(folder)
            yield Point(size, "indexing", "s", (time.perf_counter() - began,))
            yield Point(size, "memory of indexing, at its peak", "MB", (peak.risen_bytes() / 1e6,))
        yield Point(size, "split", "s", _times(lambda data=dataset: with_split(data, seed=1, test_share=0.2)))
        yield Point(size, "health check", "s", _times(lambda data=dataset: examine(data)))


def by_runs(sizes: Sequence[int]) -> Iterator[Point]:
    """List so many finished runs."""
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="vit-growth-") as name:
            settings = Settings(runs_dir=Path(name) / "runs", lock_dir=Path(name) / "locks")
            _make_runs(settings, size)
            runs = Runs(settings)
            assert len(runs.all()) == size  # noqa: S101  # each is a run that can be read
            yield Point(size, "list", "s", _times(runs.all))


def _times(work: Callable[[], object]) -> tuple[float, ...]:
    work()
    return tuple(seconds_each(work, at_least_s=0.0) for _ in range(_WINDOWS))


def _draw_images(folder: Path, count: int) -> Path:
    """Write images of a few patterns by class; what stands behind the end of a JPEG makes other files of equal ones."""
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(64):
        buffer = io.BytesIO()
        small = Image.fromarray(random.integers(0, 256, (6, 8, 3), np.uint8))
        small.resize((64, 48), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=80)
        drawn.append(buffer.getvalue())
    for number in range(_CLASSES):
        (folder / f"class{number}").mkdir()
    for number in range(count):
        (folder / f"class{number % _CLASSES}" / f"{number:06d}.jpg").write_bytes(drawn[number % 64] + b"%d" % number)
    return folder


def _make_runs(settings: Settings, count: int) -> None:
    """Make one finished run and copy it under other names: submitting each would take longer than listing them."""
    settings.runs_dir.mkdir(parents=True)
    config = TrainConfig(
        checkpoint="random", resolution=32, total_steps=10, batch=4, learning_rate=0.01, warmup_steps=1
    )
    examples = tuple(
        Example(f"{n}.jpg", f"{n}.jpg", n % 2, "train" if n < 8 else "test", f"{n:064x}", 9, 32, 32, f"{n:016x}")
        for n in range(12)
    )
    dataset = DataSet("twelve", Path("/nowhere"), ("cat", "dog"), examples)
    first = make_run(settings, Request(config, dataset, "run-00000"), number=1)
    write_status(RunFiles(first), dataclasses.replace(Status(), state="done"))
    told = json.loads((first / "config.json").read_text())
    for number in range(1, count):
        folder = shutil.copytree(first, settings.runs_dir / f"run-{number:05d}")
        told |= {"id": uuid.uuid4().hex, "name": folder.name, "number": number + 1}
        (folder / "config.json").write_text(json.dumps(told))
