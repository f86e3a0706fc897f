"""Which checkpoint answers: found in a catalogue, shown with what it knows, changed with a few clicks."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import resources, state
from app.components.errors import show_error
from app.components.plain_text import one_line, plain
from app.components.wording import megabytes
from app.own_checkpoints import MAX_FILE_BYTES
from vit_core.catalog.collection import PRETRAINING_SETS, TRANSFER_SETS, label_of
from vit_core.errors import BadInput, VitError
from vit_core.store.location import check_name

_ROUND = "own checkpoint round"


@dataclasses.dataclass(frozen=True)
class InHand:
    """The checkpoint that answers.

    Attributes:
        name: of the object, and in links.
        title: for a person.
        knows: what it can tell apart, as the rest of the sentence "It knows …".
        size_bytes: of its file, None where unknown.
    """

    name: str
    title: str
    knows: str
    size_bytes: float | None


def choose(asked: str, tables: Sequence[pd.DataFrame], demo: pd.DataFrame) -> InHand:
    """Give the checkpoint that was asked for, else the best demo model, which needs no network.

    Args:
        asked: a name from a link, "" for none.
        tables: where to look for it, in this order.
        demo: the table of the demo models.
    """
    return find(asked, tables) or best_demo(demo)


def find(name: str, tables: Sequence[pd.DataFrame]) -> InHand | None:
    """Give the checkpoint of that name, a fine-tuned or a pre-trained file or one that a visitor brought."""
    if not name:
        return None
    if path := resources.own_checkpoints().path(name):
        return InHand(name, "Your own file", "the classes of your file", path.stat().st_size)
    if not _can_be_an_object(name):
        return None
    return next(iter(_found(name, tables)), None)


def best_demo(demo: pd.DataFrame) -> InHand:
    """Give the demo model with the highest test accuracy; the first name decides a tie."""
    ranked = demo.sort_values(["adapt_final_test", "adapt_filename"], ascending=[False, True], na_position="last")
    return _fine_tuned(ranked.iloc[0].to_dict())


def here_already(tables: Sequence[pd.DataFrame], demo: pd.DataFrame) -> tuple[InHand, ...]:
    """Give the checkpoints that answer without a download: the demo models, then the downloaded ones."""
    demo_names = dict.fromkeys([*demo["adapt_filename"].astype(str), *demo["filename"].astype(str)])
    downloaded = (entry.name for entry in resources.store().cached() if entry.is_whole)
    names = dict.fromkeys([*demo_names, *downloaded])
    found = (find(name, [demo, *tables]) for name in names)
    return tuple(hand for hand in found if hand and resources.store().local_path(hand.name))


def show_in_hand(hand: InHand, choices: Sequence[InHand], *, is_default: bool) -> None:
    """Show the checkpoint in hand and the ways to another one."""
    with st.container(border=True, key="checkpoint-card"):
        st.caption("Checkpoint in hand" + (", the best of the demo models" if is_default else ""))
        st.markdown(f"**{plain(hand.title)}**")
        st.markdown(f"It knows {plain(hand.knows)}, and sees everything as one of them.")
        st.code(hand.name, language=None, wrap_lines=True)
        with st.popover("Change", width="stretch"):
            _show_choice(hand, choices)
            st.page_link("views/explore.py", label="Find another one in Explore")
            _show_own_file()


def _found(name: str, tables: Sequence[pd.DataFrame]) -> Iterator[InHand]:
    for table in tables:
        if len(rows := table[table["adapt_filename"] == name]):
            yield _fine_tuned(rows.iloc[0].to_dict())
        if len(rows := table[table["filename"] == name]):
            yield _pretrained(rows.iloc[0].to_dict())


def _fine_tuned(row: Mapping[Any, Any]) -> InHand:
    target = str(row["adapt_ds"])
    title = (
        f"{row['name']} · {label_of('ds', row['ds'])} → {label_of('adapt_ds', target)} · {row['adapt_resolution']} px"
    )
    facts = TRANSFER_SETS.get(target)
    knows = facts.sentence if facts else f"the classes of {target}"
    return InHand(str(row["adapt_filename"]), title, knows, _size(row))


def _pretrained(row: Mapping[Any, Any]) -> InHand:
    facts = PRETRAINING_SETS.get(str(row["ds"]))
    knows = f"{facts.num_classes:,} classes of {facts.label}" if facts else f"the classes of {row['ds']}"
    return InHand(str(row["filename"]), f"{row['name']} · {label_of('ds', row['ds'])}, as pre-trained", knows, None)


def _size(row: Mapping[Any, Any]) -> float | None:
    size = row.get("size_bytes")
    return None if size is None or pd.isna(size) else float(size)


def _can_be_an_object(name: str) -> bool:
    """Whether a name may be given to the store: never one that it would take for a path."""
    try:
        return check_name(name) == name and not name.endswith(".npz")
    except BadInput:
        return False


def _show_choice(hand: InHand, choices: Sequence[InHand]) -> None:
    by_name = {choice.name: choice for choice in (hand, *choices)}
    st.session_state["checkpoint choice"] = hand.name
    st.selectbox(
        "On this machine already",
        list(by_name),
        format_func=lambda name: one_line(by_name[name].title, limit=100),
        key="checkpoint choice",
        on_change=lambda: state.update(checkpoint=st.session_state["checkpoint choice"]),
    )


def _show_own_file() -> None:
    key = f"own checkpoint {st.session_state.get(_ROUND, 0)}"
    st.file_uploader(
        "Or bring an .npz file of your own",
        type="npz",
        max_upload_size=MAX_FILE_BYTES // 1000**2,
        key=key,
        on_change=_take_own_file,
        args=(key,),
        help=f"In the published layout, up to {megabytes(MAX_FILE_BYTES)}. It is kept in this server's cache.",
    )
    if problem := st.session_state.get("own checkpoint problem"):
        show_error(problem)


def _take_own_file(key: str) -> None:
    upload = st.session_state[key]
    st.session_state["own checkpoint problem"] = None
    if upload is None:
        return
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # a new, empty uploader; the memory is given back
    try:
        name = resources.own_checkpoints().save(upload, given_name=upload.name, size_bytes=upload.size)
    except VitError as error:
        st.session_state["own checkpoint problem"] = error
    else:
        state.update(checkpoint=name)
