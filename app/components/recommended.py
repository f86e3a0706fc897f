"""The recommended files: one card per model, fastest first, each with its reason."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from app.components.palette import look_of
from app.components.plain_text import bullets, plain
from app.components.wording import millions, percent, speed

OnChoose = Callable[[str], None]


def recommended_cards(rows: pd.DataFrame, chosen: str, on_choose: OnChoose) -> None:
    """Show one card per recommended file.

    Args:
        rows: a row per file with `name`, `filename`, `reason`, `final_val` and the size columns.
        chosen: name of the file whose card is marked.
        on_choose: called with a file's name.
    """
    with st.container(key="recommended"):
        grid = st.grid("auto", min_column_width=146, gap="xsmall", border=True)
        for _, row in rows.iterrows():
            with grid.cell():
                _card(row, is_chosen=row["filename"] == chosen, on_choose=on_choose)


def _card(row: pd.Series, *, is_chosen: bool, on_choose: OnChoose) -> None:
    name, filename = str(row["name"]), str(row["filename"])
    look = look_of(name)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.html(f'<span class="vx-dot" style="background:{look.colour}" aria-hidden="true"></span>', width="content")
        st.button(
            plain(name),
            key=f"recommended {filename}",
            type="primary" if is_chosen else "tertiary",
            help=f"Open {plain(filename)}",
            on_click=on_choose,
            args=(filename,),
        )
    accuracy = percent(row["final_val"], source=str(row["final_val_source"]))
    st.markdown(f"**{plain(accuracy)}**")
    st.caption(
        f"{plain(speed(row['infer_samples_per_sec'], missing='speed not published'))} · {millions(row['params'])}"
    )
    st.caption(plain(str(row["reason"])))


def why_these(rule: str, notes: Sequence[str]) -> None:
    """Show, on demand, by which rule the ten were chosen and which accuracies may not be compared."""
    with st.popover("Why these, and what the numbers mean", type="tertiary"):
        st.markdown(f"**The rule.** {plain(rule)}")
        st.markdown("**What may be compared**")
        st.markdown(bullets(notes))
