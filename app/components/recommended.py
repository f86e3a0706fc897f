"""The recommended files: one card per model, fastest first, each with its reason."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd
import streamlit as st

from app.components.palette import look_of
from app.components.plain_text import bullets, plain, plain_html
from app.components.wording import counted, millions, percent, speed
from app.derived import once
from vit_core.catalog.collection import label_of
from vit_core.catalog.query import pareto_front

OnChoose = Callable[[str], None]


class Card(NamedTuple):
    """What a card says of a file.

    Attributes:
        name: of the model.
        filename: of the file.
        accuracy: upstream.
        facts: speed and size.
        reason: for recommending it, in short.
        help: the same in full.
    """

    name: str
    filename: str
    accuracy: str
    facts: str
    reason: str
    help: str


def recommended_cards(rows: pd.DataFrame, chosen: str, on_choose: OnChoose) -> None:
    """Show one card per recommended file; the whole card can be clicked.

    Args:
        rows: a row per file with `name`, `filename`, `reason`, `rivals` and the numbers of `pretrained_files`.
        chosen: name of the file whose card is marked.
        on_choose: called with a file's name.
    """
    with st.container(key="recommended"):
        grid = st.grid(5, min_column_width=200, gap="xsmall", border=True)
        for card in once("cards", rows, lambda: tuple(_cards(rows))):
            with grid.cell():
                _show(card, is_chosen=card.filename == chosen, on_choose=on_choose)


def _cards(rows: pd.DataFrame) -> Iterator[Card]:
    front = pareto_front(rows, "infer_samples_per_sec", "final_val")
    for (_, row), leads in zip(rows.iterrows(), front, strict=True):
        yield Card(
            name=str(row["name"]),
            filename=str(row["filename"]),
            accuracy=percent(row["final_val"], source=str(row["final_val_source"])),
            facts=f"{speed(row['infer_samples_per_sec'], missing='speed not published')} · {millions(row['params'])}",
            reason=f"Best of {counted(int(row['rivals']), 'file')}" + ("; nothing faster is better" if leads else ""),
            help=str(row["reason"]),
        )


def _show(card: Card, *, is_chosen: bool, on_choose: OnChoose) -> None:
    st.button(
        f"**{plain(card.name)}**",
        key=f"recommended {card.filename}",
        type="tertiary",
        help=plain(card.help),
        on_click=on_choose,
        args=(card.filename,),
    )
    mark = "vx-dot vx-chosen" if is_chosen else "vx-dot"
    # One element for all that is not pressed: each costs a browser a few milliseconds, and there are ten cards.
    st.html(
        f'<span class="{mark}" style="background:{look_of(card.name).colour}" aria-hidden="true"></span>'
        f'<p class="vx-accuracy">{plain_html(card.accuracy)}</p>'
        f'<p class="vx-small">{plain_html(card.facts)}</p><p class="vx-small">{plain_html(card.reason)}</p>'
    )


def recommended_heading(ds: str, rule: str, notes: Sequence[str]) -> None:
    """Say what is recommended and, on demand, by which rule and which accuracies may not be compared.

    Args:
        ds: the pre-training set that the files were chosen in.
        rule: how.
        notes: what may not be compared, sentences.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"**Recommended**: the best of each model by accuracy on {plain(label_of('ds', ds))}"
        st.markdown(words, width="content")
        with st.popover("Why these, and what the numbers mean", type="tertiary"):
            st.markdown(f"**The rule.** {plain(rule)}")
            st.markdown("**What may be compared**")
            st.markdown(bullets(notes))
