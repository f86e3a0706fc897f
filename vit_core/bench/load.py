"""`bench load`: a checkpoint file to the device, and a second one of the same architecture to its first prediction.

Beside it numpy's own reading of the same file, as the original loads it. The memory is that of a process of its own.
"""

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np

from vit_core.bench.ceilings import COPY, memory_copy
from vit_core.bench.conditions import Conditions
from vit_core.bench.options import Options
from vit_core.bench.peak_memory import PeakMemory
from vit_core.bench.report import Report, Row, with_share
from vit_core.bench.weights import model_config, random_checkpoint, random_images
from vit_core.bench.windows import duration, interleave
from vit_core.devices import describe_device, pick_device
from vit_core.errors import Failure
from vit_core.inference.predictor import Predictor, load_predictor
from vit_core.settings import Settings

_OURS, _ALIGNED = "file to device", "file to device, as this project writes files"
_NUMPY, _SECOND = "file to device, np.load", "second checkpoint to first prediction"
_TASKS = (_OURS, _ALIGNED, _NUMPY, _SECOND)


def measure(options: Options, settings: Settings) -> Report:
    """Measure one model.

    Raises:
        UnknownName: no such model.
        BadInput: the resolution does not suit the model.
        Failure: the process that measures memory did not end well.
    """
    conditions, device = Conditions(), pick_device(options.device)
    config = model_config(options.model, resolution=options.resolution)
    settings = dataclasses.replace(settings, device=options.device)
    with tempfile.TemporaryDirectory(prefix="vit-bench-") as folder:
        aligned = random_checkpoint(config, Path(folder) / "aligned.npz", seed=0)
        first, second = (_as_published(aligned, Path(folder) / f"{seed}.npz", seed=seed) for seed in (0, 1))
        image = random_images(1, options.resolution)

        def load(path: Path) -> Predictor:
            return load_predictor(path, settings=settings)

        files = iter((first, second) * (options.windows + 2))
        load(first).run(image)  # compiles what the second one finds
        work = {
            COPY: memory_copy(at_least_s=min(0.3, options.window_s)),
            _OURS: duration(lambda: load(first)),
            _ALIGNED: duration(lambda: load(aligned)),
            _NUMPY: duration(lambda: _by_numpy(first, device)),
            _SECOND: duration(lambda: load(next(files)).run(image)),
        }
        figures = interleave(work, windows=options.windows)
        peak = _peak_bytes(first, options.device, settings)
        size = first.stat().st_size
    speed = with_share(
        Row(task="rate", unit="", better="more", figures=tuple(size / seconds for seconds in figures[_OURS])),
        of=figures[COPY],
        ceiling=COPY,
    )
    rows = [Row(task=task, unit="s", better="less", figures=tuple(figures[task])) for task in _TASKS]
    rows[0] = dataclasses.replace(rows[0], share=speed.share, ceiling=COPY)
    return Report(
        bench="load",
        subject=f"{options.model}, {size / 1e6:.0f} MB",
        options=options.to_plain(),
        measured=conditions.to_plain(device=describe_device(device), file_bytes=size),
        rows=(
            *rows,
            Row(task="memory taken by loading, at its peak", unit="MB", better="less", figures=(peak / 1e6,)),
            Row(task=COPY, unit="GB/s", better="more", figures=tuple(value / 1e9 for value in figures[COPY])),
        ),
    )


def _as_published(source: Path, target: Path, *, seed: int) -> Path:
    """Write a file's arrays by numpy, as the published files are: they begin at any byte. Each seed has its values."""
    with np.load(source) as file:
        np.savez(target, **{name: file[name] + np.float32(seed) for name in file.files})
    return target


def _by_numpy(path: Path, device: jax.Device) -> None:
    with np.load(path) as file:
        arrays = jax.device_put({name: file[name] for name in file.files}, device)
    for array in arrays.values():
        array.block_until_ready()


def _peak_bytes(path: Path, device: str, settings: Settings) -> int:
    """Load the file in a fresh process; give how much memory that took at its peak."""
    words = [str(path), device, str(settings.cache_dir)]
    command = [sys.executable, "-m", "vit_core.bench.load", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # ourselves, no shell
    if done.returncode:
        raise Failure(f"The process that measures memory ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return int(json.loads(done.stdout)["bytes"])


def _load_once(path: str, device: str, cache_dir: str) -> int:
    settings = Settings(cache_dir=Path(cache_dir), device=device)
    pick_device(device)  # starts JAX, which is not counted
    peak = PeakMemory()
    predictor = load_predictor(path, settings=settings)
    assert predictor.size_bytes  # noqa: S101  # it is still there
    return peak.risen_bytes()


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"bytes": _load_once(*sys.argv[1:4])}))
