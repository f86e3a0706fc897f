"""The checkpoints of a comparison, found by name in the open tables: facts, title, and the question to each."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from app import resources
from app.answers import Question
from app.components.address_input import refusal_of
from app.components.checkpoint_in_hand import RUN_PREFIX, InHand, at_address, named, run_in_hand
from vit_core.catalog.describe import is_fine_tuned
from vit_core.catalog.hub_copies import original_of
from vit_core.catalog.lookup import find_row
from vit_core.errors import UnknownName, VitError
from vit_core.store.address import is_address


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One checkpoint of a comparison.

    Attributes:
        hand: its name, title and size.
        row: its row of a catalogue, or of `pretrained_files`; of a visitor's own file only a name.
        question: what is asked of it, None while its file is not on this machine.
    """

    hand: InHand
    row: Mapping[str, Any]
    question: Question | None


def line_up(names: Sequence[str], tables: Sequence[pd.DataFrame]) -> list[Contestant]:
    """Find the checkpoints of these names, in their order; a name that no table has is left out."""
    hands = {hand.name: hand for hand in named(names, tables)}
    found = ((name, hands.get(name) or _own(name, tables)) for name in names)
    return [_contestant(name, hand, tables) for name, hand in found if hand is not None]


def refusals(names: Sequence[str]) -> list[str]:
    """Say which of these are addresses that are refused here, and why."""
    return [str(problem) for name in names if (problem := refusal_of(name))]


def full_name(text: str, tables: Sequence[pd.DataFrame]) -> str:
    """Give the name of the checkpoint that a person means, or the text itself where no table has it.

    Args:
        text: a name, with or without ".npz", a folder or a URL before it; or an address.
        tables: where to look, in this order.
    """
    if is_address(text):
        return text if refusal_of(text) else at_address(text, tables).name
    for table in tables:
        try:
            row = {str(key): value for key, value in find_row(table, text).to_dict().items()}
        except UnknownName:
            continue
        return str(row["adapt_filename"] if is_fine_tuned(row) else row["filename"])
    return text


def _own(name: str, tables: Sequence[pd.DataFrame]) -> InHand | None:
    if name.startswith(RUN_PREFIX):
        try:
            return run_in_hand(name)
        except VitError:  # deleted since it was put on the list
            return None
    if is_address(name):
        return None if refusal_of(name) else at_address(name, tables)
    path = resources.own_checkpoints().path(name)
    return InHand(name, "Your own file", "the classes of your file", path.stat().st_size) if path else None


def _contestant(name: str, hand: InHand, tables: Sequence[pd.DataFrame]) -> Contestant:
    path = resources.checkpoint_path(name)
    return Contestant(hand, _row(hand, tables), None if path is None else Question(name, path))


def _row(hand: InHand, tables: Sequence[pd.DataFrame]) -> Mapping[str, Any]:
    name = original_of(hand.name) or hand.name
    if is_address(name) and not named([name], tables):
        return {"name": hand.title}
    for table in tables:
        try:
            return {str(key): value for key, value in find_row(table, name).to_dict().items()}
        except UnknownName:
            continue
    return {"name": hand.title}
