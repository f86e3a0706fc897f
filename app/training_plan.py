"""From a proposal and what a visitor changed of it to the settings of a run: checked field by field. Pure."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from vit_core.datasets.dataset import DataSet
from vit_core.errors import BadSetting
from vit_core.training.config import FIELDS, TrainConfig, check, to_plain
from vit_core.training.defaults import Proposal


@dataclasses.dataclass(frozen=True)
class Plan:
    """The settings that a run would get.

    Attributes:
        proposal: what we propose, with a reason per field.
        config: with the visitor's changes; impossible where `errors` is not empty.
        changed: names of the fields that the visitor changed.
        errors: a sentence for each impossible field, by its name.
        num_train: images to learn from.
    """

    proposal: Proposal
    config: TrainConfig
    changed: frozenset[str]
    errors: Mapping[str, str]
    num_train: int

    @property
    def looks(self) -> float:
        """How often each image is seen."""
        return self.config.total_steps * self.config.batch / self.num_train


def make_plan(
    proposal: Proposal,
    edits: Mapping[str, object],
    *,
    patch_size: int | None,
    num_train: int,
    only_resolution: int | None = None,
) -> Plan:
    """Put a visitor's changes onto the proposal and look for impossible values.

    Args:
        proposal: what we propose.
        edits: values by field name, of the field's type.
        patch_size: what the resolution must be a multiple of, where it is known.
        num_train: images to learn from.
        only_resolution: the one that the model can have; None where there are several.
    """
    changes = {name: value for name, value in edits.items() if value != getattr(proposal.config, name)}
    followed = _following(proposal.config, changes)
    errors: dict[str, str] = {}
    for tried in (*({name: value} for name, value in changes.items() if name != "total_steps"), followed):
        one = dataclasses.replace(proposal.config, **tried)  # type: ignore[arg-type]  # each has its field's type
        try:
            check(one, patch_size=patch_size, num_train=num_train)
        except BadSetting as error:
            field, words = _for_people(str(error))
            # A value that only another change makes impossible is told of once both are there.
            if tried is followed or field in tried:
                errors.setdefault(field, words)
    config = dataclasses.replace(proposal.config, **followed)  # type: ignore[arg-type]  # each has its field's type
    if only_resolution is not None and config.resolution != only_resolution:
        label = FIELDS["resolution"].label
        errors["resolution"] = f"{label} is {config.resolution}, and an MLP-Mixer has one only; take {only_resolution}."
    return Plan(proposal, config, frozenset(changes), errors, num_train)


def _following(proposed: TrainConfig, changes: Mapping[str, object]) -> dict[str, object]:
    """Give the changes, and with another number of steps a warm-up of the same share, unless that was changed too."""
    steps = changes.get("total_steps")
    if "warmup_steps" in changes or not isinstance(steps, int):
        return dict(changes)
    return {**changes, "warmup_steps": max(0, proposed.warmup_steps * steps // max(1, proposed.total_steps))}


def fingerprint(config: TrainConfig, dataset: DataSet, *more: str) -> str:
    """Give a short text that two requests share only when they ask for the same: settings, pictures and `more`."""
    content = hashlib.sha256(json.dumps([to_plain(config), *more, dataset.name, *dataset.classes]).encode())
    for example in dataset.examples:
        content.update(f"{example.sha256} {example.label} {example.part}\n".encode())
    return content.hexdigest()[:32]


def _for_people(message: str) -> tuple[str, str]:
    """Give the field that a message is about, and the message with the field's label instead of its name."""
    name = message.partition(" ")[0]
    for field, about in FIELDS.items():
        message = message.replace(f"{field} is ", f"{about.label} is ") if field == name else message
        message = message.replace(f"into {field} ", f"into {about.label} ")
    return name, message
