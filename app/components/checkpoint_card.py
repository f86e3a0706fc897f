"""The card of one checkpoint: what it is, how good, how large, what to beware of, and every way to use it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, cast

import pandas as pd
import streamlit as st

from app import resources
from app.components.facts import facts_list, model_title, numbers_line
from app.components.fine_tunes import fine_tune_words, fine_tunes_panel
from app.components.plain_text import bullets, one_line, plain
from app.components.what_if import what_if
from app.components.wording import megabytes, millions, percent, speed
from vit_core.catalog.describe import Description, describe, family_of_row, is_fine_tuned
from vit_core.catalog.families import Family, family_of
from vit_core.catalog.hub_copies import hub_copy
from vit_core.catalog.query import fine_tunes, pretrained_files
from vit_core.catalog.snippets import INPUT_LINE, snippets
from vit_core.checkpoints.needs import cost_facts, needs_of_row
from vit_core.inference.head import policy_of, why_no_classes

CARD_ANCHOR = "checkpoint"
_LONG_CODE_PX = 280
OnChoose = Callable[[str], None]
Row = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Actions:
    """What happens when something on the card is pressed; each is called with a name.

    Attributes:
        choose_file: another pre-trained file.
        choose_checkpoint: one of the file's fine-tunes, or the file itself.
        compare: put the checkpoint on the list to compare, or take it off.
        go: turn to a page, "classify" or "finetune", with the checkpoint in hand; called with both names.
    """

    choose_file: OnChoose
    choose_checkpoint: OnChoose
    compare: OnChoose
    go: Callable[[str, str], None]


def checkpoint_card(
    frame: pd.DataFrame, filename: str, checkpoint: str, *, compared: tuple[str, ...], bucket: str, actions: Actions
) -> None:
    """Show a pre-trained file, or one of its fine-tunes when `checkpoint` names one.

    Args:
        frame: the catalogue.
        filename: the pre-trained file.
        checkpoint: the fine-tune in hand, or the file itself.
        compared: names on the list to compare.
        bucket: where files lie, for the code to copy.
        actions: what happens when something is pressed.
    """
    rows = fine_tunes(frame, filename)
    row = row_of(rows, checkpoint)
    name = str(row["adapt_filename"] if is_fine_tuned(row) else filename)
    description = describe(row)
    with st.container(border=True, key="card"):
        _head(row, description)
        _which(rows, filename, name, actions.choose_checkpoint)
        _buttons(name, compared, actions)
        _tabs(frame, rows, row, description, name, bucket, actions)


def no_checkpoint_card() -> None:
    """Say what will stand here once a file is chosen."""
    with st.container(border=True, key="card"):
        st.html('<h2 class="vx-title">No checkpoint chosen yet</h2>')
        st.markdown(
            "Choose a recommended card, click a mark in the chart, or tick a row of the table. Here you will then see\n"
            "- what the checkpoint is and how it was trained, in words,\n"
            "- its fine-tunes and their accuracies,\n"
            "- code to use it: Python, command line, PyTorch, plain download,\n"
            "- what other choices of the recipe would have changed."
        )
        st.caption(
            "New to this? Start from a small one that is recommended: it runs on a laptop, and is within a few points "
            "of the large ones."
        )


def row_of(rows: pd.DataFrame, checkpoint: str) -> Row:
    """Give the row of the fine-tune `checkpoint` where it is among `rows`, else that of their pre-trained file."""
    own = rows[rows["adapt_filename"] == checkpoint]
    found = pretrained_files(rows) if own.empty else own
    return cast("Row", found.iloc[0].to_dict())


def _head(row: Row, description: Description) -> None:
    model_title(str(row["name"]), description.title, level=2, anchor=CARD_ANCHOR)
    family = family_of_row(row)
    if family is not None:
        numbers_line(_family_numbers(family, description))
        return
    pairs = [("upstream", percent(row["final_val"], source=str(row["final_val_source"])))]
    if is_fine_tuned(row):
        pairs.append(("test", percent(row["adapt_final_test"])))
    pairs += [
        ("speed", speed(row["infer_samples_per_sec"])),
        ("parameters", millions(row["params"])),
        ("file", megabytes(row["size_bytes"])),
    ]
    numbers_line(pairs)


def _family_numbers(family: Family, description: Description) -> list[tuple[str, str]]:
    """Give the few figures that are known of a file of another release; accuracies with the digits in print."""
    accuracies = [value for _, value, _ in description.metrics] if family.top1 is not None else []
    return [
        *zip(("ImageNet top-1", "top-5"), accuracies, strict=False),
        ("parameters", millions(family.params)),
        ("GFLOPs per image", f"{family.gflops:,.1f}"),
        ("file", megabytes(family.size_bytes)),
    ]


def _which(rows: pd.DataFrame, filename: str, name: str, on_choose: OnChoose) -> None:
    words = {filename: "As published, not fine-tuned" if family_of(filename) else "As pre-trained, not fine-tuned"}
    words |= {str(row["adapt_filename"]): fine_tune_words(row) for _, row in _tuned(rows).iterrows()}
    key = "card checkpoint"
    st.session_state[key] = name
    st.selectbox(
        "Which version",
        list(words),
        key=key,
        format_func=lambda each: one_line(words[each], limit=120),
        on_change=lambda: on_choose(str(st.session_state[key])),
        help="Each pre-trained file was fine-tuned many times. Choose the one that knows your kind of pictures.",
    )


def _tuned(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out the row of a file of another release that was not fine-tuned."""
    return rows[rows["adapt_ds"].notna()]


