"""The most confident mistakes of a finished run: where the model is wrong, or the label is."""

import streamlit as st

from app.components.plain_text import plain
from app.components.run_pictures import examples_by_file, show_pictures
from app.components.wording import counted
from vit_core.datasets.dataset import DataSet
from vit_core.training.report import Answered, Report


def show_mistakes(report: Report, dataset: DataSet) -> None:
    """Show all mistakes, the most confident first."""
    wrong = mistakes(report)
    if not wrong:
        st.markdown(f"There are none: {counted(report.num_test, 'test picture')}, all answered rightly.")
        return
    words = (
        f"{len(wrong):,} of {counted(report.num_test, 'test picture')}, the surest answers first. "
        "Look whether some of them carry the wrong label."
    )
    st.markdown(plain(words))
    show_pictures(wrong, dataset, examples_by_file(dataset), key="mistakes")


def mistakes(report: Report) -> list[Answered]:
    """Give the test pictures that were answered wrongly, the most confident first."""
    return sorted(
        (each for each in report.answered if each.predicted != each.label), key=lambda each: -each.probability
    )
