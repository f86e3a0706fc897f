"""How long pictures are kept, and how they are deleted: asked first, and refused while a run needs them."""

import math
from collections.abc import Collection, Iterable
from pathlib import Path

import streamlit as st

from app import resources
from app.components.plain_text import plain
from app.components.training_session import put_away
from app.components.wording import counted
from app.training_desk import Desk
from vit_core.errors import BadRun
from vit_core.runs.leftovers import KEPT_DAYS
from vit_core.runs.record import FINAL, RunRecord

_DAY_S = 24 * 3600.0


def kept_words(root: Path, *, opened: float, now: float) -> str:
    """Give how long pictures that were brought here are kept, as the rest of a line.

    Args:
        root: their folder.
        opened: when they were last opened, in seconds since 1970.
        now: the same of now.
    """
    if runs := resources.runs_by_images().get(root):
        return f"used by {counted(len(runs), 'run')}"
    days = math.ceil((opened - now) / _DAY_S + KEPT_DAYS)
    return f"used by no run, kept for {counted(max(1, days), 'more day')}"


def kept_sentence(root: Path) -> str:
    """Give the same of pictures that are open now, as a sentence."""
    if runs := resources.runs_by_images().get(root):
        return f"{counted(len(runs), 'run')} learned from these pictures, which are kept as long as the runs."
    return f"No run uses these pictures yet; they are kept for {KEPT_DAYS} days after you last opened them."


def show_deletion(table: Desk, data_id: str, root: Path) -> None:
    """Show what deleting means, and the button that does it; or why it cannot be now.

    Args:
        table: of this visitor.
        data_id: of the data set.
        root: the folder of its pictures.
    """
    if needed := _needed_by(resources.runs_by_images().get(root, ()), resources.all_runs()):
        st.markdown(plain(str(needed)))
        return
    if table.data.is_own(data_id, root):
        st.markdown("The pictures lie on this machine only, and cannot be brought back.")
        if resources.runs_by_images().get(root):
            st.caption("Runs that have ended keep their results, but cannot show these pictures or learn on.")
    elif table.data.keeps(root):
        st.markdown("A command unpacked these pictures; what is deleted is the list of them made here.")
        st.caption(f"The pictures themselves are deleted {KEPT_DAYS} days after they were last used.")
    else:
        st.markdown("The pictures stay in the server's folder; what is deleted is the list of them made here.")
    st.button("Delete now", key=f"delete now {data_id}", type="primary", on_click=_delete, args=(table, data_id, root))


def _delete(table: Desk, data_id: str, root: Path) -> None:
    runs = resources.runs()  # as they are now: another visitor may have started one of late
    names = [name for name, images in runs.image_roots().items() if images == root]
    if needed := _needed_by(names, runs.all()):
        table.problem = needed
        return
    table.cancel("trial")
    table.cancel("quick look")
    table.data.delete(data_id)
    put_away(table)


def _needed_by(names: Collection[str], records: Iterable[RunRecord]) -> BadRun | None:
    """Give why the pictures of these runs cannot be deleted; None where they can."""
    for record in records:
        if record.name in names and record.state not in FINAL | {"unreadable"}:
            return BadRun(f"The run {record.name!r} still needs these pictures; let it end, stop it or delete it.")
    return None