def _buttons(name: str, compared: tuple[str, ...], actions: Actions) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        no_classes = _no_classes(name)
        shut = _is_pickle(name) or bool(no_classes)
        if st.button("Classify with this", type="primary", key="card classify", disabled=shut, help=no_classes or None):
            actions.go("classify", name)
        if st.button("Fine-tune", key="card fine-tune", help="Teach it classes of your own", disabled=_is_pickle(name)):
            actions.go("finetune", name)
        words = "Take out of comparison" if name in compared else "Add to comparison"
        st.button(words, key="card compare", on_click=actions.compare, args=(name,))
        if compared:
            st.page_link(
                "views/compare.py",
                label=f"Compare {len(compared)} →",
                query_params={"compare": ",".join(compared)},
            )


def _is_pickle(name: str) -> bool:
    family = family_of(name)
    return family is not None and family.is_pickle


def _no_classes(name: str) -> str:
    """Say why a file of another release cannot classify; "" where it can, and for any other file."""
    family = family_of(name)
    return plain(why_no_classes(family.head, family.name), limit=600) if family else ""


def _tabs(
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    row: Row,
    description: Description,
    name: str,
    bucket: str,
    actions: Actions,
) -> None:
    about, tunes, use, change = st.tabs(
        ["About", f"Fine-tunes ({len(_tuned(rows))})", "Use it", "What if?"], key="card tab", on_change="rerun"
    )
    with about:
        if about.open:
            _about(description, row)
    with tunes:
        if tunes.open:
            if _tuned(rows).empty:
                st.caption("No fine-tune of this file was published with it.")
            else:
                fine_tunes_panel(_tuned(rows), name, actions.choose_checkpoint)
    with use:
        if use.open:
            _use(row, name, bucket, actions)
    with change:
        if change.open:
            what_if(frame, str(row["filename"]), actions.choose_file)


def _about(description: Description, row: Row) -> None:
    st.markdown(f"{plain(description.lineage)} {plain(description.recipe, limit=800)}")
    if description.caveats:
        st.markdown("**Good to know**")
        st.markdown(bullets(description.caveats))
    facts_list(description.metrics)
    needs = needs_of_row(row, on_cpu=resources.room().on_cpu)
    if needs is not None:
        facts_list(cost_facts(needs))
    facts_list([(label, text, None) for label, text in description.facts])
    st.markdown("**What becomes of its head, the last layer**")
    st.markdown(bullets(f"{what}. {sentence}" for what, sentence in policy_of(row)))
    if description.licence:
        st.caption(f"Licence {plain(description.licence)}. Please cite: {plain(description.citation)}")
    elif description.citation:
        st.caption(f"No licence of this file is known. Please cite: {plain(description.citation)}")


def _use(row: Row, name: str, bucket: str, actions: Actions) -> None:
    st.caption("Full name")
    st.code(name, language=None, wrap_lines=True)
    if copy := hub_copy(name):
        st.caption(f"The same weights on the Hugging Face Hub: {plain(copy.difference, limit=600)}.")
        st.code(copy.name, language=None, wrap_lines=True)
        words, page = (
            ("Fine-tune this copy", "finetune") if _no_classes(name) else ("Classify with this copy", "classify")
        )
        if st.button(words, key="card hub copy"):
            actions.go(page, copy.name)
    ways = snippets(row, bucket=bucket)
    if not ways:
        st.info("The name of this file was never published, so it cannot be downloaded.")
        return
    for way in ways:
        st.caption(way.title)
        st.code(way.code, language=way.language, height=_LONG_CODE_PX if way.code.count("\n") > 12 else "content")
    st.caption(f"Every way expects pictures as {plain(INPUT_LINE)}.")
