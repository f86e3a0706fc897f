"""What a finished run gives: accuracy with its interval, each class, and the model to use and to take along."""

import io
from pathlib import Path

import streamlit as st

from app.components.facts import numbers_line
from app.components.plain_text import plain, plain_html
from app.components.run_words import span_words
from app.components.wording import counted, megabytes, percent
from app.result_zip import is_served, zip_link
from vit_core.export.bundle import zip_result
from vit_core.runs.record import RunRecord
from vit_core.training.report import Report

LARGEST_ZIP_BYTES = 250_000_000  # where the pages are served alone, a zip is held in the server's memory three times
_IN_ZIP = "Weights for JAX and timm, class names, model card, code and report."
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
            ("95 % interval", range_words(low, high)),
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
        f"would most likely be right for {range_words(low, high)}"
    )
    words += "; more test pictures make that narrower." if high - low > 0.1 else "."
    if low <= report.majority:
        words += " It is not certain that it does better than always giving the most frequent class."
    if report.best_step < report.steps:
        words += f" The model is the one after step {report.best_step:,}, where the test was best."
    return words


def range_words(low: float, high: float) -> str:
    """Give two shares as a range, or as one where they read the same.

    Example:
        >>> range_words(0.5, 0.62), range_words(0.99995, 1.0)
        ('50.0 % to 62.0 %', '100.0 %')
    """
    ends = percent(low), percent(high)
    return " to ".join(dict.fromkeys(ends))


def show_use(record: RunRecord) -> None:
    """Show the ways to use the model: here, further, or elsewhere."""
    checkpoint = f"run:{record.name}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="run-use"):
        with st.container(key="run-try", width="content"):
            st.page_link(
                "views/classify.py",
                label="Try it on pictures",
                icon=":material/image_search:",
                query_params={"checkpoint": checkpoint},
            )
        _show_download(record)
        st.page_link(
            "views/finetune.py",
            label="Fine-tune it further",
            icon=":material/model_training:",
            query_params={"checkpoint": checkpoint},
        )


def show_files(record: RunRecord) -> None:
    """Show what the result holds, where it lies and how it is loaded."""
    files = _files(record.result)
    rows = "\n".join(
        f"| `{path.name}` | {plain(_MEANING.get(path.name, ''))} | {plain(size_words(path.stat().st_size))} |"
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
    if is_served():
        st.html(
            f'<a class="vx-button" href="{plain_html(zip_link(record.name))}" download="{plain_html(record.name)}.zip" '
            f'title="{_IN_ZIP}">Download zip, {plain_html(megabytes(size))}</a>',
            width="content",
        )
        return
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
        help=_IN_ZIP,
    )


def _zipped(folder: Path) -> bytes:
    target = io.BytesIO()
    zip_result(folder, target)
    return target.getvalue()


def _files(result: Path) -> list[Path]:
    return sorted(path for path in result.iterdir() if path.is_file()) if result.is_dir() else []


def size_words(size_bytes: int) -> str:
    """Give the size of a file, of tiny ones in bytes.

    Example:
        >>> size_words(62), size_words(1), size_words(93_320)
        ('62 bytes', '1 byte', '93 kB')
    """
    return counted(size_bytes, "byte") if size_bytes < 1000 else megabytes(size_bytes)
