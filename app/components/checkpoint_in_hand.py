"""Which checkpoint answers: found in a catalogue, shown with what it knows, changed with a few clicks."""

import dataclasses
import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import resources, state
from app.components.address_input import refusal_of, show_address_input
from app.components.errors import show_error
from app.components.own_heads import show_heads
from app.components.plain_text import one_line, plain
from app.components.uploads import forget_uploads, fresh_uploads
from app.components.wording import megabytes
from app.own_checkpoints import MAX_FILE_BYTES
from vit_core.catalog.collection import TRANSFER_SETS, pretraining_set
from vit_core.catalog.describe import is_fine_tuned, title_of
from vit_core.catalog.families import family_of
from vit_core.catalog.hub_copies import original_of
from vit_core.catalog.lookup import find_row
from vit_core.catalog.query import pretrained_files
from vit_core.errors import BadInput, BadRun, VitError, shorten
from vit_core.inference.head import why_no_classes
from vit_core.runs.record import RunRecord
from vit_core.settings import PUBLIC_BUCKET, bundled_data_dir
from vit_core.store.address import is_address
from vit_core.store.hub_name import HUB_PREFIX
from vit_core.store.location import check_name

SHOWN_CLASSES = 12
RUN_PREFIX = "run:"
_LISTED_RUNS = 20
_ROUND = "own checkpoint round"


@dataclasses.dataclass(frozen=True)
class InHand:
    """The checkpoint that answers.

    Attributes:
        name: of the object, and in links.
        title: for a person.
        knows: what it can tell apart, as the rest of the sentence "It knows …".
        size_bytes: of its file, None where unknown.
        dataset: code of the set whose classes it knows, "" where unknown.
    """

    name: str
    title: str
    knows: str
    size_bytes: float | None
    dataset: str = ""


def choose(asked: str, tables: Sequence[pd.DataFrame], demo: pd.DataFrame) -> tuple[InHand, str | None]:
    """Give the checkpoint that was asked for, else the best demo model, which needs no network.

    Args:
        asked: a name from a link, "" for none.
        tables: where to look for it, in this order.
        demo: the table of the demo models.

    Returns:
        The checkpoint, and why it is not the one that was asked for, as a sentence.
    """
    if not asked:
        return best_demo(demo), None
    if path := resources.own_checkpoints().path(asked):
        return InHand(asked, "Your own file", "the classes of your file", path.stat().st_size), None
    if asked.startswith(RUN_PREFIX):
        try:
            return run_in_hand(asked), None
        except VitError as error:
            return best_demo(demo), str(error)
    if is_address(asked):
        try:
            return at_address(asked, tables), None
        except VitError as error:
            return best_demo(demo), str(error)
    refusals: list[str] = []
    for table in tables:
        try:
            hand = _in_hand(find_row(table, asked).to_dict())
            check_object_name(hand.name)
        except BadInput as error:
            refusals.append(str(error))
        else:
            return hand, None
    return best_demo(demo), refusals[0]


def run_in_hand(name: str) -> InHand:
    """Give a finished run as a checkpoint.

    Args:
        name: as a checkpoint is named, "run:NAME".

    Raises:
        VitError: there is no such run, it is not done, or its data set cannot be read.
    """
    record = resources.runs().get(name.removeprefix(RUN_PREFIX))
    if record.state != "done":
        raise BadRun(f"The run {record.name!r} is not done; its model is there when it is.")
    classes = resources.run_dataset(record.name, record.created).classes
    model = record.result / "model.npz"
    size = model.stat().st_size if model.is_file() else None
    return InHand(name, _run_title(record), f"only {_some(classes)}", size)


def at_address(address: str, tables: Sequence[pd.DataFrame]) -> InHand:
    """Give the checkpoint at an address, with what a table knows of it if one does.

    Raises:
        VitError: the address is refused here.
    """
    name = resources.store().locate(address).name
    # The published collection by its address is what it is called here, wherever the operator has it from.
    plain_name = name.removeprefix(f"{PUBLIC_BUCKET}/").removesuffix(".npz")
    if listed := named([plain_name], tables) or named([name], tables):
        return listed[0]
    if copied := named([original_of(name) or ""], tables):
        return dataclasses.replace(copied[0], name=name, title=f"{copied[0].title} (copy on the hub)", size_bytes=None)
    where = f"{name.removeprefix(HUB_PREFIX)} of the Hugging Face Hub" if name.startswith(HUB_PREFIX) else None
    return InHand(name, where or f"The file {name.rpartition('/')[2]}", "the classes of its file", None)


def named(names: Collection[str], tables: Sequence[pd.DataFrame]) -> list[InHand]:
    """Give the fine-tuned and pre-trained files of exactly these names, each once."""
    found: dict[str, InHand] = {}
    for table in tables:
        rows = [table[table["adapt_filename"].isin(names)], pretrained_files(table[table["filename"].isin(names)])]
        for hand in (_in_hand(row) for some in rows for row in some.to_dict("records")):
            found.setdefault(hand.name, hand)
    return list(found.values())


def best_demo(demo: pd.DataFrame) -> InHand:
    """Give the demo model with the highest test accuracy; the first name decides a tie."""
    ranked = demo.sort_values(["adapt_final_test", "adapt_filename"], ascending=[False, True], na_position="last")
    return _in_hand(ranked.iloc[0].to_dict())


