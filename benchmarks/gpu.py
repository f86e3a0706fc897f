"""A GPU measured and checked: `python -m benchmarks.gpu` on the machine that has one, in under 8 minutes on one H200.

First bfloat16 against float32: the likeliest class has to be the same on at least 99.5 % of 1,000 images. Then images
per second of inference and fine-tuning, in turns with timm under torch.compile in bfloat16 on the same card, and the
time of one photo through `classify`. The product's own programs, predictor and trainer run; images lie on the device
for both. Without a GPU this ends with an error, unless --rehearse asks for small shapes on the CPU, whose figures mean
nothing.
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image

from benchmarks.cells import COMPILED, OURS, Cell
from benchmarks.gate import agreement
from benchmarks.peers import Campaign, measure
from benchmarks.results_index import RESULTS, results_folder
from vit_core.bench.ceilings import MATRIX
from vit_core.bench.conditions import Conditions
from vit_core.bench.infer import answers
from vit_core.bench.report import Report, Row, write_report
from vit_core.bench.weights import model_config, random_params
from vit_core.cli.device import before_jax
from vit_core.devices import describe_device, pick_device

AGREEMENT = 0.995
_CLASSES = 20
_RIDGE = 1e-3  # of the features' mean square
_WINDOWS, _WINDOW_S = 5, 1.0


class Sizes(NamedTuple):
    """What is different in a rehearsal.

    Attributes:
        device: "gpu", or "cpu".
        images: that bfloat16 is judged on.
        batch: of inference.
        train_batch: of fine-tuning.
        checked: the model whose rounding is judged.
    """

    device: str
    images: int
    batch: int
    train_batch: int
    checked: Cell


_GPU = Sizes("gpu", 1000, 256, 256, Cell(kind="infer", model="B/16", batch=128))
_REHEARSAL = Sizes("cpu", 40, 2, 2, Cell(kind="infer", model="Ti/16", batch=8, resolution=32))


def cells(sizes: Sizes) -> Iterator[Cell]:
    """Give what is measured, those first that say most."""
    both = (OURS, COMPILED)
    if sizes is _REHEARSAL:
        yield Cell(kind="infer", model="Ti/16", batch=sizes.batch, resolution=32, contestants=both)
        yield Cell(kind="train", model="Ti/16", batch=sizes.train_batch, resolution=32, contestants=both)
        yield Cell(kind="latency", model="Ti/16", resolution=32, contestants=(OURS,))
        return
    yield Cell(kind="infer", model="B/16", batch=sizes.batch, contestants=both)
    yield Cell(kind="latency", model="B/16", contestants=(OURS,))
    yield Cell(kind="train", model="B/16", batch=sizes.train_batch, contestants=both)
    yield Cell(kind="infer", model="L/16", batch=sizes.batch, contestants=both)
    yield Cell(kind="infer", model="L/16", batch=sizes.batch, resolution=384, contestants=both)
    for model in ("S/16", "Ti/16", "R50+L/32", "Mixer-B/16"):
        yield Cell(kind="infer", model=model, batch=sizes.batch, contestants=both)
    yield Cell(kind="train", model="L/16", batch=sizes.train_batch // 2, contestants=both)


def main(words: Sequence[str] | None = None) -> int:
    """Check, measure, write `results/gpu.json`; gives 1 where the check failed, 2 where there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rehearse", action="store_true", help="small shapes on the CPU, to try the script itself")
    parser.add_argument("--budget-minutes", type=float, default=8.0, help="begin nothing after it (default 8)")
    parser.add_argument("--windows", type=int, default=_WINDOWS)
    parser.add_argument("--window-s", type=float, default=_WINDOW_S, metavar="S")
    parser.add_argument("--folder", type=results_folder, default=RESULTS, help="where the result goes")
    parser.add_argument("--only-ours", action="store_true", help="without the peer")
    parsed = parser.parse_args(words)
    sizes = _REHEARSAL if parsed.rehearse else _GPU
    before_jax(sizes.device)
    if not parsed.rehearse and jax.default_backend() != "gpu":
        there = jax.default_backend().upper()
        print(f"There is no GPU here, only {there}; --rehearse tries the script.", file=sys.stderr)
        return 2
    began, conditions = time.monotonic(), Conditions()
    device = pick_device(sizes.device)
    agrees, words_of_it = rounding(sizes, device)
    print(f"bfloat16 against float32, {sizes.checked.model}: {words_of_it}", flush=True)
    if not agrees:
        return 1
    campaign = Campaign(windows=parsed.windows, window_s=parsed.window_s, folder=parsed.folder)
    checked = f"top-1 of bfloat16 that float32 gives, too, {sizes.checked.model}"
    rows = [Row(task=checked, unit="%", better="more", figures=_percent(words_of_it))]
    peers: object = {}
    for cell in cells(sizes):
        if time.monotonic() - began > 60 * parsed.budget_minutes:
            print(f"{cell.name}: left out, the {parsed.budget_minutes:g} minutes are over.", flush=True)
            continue
        cell = dataclasses.replace(cell, contestants=(OURS,)) if parsed.only_ours else cell
        report = measure(cell, campaign, device=sizes.device, dtype="bfloat16" if sizes.device == "gpu" else None)
        peers = report.measured["peers"]
        rows += _named(cell, report.rows)
    name = "gpu-rehearsal" if parsed.rehearse else "gpu"
    measured = conditions.to_plain(device=describe_device(device), peers=peers, rehearsal=parsed.rehearse)
    subject = "a rehearsal on the CPU, whose figures mean nothing" if parsed.rehearse else describe_device(device)
    options = {"windows": parsed.windows, "window_s": parsed.window_s}
    write_report(
        parsed.folder / f"{name}.json",
        Report(bench="gpu", subject=subject, options=options, measured=measured, rows=rows),
    )
    for row in rows:
        print(f"    {row.task}: {row.refused or f'{row.spread.median:.5g} {row.unit}'}")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    return 0


