"""What is compared: the list with its ways in and out, and what to try when the list is empty."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from app.components.plain_text import one_line, plain
from vit_core.catalog.describe import title_of
from vit_core.catalog.lookup import counterfactual

OnCompare = Callable[[tuple[str, ...]], None]
_ROUND = "compare add round"


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """A comparison worth a look: the question it answers and the checkpoints."""

    question: str
    names: tuple[str, ...]


def suggestions(best: pd.DataFrame, demo: pd.DataFrame, frame: pd.DataFrame) -> list[Suggestion]:
    """Give a few comparisons that a catalogue allows.

    Args:
        best: the recommended files.
        demo: the table of the models that come with the app.
        frame: the catalogue.
    """
    found = []
    by_name: Mapping[str, str] = dict(zip(best["name"].astype("str"), best["filename"].astype("str"), strict=True))
    if {"S/16", "B/16", "L/16"} <= by_name.keys():
        found.append(
            Suggestion(
                "What does size buy? S/16, B/16, L/16", tuple(by_name[name] for name in ("S/16", "B/16", "L/16"))
            )
        )
    if "B/16" in by_name:
        sisters = counterfactual(frame, by_name["B/16"])
        dropout = sisters.loc[sisters["factor"] == "regularisation", "filename"]
        if not dropout.empty:
            found.append(
                Suggestion("Does dropout help? B/16 without and with it", (by_name["B/16"], str(dropout.iloc[0])))
            )
    best_first = demo.sort_values("adapt_final_test", ascending=False)
    for _, tunes in best_first.groupby("adapt_ds", observed=True, sort=False):
        names = tuple(tunes.drop_duplicates("filename")["adapt_filename"].astype("str").head(2))
        if len(names) > 1:
            found.append(Suggestion("Try it at once: two demo models, nothing to download", names))
            break
    return found


def nothing_to_compare(offers: Sequence[Suggestion], on_compare: OnCompare) -> None:
    """Say what the page does, and offer comparisons to start from."""
    st.markdown(
        "Put two to four checkpoints side by side: what differs in their recipes, what that does to accuracy, speed "
        "and size, and what each of them says about the same picture."
    )
    with st.container(border=True):
        st.markdown("**Start with one of these questions**")
        with st.container(horizontal=True, gap="xsmall"):
            for number, offer in enumerate(offers):
                st.button(
                    plain(offer.question),
                    key=f"suggestion {number}",
                    type="primary" if number == 0 else "secondary",
                    on_click=on_compare,
                    args=(offer.names,),
                )
        st.markdown("or choose your own: *Add to comparison* on any card in Explore, or add one here.")
        st.page_link("views/explore.py", label="Open Explore")


def compared_list(names: Sequence[str], titles: Sequence[str], on_compare: OnCompare) -> None:
    """Show what is compared, each with a button to take it out, and one to start anew.

    Args:
        names: of the checkpoints.
        titles: words for each.
        on_compare: called with the names that stay.
    """
    with st.container(horizontal=True, gap="xsmall"):
        for name, title in zip(names, titles, strict=True):
            rest = tuple(other for other in names if other != name)
            words = f"{plain(one_line(title, limit=70))} ✕"
            st.button(words, key=f"out {name}", on_click=on_compare, args=(rest,), help="Take out of the comparison")
        st.button("Clear all", key="compare clear", type="tertiary", on_click=on_compare, args=((),))


def add_one(choices: Mapping[str, str], on_add: Callable[[str], None]) -> None:
    """Let the user add a checkpoint: one of `choices`, or any by its full name.

    Args:
        choices: title by name.
        on_add: called with the name, or whatever was typed.
    """
    key = f"compare add {st.session_state.get(_ROUND, 0)}"

    def added() -> None:
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # a new, empty box
        if st.session_state[key]:
            on_add(str(st.session_state[key]))

    st.selectbox(
        "Add a checkpoint",
        list(choices),
        index=None,
        key=key,
        accept_new_options=True,
        placeholder="Choose one, or paste a full name",
        format_func=lambda name: one_line(choices.get(name, name), limit=120),
        on_change=added,
    )


def offered(best: pd.DataFrame, demo: pd.DataFrame, names: Sequence[str]) -> dict[str, str]:
    """Give the checkpoints to choose from, title by name: the recommended files and the demo's, less `names`."""
    files = {str(row["filename"]): f"{title_of(row)}, as pre-trained" for row in _rows(best)}
    tunes = {str(row["adapt_filename"]): f"Demo: {title_of(row)}" for row in _rows(demo)}
    return {name: title for name, title in (files | tunes).items() if name not in names}


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
