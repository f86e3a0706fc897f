"""What a run would be told, as far as pictures and checkpoint are known, and what is missing before it can start."""

import statistics

import pandas as pd

from app.components.training_health import blocks
from app.components.training_start import Start
from app.training_data import Prepared
from app.training_desk import Desk
from app.training_plan import Plan, make_plan
from vit_core.training.defaults import propose


def planned(table: Desk, prepared: Prepared | None, start: Start, sisters: pd.DataFrame | None) -> Plan | None:
    """Give the settings that are proposed for these pictures, with the visitor's changes; None before they can be."""
    if prepared is None or start.model is None or not prepared.dataset.of("train"):
        return None
    dataset = prepared.dataset
    trainable = str(table.edits.get("trainable", "all"))
    proposal = propose(
        checkpoint=start.checkpoint,
        model=start.model,
        num_train=len(dataset.of("train")),
        num_test=len(dataset.of("test")),
        num_classes=len(dataset.classes),
        sisters=sisters,
        trainable=trainable,
        typical_side=int(statistics.median(min(each.width, each.height) for each in dataset.examples)),
    )
    table.settle_edits(proposal.config)
    return make_plan(
        proposal,
        table.edits,
        patch_size=start.model.stride,
        num_train=len(dataset.of("train")),
        only_resolution=start.model.resolution if start.model.is_mixer else None,
    )


def what_is_missing(prepared: Prepared | None, start: Start, plan: Plan | None, *, coming: bool) -> list[str]:
    """Give a sentence for each thing that keeps a run from starting; none when it may.

    Args:
        prepared: the pictures, None before they are in.
        start: the checkpoint.
        plan: the settings, None before there are any.
        coming: whether pictures are on their way in.
    """
    bring = "Wait until your pictures are checked" if coming else "Bring your pictures, or take the practice set"
    missing = [f"{bring} (step 1)."] if prepared is None else blocks(prepared)
    if start.path is None:
        missing.append("Download the checkpoint (step 2), or choose one that is here.")
    if start.problem:
        missing.append(f"Choose another checkpoint (step 2): {start.problem}")
    if plan:
        missing += plan.errors.values()
    return missing
