"""An evaluation while it goes on, and what it found."""

from typing import Any

import pandas as pd
import streamlit as st

from app.components.errors import show_error, shown_errors
from app.components.plain_text import one_line, plain
from app.components.wording import counted
from app.evaluation_desk import EvaluationDesk

POLL_S = 0.5
_DOWNLOADS = {
    "report.html": ("Report (HTML)", "text/html"),
    "predictions.csv": ("Every answer (CSV)", "text/csv"),
    "report.json": ("Figures (JSON)", "application/json"),
}
_CONFUSIONS = 20
_REPORT_PX = 900


def show_evaluation(desk: EvaluationDesk) -> None:
    """Show why there is none, how far it is, or its figures."""
    now = desk.state()
    if desk.problem:
        show_error(desk.problem)
    elif now is None:
        st.info("Give it pictures whose classes are known: the figures appear here.")
    elif not now.finished:
        st.fragment(_follow, run_every=POLL_S)(desk)
    elif now.error:
        show_error(now.error)
    elif now.report:
        _show_report(desk, now.report)


def _follow(desk: EvaluationDesk) -> None:
    with shown_errors():
        now = desk.state()
        if now is None or now.finished:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            words = f"{now.stage[:1].upper()}{now.stage[1:]}"
            st.progress(min(now.fraction or 0.0, 1.0), text=plain(words))
            st.button("Cancel", key="evaluation cancel", on_click=desk.cancel)


def _show_report(desk: EvaluationDesk, report: dict[str, Any]) -> None:
    st.subheader(plain(f"{report['checkpoint']} on {report['data']}", limit=200), anchor=False)
    _show_figures(report)
    low, high = report["top1_interval"]
    sure = f"With so many pictures, the true top-1 lies between {_percent(low)} and {_percent(high)} (95 % confidence)."
    for sentence in (sure, report["part"], report["matching"], report["preprocessing"], *report["notes"]):
        st.caption(plain(str(sentence), limit=400))
    if report["left_out"]:
        with st.expander(f"{counted(len(report['left_out']), 'file')} left out"):
            st.markdown("\n".join(f"- {plain(each['reason'], limit=300)}" for each in report["left_out"][:50]))
    with st.container(horizontal=True):
        for name, (label, mime) in _DOWNLOADS.items():
            st.download_button(label, desk.file(name), file_name=name, mime=mime, key=f"evaluation {name}")
    classes, confusions = st.columns(2, gap="large")
    with classes:
        _show_classes(report)
    with confusions:
        _show_confusions(report)
    with st.expander("The whole report: most confident mistakes, reliability diagram, confusion matrix"):
        # A frame of its own: the report's style and policy hold inside, and nothing of it reaches the page.
        st.iframe(desk.file("report.html").decode(), height=_REPORT_PX, alt="The report")


def _show_figures(report: dict[str, Any]) -> None:
    low_k, high_k = report["topk_interval"]
    figures = [
        ("Top-1", _percent(report["top1"]), "Share of pictures whose most probable class is the true one."),
        (f"Top-{report['places']}", _percent(report["topk"]), f"Between {_percent(low_k)} and {_percent(high_k)}."),
        ("Mean of the classes", _percent(report["mean_class_accuracy"]), "Each class counts the same."),
        ("Calibration error", f"{report['expected_calibration_error']:.4f}", "ECE over 15 ranges; 0 is best."),
        ("Pictures", f"{report['num_images']:,}", f"{report['num_left_out']:,} left out."),
        (
            "Pictures per second",
            f"{report['images_per_second']:,.0f}",
            f"Reading, decoding and computing on {report['device']}; not loading and compiling.",
        ),
    ]
    with st.container(horizontal=True, key="evaluation-figures"):
        for label, value, meaning in figures:
            st.metric(label, value, help=plain(meaning), width=150)


def _show_classes(report: dict[str, Any]) -> None:
    st.markdown("**Classes, weakest first**")
    rows = sorted(report["classes"], key=lambda each: (each["recall"], each["name"]))
    frame = pd.DataFrame(
        {
            "class": [one_line(each["name"], limit=60) for each in rows],
            "pictures": [each["num_test"] for each in rows],
            **{
                name: [None if each[name] is None else 100 * each[name] for each in rows]
                for name in ("recall", "precision", "f1")
            },
        }
    )
    names = {"recall": "recall", "precision": "precision", "f1": "F1"}
    shown = {key: st.column_config.NumberColumn(name, format="%.1f %%") for key, name in names.items()}
    st.dataframe(frame, hide_index=True, column_config=shown)


def _show_confusions(report: dict[str, Any]) -> None:
    st.markdown("**Most frequent mistakes**")
    wrong = sorted((each for each in report["confusion"] if each[0] != each[1]), key=lambda each: -each[2])
    if not wrong:
        st.markdown("None: every picture was answered rightly.")
        return
    names = report["names"]
    frame = pd.DataFrame(
        {
            "is": [one_line(names[str(true)], limit=60) for true, _, _ in wrong[:_CONFUSIONS]],
            "was answered with": [one_line(names[str(given)], limit=60) for _, given, _ in wrong[:_CONFUSIONS]],
            "pictures": [count for _, _, count in wrong[:_CONFUSIONS]],
        }
    )
    st.dataframe(frame, hide_index=True)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
