"""An evaluation from end to end: checkpoint and images in, figures out.

Images stream: a few batches are decoded ahead by threads while the device computes, and of each only what
`vit_core.evaluation.judging` keeps stays in memory.
"""

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from vit_core.datasets.dataset import DataSet, Example, LeftOut
from vit_core.datasets.pixels import Pixels
from vit_core.datasets.threads import available_cores, in_order
from vit_core.errors import BadCheckpoint, BadDataset, BadInput, OutOfMemory, shorten
from vit_core.evaluation.choice import Choice, check_amounts, choose, open_data
from vit_core.evaluation.figures import Circumstances, Evaluation, summarise
from vit_core.evaluation.judging import Judged, joined, judge, places_of
from vit_core.evaluation.matching import Matching, check_table, match_classes
from vit_core.inference.crop import MIXER_SHARE, crop_share
from vit_core.inference.labels import misfit
from vit_core.inference.own_names import read_names
from vit_core.inference.predictor import Predictor, load_predictor
from vit_core.inference.programs import CPU_BATCH_SIZES
from vit_core.preprocess import METHODS, Method
from vit_core.runs.leftovers import DATA
from vit_core.settings import Settings

Preprocess = Literal["original", "timm"]
PREPROCESS: Mapping[str, Method] = MappingProxyType({"original": "resize", "timm": "crop"})

Progress = Callable[[str, int, int], None]
"""Told what is being done, as a phrase, how much of it is done, and of how much."""

_CPU_BATCH, _ACCELERATOR_BATCH = 32, 128
_THREADS = 16  # most that decode; each may hold a picture of 120 MB
_MOST_AHEAD = 512  # decoded images that wait; 230 MB at 384 px