def rounding(sizes: Sizes, device: jax.Device) -> tuple[bool, str]:
    """Compare the product in bfloat16 with itself in float32 on classes that it can tell.

    The head is fitted to features of other images of the same classes, as a linear probe is: with a random one, the
    likeliest class would hang on the last digit, which says nothing of a trained model.
    """
    cell = sizes.checked
    config = model_config(cell.model, resolution=cell.resolution, num_classes=_CLASSES)
    params = random_params(config)
    learn, labels = _pictures(sizes.images, cell.resolution, seed=0)
    test, _ = _pictures(sizes.images, cell.resolution, seed=1)
    # Logits of a head that is the identity are the features.
    wide = dataclasses.replace(config, num_classes=config.num_features)
    width = config.num_features
    identity = {"kernel": np.eye(width, dtype=np.float32), "bias": np.zeros(width, np.float32)}
    features = answers(wide, params | {"head": identity}, device, batch=cell.batch, dtype="float32")(learn)
    params = params | {"head": _fit(features, np.eye(_CLASSES, dtype=np.float32)[labels])}
    exact, rounded = (
        answers(config, params, device, batch=cell.batch, dtype=dtype)(test) for dtype in ("float32", "bfloat16")
    )
    return agreement(rounded, exact, least=AGREEMENT)


def _pictures(count: int, resolution: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw uint8 [count, res, res, 3]: a soft pattern per class, each image with noise of its own; and the classes."""
    patterns = np.random.default_rng(7).integers(0, 256, (_CLASSES, 7, 7, 3), np.uint8)
    size = (resolution, resolution)
    soft = np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BICUBIC)) for each in patterns])
    labels = np.arange(count) % _CLASSES
    random = np.random.default_rng(seed)
    images = np.empty((count, resolution, resolution, 3), np.uint8)
    for number, label in enumerate(labels):
        noisy = soft[label].astype(np.int16) + random.integers(-60, 61, soft[label].shape, np.int16)
        images[number] = noisy.clip(0, 255)
    return images, labels


def _fit(features: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Give the head of least squares, with a little ridge."""
    centre = features.mean(axis=0)
    centred = (features - centre).astype(np.float64)
    gram = centred @ centred.T
    gram[np.diag_indices_from(gram)] += _RIDGE * np.trace(gram) / len(gram)
    kernel = centred.T @ np.linalg.solve(gram, targets - targets.mean(axis=0))
    bias = targets.mean(axis=0) - centre @ kernel
    return {"kernel": kernel.astype(np.float32), "bias": bias.astype(np.float32)}


def _percent(words: str) -> tuple[float, ...]:
    return (float(words.split(" on ")[1].split(" %")[0]),)


def _named(cell: Cell, rows: Sequence[Row]) -> Iterator[Row]:
    what = {"infer": "inference", "train": "fine-tuning", "latency": "one photo by classify"}[cell.kind]
    where = f"{cell.model}, batch {cell.batch}" + ("" if cell.resolution == 224 else f", {cell.resolution} px")
    for row in rows:
        if row.task == MATRIX and cell.kind != "infer":
            continue
        task = f"{what} {where}: {row.task}"
        if cell.kind == "latency" and not row.refused:
            milliseconds = tuple(1000 / figure for figure in row.figures)
            yield Row(task=task, unit="ms", better="less", figures=milliseconds)
            continue
        yield dataclasses.replace(row, task=task)


if __name__ == "__main__":
    sys.exit(main())
