"""What a new run shall do: the images, and the settings given by flags or proposed."""

import argparse
import dataclasses
import re
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from vit_core.catalog.hub_copies import original_of
from vit_core.catalog.index import load_catalogue, load_demo
from vit_core.catalog.lookup import find_row
from vit_core.catalog.query import fine_tunes
from vit_core.cli.download import fetch
from vit_core.cli.finetune import given_settings
from vit_core.cli.output import note
from vit_core.datasets.dataset import DataSet
from vit_core.datasets.health import examine
from vit_core.datasets.limits import IntakeOptions
from vit_core.datasets.source import open_source
from vit_core.errors import BadDataset, UnknownName
from vit_core.inference.head import new_task
from vit_core.models.config import ModelConfig
from vit_core.runs.leftovers import DATA
from vit_core.settings import Settings
from vit_core.store.address import is_address
from vit_core.store.location import RUN_PREFIX
from vit_core.store.store import Store
from vit_core.training.config import TrainConfig, check, check_given
from vit_core.training.defaults import propose

_LEAKS = ("leak", "near-leak")
_SAY_EVERY_S = 5.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run shall do.

    Attributes:
        config: its settings, checked.
        dataset: what it learns from.
        reasons: of the settings that were proposed, a sentence each.
    """

    config: TrainConfig
    dataset: DataSet
    reasons: Mapping[str, str]


def make_plan(parsed: argparse.Namespace, settings: Settings) -> Plan:
    """Fetch the checkpoint, take the images in, and settle the settings; a person reads what was found on the way.

    The checkpoint comes first: to read all of it takes a second, and to look at each image may take minutes.

    Raises:
        BadInput: images, checkpoint or settings that cannot be used.
        StoreError: the checkpoint cannot be fetched.
    """
    from vit_core.checkpoints.restore import load_checkpoint  # brings JAX

    given = given_settings(parsed)
    store = Store(settings)
    fetch(store, parsed.checkpoint)
    given["checkpoint"] = checkpoint = _lasting(parsed.checkpoint, store)
    with store.borrow(checkpoint) as path:
        # With its weights, so that a bad one is refused now and not by the run.
        model = load_checkpoint(path, num_heads=parsed.num_heads or None).config
    check_given(given, patch_size=model.stride, num_layers=model.num_layers)
    if isinstance(asked := given.get("resolution"), int):
        model.with_resolution(asked)  # an MLP-Mixer has no other than its own
    dataset = _take_images(parsed, settings)
    note(new_task(model.num_classes, len(dataset.classes)))
    config, reasons = _settle(given, model, dataset, settings)
    check(config, patch_size=model.stride, num_train=len(dataset.of("train")), num_layers=model.num_layers)
    return Plan(config, dataset, reasons)


def _take_images(parsed: argparse.Namespace, settings: Settings) -> DataSet:
    share = IntakeOptions.test_share if parsed.test_share is None else parsed.test_share
    options = IntakeOptions(test_share=share, seed=parsed.split_seed or 0)
    dataset = open_source(parsed.data, work_dir=settings.runs_dir / DATA, options=options, progress=_Ticker())
    note(
        f"{dataset.name}: {len(dataset.classes)} classes, {len(dataset.of('train'))} images to learn from, "
        f"{len(dataset.of('test'))} to test on."
    )
    for sentence in dataset.notes:
        note(sentence)
    for finding in examine(dataset).findings:
        if finding.severity == "block" and not (parsed.accept_leaks and finding.kind in _LEAKS):
            hint = " (--accept-leaks starts all the same)" if finding.kind in _LEAKS else ""
            raise BadDataset(f"{finding.text}{hint}")
        note(finding.text)
    return dataset


def _lasting(checkpoint: str, store: Store) -> str:
    """Make a path absolute: the run's process is elsewhere."""
    location = store.locate(checkpoint)
    if is_address(checkpoint):
        return location.name
    is_path = (
        re.search(r"[/\\]", checkpoint) or checkpoint.endswith((".npz", ".safetensors")) or Path(checkpoint).is_file()
    )
    return str(location.path) if is_path and not checkpoint.startswith(RUN_PREFIX) else checkpoint


def _settle(
    given: dict[str, object], model: ModelConfig, dataset: DataSet, settings: Settings
) -> tuple[TrainConfig, Mapping[str, str]]:
    required = {field.name for field in dataclasses.fields(TrainConfig) if field.default is dataclasses.MISSING}
    if required <= set(given):  # nothing to propose
        return TrainConfig(**given), {}  # type: ignore[arg-type]  # argparse made the types
    proposal = propose(
        checkpoint=str(given["checkpoint"]),
        model=model,
        num_train=len(dataset.of("train")),
        num_test=len(dataset.of("test")),
        num_classes=len(dataset.classes),
        sisters=_sisters(str(given["checkpoint"]), settings),
        trainable=str(given.get("trainable", "all")),
        typical_side=_typical_side(dataset),
    )
    reasons = {name: reason for name, reason in proposal.reasons.items() if name not in given}
    config = dataclasses.replace(proposal.config, **given)  # type: ignore[arg-type]  # argparse made the types
    for name in ("resolution", "batch", "total_steps", "learning_rate"):
        if name in reasons:
            note(f"{name.replace('_', '-')} {getattr(config, name):g}: {reasons[name]}")
    if "warmup_steps" not in given:  # proposed for other steps, perhaps
        config = dataclasses.replace(config, warmup_steps=min(config.warmup_steps, config.total_steps - 1))
    return config, reasons


def _sisters(checkpoint: str, settings: Settings) -> pd.DataFrame | None:
    """Give the published fine-tunes of a checkpoint; None where no table at hand knows it."""
    for catalogue in (load_demo(), load_catalogue(settings, network=False)):
        try:
            row = find_row(catalogue.frame, original_of(checkpoint) or checkpoint)
        except UnknownName:
            continue
        return fine_tunes(catalogue.frame, str(row["filename"]))
    return None


def _typical_side(dataset: DataSet) -> int:
    return int(statistics.median(min(each.width, each.height) for each in dataset.examples))


class _Ticker:
    """Tells a person every few seconds how many images are checked."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._said >= _SAY_EVERY_S:
            self._said = time.monotonic()
            note(f"{done:,} of {total:,} images are checked." if total else "The set is being written.")
