"""`classify`: image files to named classes, on this machine."""

import argparse
import csv
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vit_core.cli.device import before_jax, own_or_spare
from vit_core.cli.download import fetch
from vit_core.cli.output import note, print_json, print_table
from vit_core.errors import BadImage, BadInput, BadSetting, shorten
from vit_core.inference.crop import file_input
from vit_core.inference.head import used_as_is
from vit_core.inference.labels import definitions_for
from vit_core.inference.results import Prediction
from vit_core.models.config import ModelConfig
from vit_core.preprocess import Method
from vit_core.settings import Settings, parse_path
from vit_core.store.store import Store

if TYPE_CHECKING:
    from vit_core.inference.predictor import Predictor

CHUNK = 32  # images decoded at a time, so that thousands of photos never lie in memory together
SUFFIXES = {".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".webp"}


@dataclasses.dataclass(frozen=True)
class Row:
    """One image's answer.

    Attributes:
        image: the path as the user gave it.
        predictions: best first; empty when `error` is set.
        error: why there is no answer, as a sentence.
    """

    image: str
    predictions: tuple[Prediction, ...] = ()
    error: str | None = None


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Classify, print, and exit with 2 when an image was no image."""
    if parsed.top_k < 1:
        raise BadSetting(f"--top-k is {parsed.top_k}; it must be 1 or more.")
    paths = list(_paths(parsed.images))
    fetch(Store(settings), parsed.checkpoint)
    settings = own_or_spare(settings)
    before_jax(settings.device)
    # JAX takes a second to import, and takes hold of the accelerator: not before the words are known to be good.
    from vit_core import load_predictor

    predictor = load_predictor(
        parsed.checkpoint,
        parsed.resolution,
        settings=settings,
        labels=parse_path("--labels", parsed.labels) if parsed.labels else None,
        num_heads=parsed.num_heads,
    )
    predictor.check_head()
    rows = list(_classify(predictor, paths, top_k=parsed.top_k, method=parsed.preprocessing))
    facts = {
        "checkpoint": predictor.name,
        "device": predictor.device,
        "resolution": predictor.resolution,
        "preprocessing": parsed.preprocessing,
        "labels": predictor.labels.source,
        "head": used_as_is(predictor.config.num_classes),
        "notes": list(predictor.notes),
    }
    if predictor.labels.numbered and parsed.labels and parsed.format != "table":
        note(predictor.labels.source)  # a table says it anyway
    if parsed.format != "json":
        for sentence in predictor.notes:
            note(sentence)
    return _print(rows, facts, definitions_for(predictor.labels.dataset), style=parsed.format)


def _paths(words: Sequence[str]) -> Iterator[Path]:
    for word in words:
        if not word:
            raise BadInput("The name of an image is empty; give a file or a folder.")
        path = Path(word)
        try:
            if not path.is_dir():
                yield path
                continue
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.is_dir())
        except OSError as error:
            raise BadInput(f"{shorten(word)!r} cannot be read: {error.strerror}.") from error
        if not inside:
            raise BadInput(f"The folder {word!r} holds no image ({', '.join(sorted(SUFFIXES))}).")
        yield from inside


def _classify(predictor: "Predictor", paths: Sequence[Path], *, top_k: int, method: Method) -> Iterator[Row]:
    for start in range(0, len(paths), CHUNK):
        chunk = [_prepare(path, predictor.config, method) for path in paths[start : start + CHUNK]]
        good = [image for image in chunk if not isinstance(image, Row)]
        logits = iter(np.asarray(predictor.run(np.stack(good)).logits) if good else ())
        for path, image in zip(paths[start : start + CHUNK], chunk, strict=True):
            if isinstance(image, Row):
                yield image
            else:
                yield Row(str(path), tuple(predictor.name_classes(next(logits), top_k)))


def _prepare(path: Path, config: ModelConfig, method: Method) -> np.ndarray | Row:
    try:
        return file_input(path, config, method)
    except BadImage as error:
        return Row(str(path), error=str(error))


def _print(rows: Sequence[Row], facts: dict[str, object], definitions: Sequence[str], *, style: str) -> int:
    if style == "json":
        print_json({**facts, "images": [_as_json(row, definitions) for row in rows]})
    elif style == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["image", "rank", "index", "label", "probability", "error"])
        for row in rows:
            for rank, guess in enumerate(row.predictions, start=1):
                writer.writerow([row.image, rank, guess.index, guess.label, f"{guess.probability:.6f}", ""])
            if row.error:
                writer.writerow([row.image, "", "", "", "", row.error])
    else:
        note(f"{facts['checkpoint']} at {facts['resolution']} px on {facts['device']}. {facts['labels']}")
        note(str(facts["head"]))
        lines = [
            [row.image if rank == 0 else "", guess.label, f"{100 * guess.probability:.1f} %"]
            for row in rows
            for rank, guess in enumerate(row.predictions)
        ]
        print_table({"image": False, "class": False, "probability": True}, lines)
    for row in rows:
        if row.error:
            note(f"vit-explorer: {row.error}")
    return 2 if any(row.error for row in rows) else 0


def _as_json(row: Row, definitions: Sequence[str]) -> dict[str, object]:
    """Give a row with what each class means, null where no dictionary tells."""
    fields = dataclasses.asdict(row)
    for guess in fields["predictions"]:
        guess["definition"] = definitions[guess["index"]] if definitions else None
    return fields
