"""What a finished run gives: accuracy with its interval, each class, and the model to use and to take along."""

import io
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app.components.facts import numbers_line
from app.components.plain_text import one_line, plain
from app.components.run_words import span_words
from app.components.wording import counted, megabytes, percent
from vit_core.export.bundle import zip_result
from vit_core.runs.record import RunRecord
from vit_core.training.report import Report

LARGEST_ZIP_BYTES = 1_000_000_000  # the zip is made in the server's memory
_LONG_CODE_PX = 280
_MEANING = {
    "model.npz": "weights in the published layout: for this app, JAX, and timm",
    "model.safetensors": "weights in the layout of timm",
    "config.json": "what timm needs to build the model",
    "labels.json": "names of the classes, in the order of the outputs",
    "report.json": "all figures of this page",
    "README.md": "model card",
    "load.py": "the lines that load it",
}


def show_summary(report: Report) -> None:
    """Show the accuracy, how sure it is, and what guessing would give."""
    low, high = report.interval
    numbers_line(
        [
            ("test accuracy", percent(report.accuracy)),
            ("95 % interval", f"{percent(low)} to {percent(high)}"),
            ("always the most frequent class", percent(report.majority)),
            ("training took", span_words(report.seconds)),
        ]
    )
    st.caption(plain(summary_words(report), limit=600))


def summary_words(report: Report) -> str:
    """Give what the numbers mean, in sentences."""
    low, high = report.interval
    words = (
        f"On {counted(report.num_test, 'test picture')} that it had not learned from. On more pictures like these it "
        f"would most likely be right for {percent(low)} to {percent(high)}"
    )
    words += "; more test pictures make that narrower." if high - low > 0.1 else "."
    if low <= report.majority:
        words += " It is not certain that it does better than always giving the most frequent class."
    if report.best_step < report.steps:
        words += f" The model is the one after step {report.best_step:,}, where the test was best."
    return words


def show_use(record: RunRecord) -> None:
    """Show the ways to use the model: here, further, or elsewhere."""
    checkpoint = f"run:{record.name}"
    with st.container(horizontal=True, gap="xsmall", key="run-use"):
        if st.button("Try it on pictures", type="primary", icon=":material/image_search:"):
            st.switch_page("views/classify.py", query_params={"checkpoint": checkpoint})
        _show_download(record)
        if st.button("Fine-tune it further", icon=":material/model_training:"):
            st.switch_page("views/finetune.py", query_params={"checkpoint": checkpoint})


def show_classes(report: Report) -> None:
    """Show each class: how many test pictures, how many were found, how often its name was right."""
    table = pd.DataFrame(
        {
            "Class": [one_line(each.name, limit=80) for each in report.classes],
            "Pictures": [each.num_test for each in report.classes],
            "Found": [_points(each.recall) for each in report.classes],
            "Right": [_points(each.precision) for each in report.classes],
            "Both": [_points(each.f1) for each in report.classes],
        }
    )
    st.dataframe(
        table,
        key="run classes",
        hide_index=True,
        height=38 + 35 * min(len(table), 12),
        column_config={
            "Class": st.column_config.TextColumn(pinned=True),
            "Pictures": st.column_config.NumberColumn("Tested", width=64, help="Test pictures of this class"),
            "Found": _share_column("Recall: the share of its pictures that were answered with it"),
            "Right": _share_column("Precision: the share of the answers with its name that were right"),
            "Both": st.column_config.NumberColumn("F1", width=64, format="%.1f", help="Harmonic mean of both"),
        },
        placeholder="–",
        alt="Test figures of each class",
    )


def show_files(record: RunRecord) -> None:
    """Show what the result holds, where it lies and how it is loaded."""
    files = _files(record.result)
    rows = "\n".join(
        f"| `{path.name}` | {plain(_MEANING.get(path.name, ''))} | {plain(megabytes(path.stat().st_size))} |"
        for path in files
    )
    st.markdown(f"| File | What it is | Size |\n|---|---|---:|\n{rows}")
    st.caption("On this machine they lie in")
    st.code(str(record.result), language=None, wrap_lines=True)
    st.caption("Command line")
    st.code(f"python -m vit_core classify --checkpoint run:{record.name} photo.jpg", language="bash")
    snippet = record.result / "load.py"
    if snippet.is_file():
        st.caption("Python: the file load.py beside the weights")
        st.code(snippet.read_text(encoding="utf-8"), language="python", height=_LONG_CODE_PX)


def _show_download(record: RunRecord) -> None:
    size = sum(path.stat().st_size for path in _files(record.result))
    if size > LARGEST_ZIP_BYTES:
        st.button(
            "Download", disabled=True, help=f"{megabytes(size)} are too much for a browser; see “Files and code”."
        )
        return
    st.download_button(
        f"Download zip, {megabytes(size)}",
        lambda: _zipped(record.folder),
        file_name=f"{record.name}.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/download:",
        help="Weights for JAX and timm, class names, model card, code and report.",
    )


def _zipped(folder: Path) -> bytes:
    target = io.BytesIO()
    zip_result(folder, target)
    return target.getvalue()


def _files(result: Path) -> list[Path]:
    return sorted(path for path in result.iterdir() if path.is_file()) if result.is_dir() else []


def _share_column(words: str) -> ColumnConfig:
    return st.column_config.ProgressColumn(help=words, format="%.1f %%", min_value=0, max_value=100, color="#6C72E8")


def _points(share: float | None) -> float | None:
    return None if share is None else share * 100
