"""Where the pictures of an evaluation come from: a zip, the samples, a run's test part, or the operator's folder."""

import streamlit as st

from app import resources
from app.components.checkpoint_in_hand import RUN_PREFIX, InHand
from app.components.uploads import forget_uploads, fresh_uploads
from app.evaluation_desk import EvaluationDesk
from app.samples import Sample
from app.training_intake import server_folders
from vit_core.runs.files import RunFiles

PREPROCESS = {
    "original": "Whole picture, as the original evaluated",
    "timm": "Middle of the picture, as timm evaluates",
}
_ROUND = "evaluation round"


def show_sources(desk: EvaluationDesk, hand: InHand, name: str, samples: tuple[Sample, ...]) -> None:
    """Offer every source; each starts the evaluation at once.

    Args:
        desk: of this visitor.
        hand: the checkpoint in hand.
        name: what loads it: a name, or the path of a visitor's own file.
        samples: that come with the app.
    """
    preprocess = st.radio(
        "How a picture becomes a square",
        list(PREPROCESS),
        format_func=PREPROCESS.__getitem__,
        key="evaluation preprocess",
        horizontal=True,
    )
    limit_mb = resources.settings().max_data_mb
    key = f"evaluation-zip-{st.session_state.get(_ROUND, 0)}"
    st.file_uploader(
        "Drop a zip with one folder per class, named as the checkpoint calls it",
        type=["zip"],
        key=key,
        max_upload_size=limit_mb,
        on_change=_take_zip,
        args=(desk, name, key, preprocess),
        help="Folders may also be called by WordNet id (n01440764) or by the number of the output.",
    )
    st.caption(
        f"Up to {limit_mb:,} MB; with folders train and test inside, the test part counts. Nothing leaves this "
        "machine, and it is deleted with your visit."
    )
    options = {"preprocess": preprocess, "settings": resources.settings()}
    with st.container(horizontal=True):
        known = [sample for sample in samples if sample.dataset == hand.dataset]
        if known:
            st.button(
                "Try the sample pictures",
                key="evaluation samples",
                on_click=desk.start_samples,
                args=(name, known),
                kwargs=options,
            )
        if hand.name.startswith(RUN_PREFIX):
            record = resources.runs().get(hand.name.removeprefix(RUN_PREFIX))
            st.button(
                "Use the run's test pictures",
                key="evaluation run",
                on_click=desk.start_tested,
                args=(name, RunFiles(record.folder).dataset),
                kwargs=options,
            )
    _show_server(desk, name, options)


def _show_server(desk: EvaluationDesk, name: str, options: dict[str, object]) -> None:
    root = resources.settings().data_root
    if root is None:
        return
    text = st.selectbox(
        "Folder or CSV file of this server",
        server_folders(root),
        index=None,
        key="evaluation server folder",
        accept_new_options=True,
        placeholder="flowers, or flowers/labels.csv",
    )
    st.button(
        "Evaluate on this folder",
        key="evaluation server",
        disabled=not text,
        on_click=desk.start_folder,
        args=(name, str(text)),
        kwargs={"root": root, **options},
    )


def _take_zip(desk: EvaluationDesk, name: str, key: str, preprocess: str) -> None:
    uploads = fresh_uploads(key)
    if not uploads:
        return
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    upload = uploads[0]
    desk.start_zip(name, upload, name=upload.name, preprocess=preprocess, settings=resources.settings())
    forget_uploads(uploads)
