"""More rows in the index, more images to learn from, more runs in the list: time and memory."""

import contextlib
import dataclasses
import gc
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
from vit_core.allocator import give_back_freed_memory
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
from vit_core.training.material import open_images

_WINDOWS = 3
_CLASSES = 10
_CONFIG = TrainConfig(checkpoint="random", resolution=32, total_steps=10, batch=16, learning_rate=0.01, warmup_steps=1)


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
        peak = _from_here()
        filter_group_sort(larger)
        yield Point(size, "memory of filter, group and sort, at its peak", "MB", (peak.risen_bytes() / 1e6,))
        yield Point(size, "memory of the table", "MB", (float(larger.memory_usage(deep=True).sum()) / 1e6,))


def by_images(sizes: Sequence[int]) -> Iterator[Point]:
    """Index, split and examine folders of so many small JPEGs."""
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="vit-growth-") as name:
            folder = _draw_images(Path(name), size)
            peak, began = _from_here(), time.perf_counter()
            dataset = read_folder(folder)
            yield Point(size, "indexing", "s", (time.perf_counter() - began,))
            yield Point(size, "memory of indexing, at its peak", "MB", (peak.risen_bytes() / 1e6,))
            yield from _first_batch(dataset, Path(name) / "cache")
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


def _first_batch(dataset: DataSet, cache_dir: Path) -> Iterator[Point]:
    """Open the images of a run and make its first batch, which is all that a first step waits for beside the model."""
    size = len(dataset.examples)
    learned = with_split(dataset, seed=1, test_share=0.2)
    cache_dir.mkdir()
    peak, began = _from_here(), time.perf_counter()
    images = open_images(learned, learned.of("train"), _CONFIG, cache_dir=cache_dir)
    with contextlib.closing(images), contextlib.closing(images.training(0)) as batches:
        next(batches)
        seconds = time.perf_counter() - began
    yield Point(size, "until the first batch", "s", (seconds,))
    yield Point(size, "memory until the first batch, at its peak", "MB", (peak.risen_bytes() / 1e6,))


def _from_here() -> PeakMemory:
    """Watch memory from here on; what was freed before is given back first, or it would be used again unseen."""
    gc.collect()
    give_back_freed_memory()
    return PeakMemory()


def _times(work: Callable[[], object]) -> tuple[float, ...]:
    work()
    return tuple(seconds_each(work, at_least_s=0.0) for _ in range(_WINDOWS))


def _draw_images(folder: Path, count: int) -> Path:
    """Write as many different pictures: of equal ones, the health check would have all pairs to tell of."""
    random = np.random.default_rng(0)
    for number in range(_CLASSES):
        (folder / f"class{number}").mkdir()
    for number in range(count):
        small = Image.fromarray(random.integers(0, 256, (6, 8, 3), np.uint8))
        path = folder / f"class{number % _CLASSES}" / f"{number:06d}.jpg"
        small.resize((64, 48), Image.Resampling.BICUBIC).save(path, "JPEG", quality=80)
    return folder


def _make_runs(settings: Settings, count: int) -> None:
    """Make one finished run and copy it under other names: submitting each would take longer than listing them."""
    settings.runs_dir.mkdir(parents=True)
    examples = tuple(
        Example(f"{n}.jpg", f"{n}.jpg", n % 2, "train" if n < 8 else "test", f"{n:064x}", 9, 32, 32, f"{n:016x}")
        for n in range(12)
    )
    dataset = DataSet("twelve", Path("/nowhere"), ("cat", "dog"), examples)
    first = make_run(settings, Request(_CONFIG, dataset, "run-00000"), number=1)
    write_status(RunFiles(first), dataclasses.replace(Status(), state="done"))
    told = json.loads((first / "config.json").read_text())
    for number in range(1, count):
        folder = shutil.copytree(first, settings.runs_dir / f"run-{number:05d}")
        told |= {"id": uuid.uuid4().hex, "name": folder.name, "number": number + 1}
        (folder / "config.json").write_text(json.dumps(told))