def evaluate(
    checkpoint: str | Path | Predictor,
    data: str | Path | DataSet,
    *,
    preprocess: str = "original",
    labels: Sequence[str] | Path | None = None,
    table: Mapping[str, str] | None = None,
    resolution: int | None = None,
    device: str | None = None,
    batch: int | None = None,
    limit: int | None = None,
    num_heads: int | None = None,
    settings: Settings | None = None,
    work_dir: Path | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Evaluation:
    """Measure how right a checkpoint is on images whose classes are known.

    Args:
        checkpoint: a name of the catalogue, a file, "run:NAME", or a predictor that is loaded already.
        data: class folders, with a test part or without, a zip of them, a CSV table of file and label,
            "tfds:NAME", a `dataset.json`, or a data set that is read already, whose test part is judged.
        preprocess: "original", as the AugReg checkpoints were evaluated, or "timm", as timm evaluates them.
        labels: class names of the checkpoint, or a file of them; None takes its own.
        table: for classes that the data calls otherwise: the checkpoint's name for each, by the data's.
        resolution: side of the input in pixels; None takes the checkpoint's own.
        device: "auto", "cpu", "gpu" or "tpu"; None takes the settings'.
        batch: images at a time, which a CPU cuts into smaller ones; None takes 32 there and 128 on an accelerator.
        limit: judge at most so many images, taken evenly.
        num_heads: attention heads, for a file that does not tell them.
        settings: None reads them from the environment.
        work_dir: where a zip is unpacked to and a named set is written to, to be found again; None takes a folder
            beside the runs.
        progress: told after each batch.

    Raises:
        BadInput: an impossible argument, no such checkpoint or data, or classes that the checkpoint does not have.
        StoreError: the checkpoint cannot be fetched, or a zip not be unpacked.
        OutOfMemory: the device has too little memory for the batch.
    """
    _check_asked(preprocess, batch, limit)
    settings = settings or Settings.from_environment(os.environ)
    predictor = _loaded(checkpoint, resolution, device, labels, num_heads, settings)
    choice = _chosen(data, work_dir or settings.runs_dir / DATA, limit, progress)
    check_table(table or {}, choice.dataset.classes)
    matching = match_classes(choice.classes, predictor.labels, checkpoint=predictor.name, table=table)
    batch = batch or (_CPU_BATCH if predictor.precision == "float32" else _ACCELERATOR_BATCH)
    _prepare(predictor, batch, progress)
    start = time.perf_counter()
    judged, examples, broken = _judge_all(predictor, choice, matching, PREPROCESS[preprocess], batch, progress)
    seconds = time.perf_counter() - start
    how = _circumstances(predictor, choice, matching, preprocess, batch)
    return summarise(
        judged,
        examples,
        names=predictor.labels.names,
        places=places_of(predictor.config.num_classes),
        root=choice.dataset.root,
        how=dataclasses.replace(how, seconds=seconds, left_out=(*choice.dataset.left_out, *broken)),
    )


def _check_asked(preprocess: str, batch: int | None, limit: int | None) -> None:
    if preprocess not in PREPROCESS:
        raise BadInput(f"There is no preprocessing {shorten(preprocess)!r}; it is one of {', '.join(PREPROCESS)}.")
    check_amounts(batch=batch, limit=limit)


def _loaded(
    checkpoint: str | Path | Predictor,
    resolution: int | None,
    device: str | None,
    labels: Sequence[str] | Path | None,
    num_heads: int | None,
    settings: Settings,
) -> Predictor:
    path = Path(labels) if isinstance(labels, str | Path) else None
    count = len(read_names(path)) if path else None
    if not isinstance(checkpoint, Predictor):
        checkpoint = load_predictor(
            checkpoint, resolution, device, settings=settings, labels=labels, num_heads=num_heads
        )
    elif any(given is not None for given in (resolution, device, labels, num_heads)):
        raise BadInput(
            "A predictor that is loaded keeps its resolution, device, labels and heads; give them when loading it."
        )
    num_classes = checkpoint.config.num_classes
    # Numbers in place of the names, as `classify` gives then, would be matched with classes that are called otherwise.
    if path and count is not None and count != num_classes:
        raise BadInput(misfit(count, path.name, num_classes))
    checkpoint.check_head()
    return checkpoint


def _chosen(data: str | Path | DataSet, work_dir: Path, limit: int | None, progress: Progress) -> Choice:
    if isinstance(data, DataSet):
        return choose(data, parted=True, limit=limit)
    stage = "checking the images"
    dataset, parted = open_data(str(data), work_dir=work_dir, progress=lambda done, total: progress(stage, done, total))
    return choose(dataset, parted=parted, limit=limit)


def _prepare(predictor: Predictor, batch: int, progress: Progress) -> None:
    """Compile before the clock runs, each size that a batch may have."""
    progress("compiling", 0, 1)
    for size in CPU_BATCH_SIZES if predictor.precision == "float32" else (1,):
        if size <= batch:
            _logits(predictor, np.zeros((size, predictor.resolution, predictor.resolution, 3), np.uint8), batch)
    progress("compiling", 1, 1)


def _judge_all(
    predictor: Predictor, choice: Choice, matching: Matching, method: Method, batch: int, progress: Progress
) -> tuple[Judged, list[Example], list[LeftOut]]:
    outputs = np.array([matching.outputs.get(name, -1) for name in choice.dataset.classes], np.int64)
    places = places_of(predictor.config.num_classes)
    parts: list[Judged] = []
    examples: list[Example] = []
    broken: list[LeftOut] = []
    seen, total = 0, len(choice.examples)
    with contextlib.closing(_pictures(choice, predictor, method, batch)) as pictures:
        for chunk in _batches(pictures, batch):
            good = [(example, image) for example, image in chunk if not isinstance(image, LeftOut)]
            broken += [image for _, image in chunk if isinstance(image, LeftOut)]
            if good:
                logits = _logits(predictor, np.stack([image for _, image in good]), batch)
                labels = outputs[[example.label for example, _ in good]]
                parts.append(judge(logits, labels, places=places))
                examples += [example for example, _ in good]
            seen += len(chunk)
            progress("judging the images", seen, total)
    if not parts:
        raise BadDataset(f"No image of {shorten(choice.dataset.name)!r} can be judged. The first: {broken[0].reason}")
    return joined(parts), examples, broken


_Picture = tuple[Example, np.ndarray | LeftOut]


def _pictures(choice: Choice, predictor: Predictor, method: Method, batch: int) -> Generator[_Picture, None, None]:
    """Give the images in their order, decoded ahead; of those that went bad since they were checked, why."""
    pixels = Pixels(choice.examples, choice.dataset.root, resolution=predictor.resolution, keep="whole")
    share = crop_share(predictor.config)

    def read(number: int) -> _Picture:
        example = choice.examples[number]
        try:
            return example, pixels.whole(number, method=method, share=share)
        except BadDataset as error:
            return example, LeftOut(example.name, str(error))

    def task(number: int) -> Callable[[], _Picture]:
        return lambda: read(number)

    workers = min(_THREADS, available_cores())
    return in_order(map(task, range(len(choice.examples))), workers=workers, ahead=min(2 * batch, _MOST_AHEAD))


def _batches(pictures: Iterator[_Picture], size: int) -> Iterator[list[_Picture]]:
    chunk: list[_Picture] = []
    for picture in pictures:
        chunk.append(picture)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _logits(predictor: Predictor, images: np.ndarray, batch: int) -> np.ndarray:
    try:
        logits = np.asarray(predictor.run(images, batch=batch).logits)
    except OutOfMemory as error:
        raise OutOfMemory(f"{error} A batch of {batch} may be the reason; a smaller one needs less.") from error
    if not np.isfinite(logits).all():
        raise BadCheckpoint(
            f"The checkpoint {shorten(predictor.name)!r} answers with numbers that are not finite; "
            "its weights are too large or damaged."
        )
    return logits


def _circumstances(
    predictor: Predictor, choice: Choice, matching: Matching, preprocess: str, batch: int
) -> Circumstances:
    """Say all but what the clock and the images told."""
    num_classes, present = predictor.config.num_classes, len(set(matching.outputs.values()))
    notes = [f"Class names: {predictor.labels.source}", *predictor.notes, *choice.notes]
    if present < num_classes:
        notes.append(
            f"The images are of {present:,} of the checkpoint's {num_classes:,} classes; an answer may be any of them."
        )
    if predictor.precision == "bfloat16":
        notes.append("Computed in bfloat16, as accelerators are fast in; on a CPU, float32 is used.")
    return Circumstances(
        checkpoint=_plain_name(predictor.name),
        architecture=f"{predictor.config.variant} at {predictor.resolution} px",
        resolution=predictor.resolution,
        num_classes=num_classes,
        data=choice.dataset.name,
        part=choice.part,
        matching=matching.rule,
        preprocess=preprocess,
        preprocessing=_words(predictor, PREPROCESS[preprocess]),
        device=predictor.device,
        precision=predictor.precision,
        batch=batch,
        seconds=0.0,
        load_seconds=sum(predictor.seconds.values()),
        notes=tuple(notes),
    )


def _words(predictor: Predictor, method: Method) -> str:
    if method == "crop" and predictor.config.is_mixer:
        return f"The middle: {100 * MIXER_SHARE:g} % of the shorter side (antialiased bicubic), as in timm for Mixers."
    return METHODS[method]


def _plain_name(name: str) -> str:
    """Give the name of a file without its folders, which are nobody's business but the user's."""
    return Path(name).name if "/" in name else name  # no name of a catalogue and no run has one