def here_already(tables: Sequence[pd.DataFrame], demo: pd.DataFrame) -> list[InHand]:
    """Give the checkpoints that answer without a download: finished runs, the demo models, the downloaded ones."""
    downloaded = {entry.name for entry in resources.store().cached() if entry.is_whole}
    demo_names = {*demo["adapt_filename"].astype("str"), *demo["filename"].astype("str")}
    found = [*named(demo_names, [demo]), *(named(downloaded - demo_names, tables) if downloaded else [])]
    found += [at_address(name, tables) for name in sorted(downloaded - {hand.name for hand in found}) if _is_open(name)]
    return [*_finished_runs(), *(hand for hand in found if resources.store().local_path(hand.name))]


def _is_open(name: str) -> bool:
    return is_address(name) and refusal_of(name) is None


def check_object_name(name: str) -> None:
    """Refuse a name that the store would take for a path; a table that somebody uploaded may hold any text.

    Raises:
        BadInput: it is no object's name.
    """
    check_name(name)
    if name.endswith(".npz"):
        raise BadInput(f"{name!r} is the name of a file; a checkpoint's name has no .npz at its end.")


def show_in_hand(hand: InHand, choices: Sequence[InHand], *, is_default: bool) -> None:
    """Show the checkpoint in hand and the ways to another one."""
    with st.container(border=True, key="checkpoint-card"):
        st.caption("Checkpoint in hand" + (", the best of the demo models" if is_default else ""))
        st.markdown(f"**{plain(hand.title)}**")
        st.markdown(
            _headless_words(hand.name)
            or f"It knows {plain(hand.knows)}. Used as is, it keeps its head, the last layer, which names these "
            "classes: whatever it is shown, it answers with one of them."
        )
        st.code(hand.name, language=None, wrap_lines=True)
        show_heads(hand.name, lambda name: state.update(checkpoint=name))
        with st.popover("Change", width="stretch"):
            _show_choice(hand, choices)
            st.page_link("views/explore.py", label="Find another one in Explore")
            show_address_input("checkpoint address")
            _show_own_file()


def _headless_words(name: str) -> str:
    """Say why a file of another release names no classes; "" where it does, and for any other checkpoint."""
    family = family_of(name)
    return plain(why_no_classes(family.head, family.name), limit=600) if family else ""


def _in_hand(row: Mapping[Hashable, Any]) -> InHand:
    texts = {str(column): value for column, value in row.items()}
    size = texts.get("size_bytes")
    fine_tuned = is_fine_tuned(texts)
    return InHand(
        name=str(texts["adapt_filename" if fine_tuned else "filename"]),
        title=title_of(texts),
        knows=_knows_after_fine_tuning(str(texts["adapt_ds"]))
        if fine_tuned
        else _knows_as_pretrained(str(texts["ds"])),
        size_bytes=None if size is None or pd.isna(size) else float(size),
        dataset=str(texts["adapt_ds" if fine_tuned else "ds"]),
    )


def _finished_runs() -> list[InHand]:
    done = [record for record in resources.all_runs() if record.state == "done"][:_LISTED_RUNS]
    return [InHand(f"{RUN_PREFIX}{run.name}", _run_title(run), "", None) for run in done]


def _run_title(record: RunRecord) -> str:
    learned = f", learned from {shorten(record.dataset_name, 40)}" if record.dataset_name else ""
    return f"Your run {record.name}{learned}"


def _knows_after_fine_tuning(target: str) -> str:
    facts = TRANSFER_SETS.get(target)
    return facts.sentence if facts else _listed(target)


def _knows_as_pretrained(source: str) -> str:
    facts = pretraining_set(source)
    # What tells sets apart by their recipes, ", 30 epochs", is no part of the classes.
    return f"{facts.num_classes:,} classes of {facts.label.partition(',')[0]}" if facts else _listed(source)


def class_names(dataset: str) -> tuple[str, ...]:
    """Give the classes of a set of the demo; empty for any other set."""
    path = bundled_data_dir() / "labels" / f"{dataset}.txt"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", dataset) or not path.is_file():
        return ()
    return tuple(path.read_text(encoding="utf-8").splitlines())


def _listed(dataset: str) -> str:
    names = class_names(dataset)
    return f"only {dataset}: {_some(names)}" if names else f"the classes of {dataset}"


def _some(names: Sequence[str]) -> str:
    """Give the first few of some names."""
    listed = ", ".join(shorten(name, 40) for name in names[:SHOWN_CLASSES])
    return listed + (f" and {len(names) - SHOWN_CLASSES} more" if names[SHOWN_CLASSES:] else "")


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
        "Or bring your own file of weights (.npz, .safetensors, checkpoint_N)",
        max_upload_size=MAX_FILE_BYTES // 1000**2,
        key=key,
        on_change=_take_own_file,
        args=(key,),
        help=f"An .npz, a .safetensors of timm or transformers, or a checkpoint_N of vit_jax, up to "
        f"{megabytes(MAX_FILE_BYTES)}. It is kept in this server's cache.",
    )
    if problem := st.session_state.get("own checkpoint problem"):
        show_error(problem)


def _take_own_file(key: str) -> None:
    st.session_state["own checkpoint problem"] = None
    uploads = fresh_uploads(key)
    if not uploads:
        return
    upload = uploads[0]
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # a new, empty uploader
    try:
        name = resources.own_checkpoints().save(upload, given_name=upload.name, size_bytes=upload.size)
    except VitError as error:
        st.session_state["own checkpoint problem"] = error
    else:
        state.update(checkpoint=name)
    finally:
        forget_uploads(uploads)
