"""Class names that a visitor brings for the checkpoint in hand: checked against its outputs, kept for this visit."""

import hashlib
import json
from pathlib import Path

import streamlit as st

from app import resources
from app.components.errors import show_error
from app.components.plain_text import plain
from app.components.uploads import forget_uploads, fresh_uploads
from app.components.wording import counted
from app.model_shape import shape_of_file
from vit_core.errors import BadInput, StorageFull, VitError
from vit_core.inference.labels import misfit
from vit_core.inference.own_names import names_in

MAX_MB = 2  # 21,843 names of the longest kind take 1 MB
KEPT_FILES = 200
_IN_USE, _PROBLEM, _ROUND = "own labels", "own labels problem", "own labels round"


def show_own_labels(checkpoint: str, path: Path | None) -> Path | None:
    """Let the visitor bring class names, or go back to the checkpoint's own.

    Args:
        checkpoint: name of the one in hand.
        path: of its file, None while it is not on this machine.

    Returns:
        The file of the names in use, None for the checkpoint's own.
    """
    if path is None:
        return None
    given, labels = _in_use(checkpoint)
    problem = st.session_state.get(_PROBLEM, {}).get(checkpoint)
    with st.expander("Class names of your own", expanded=labels is not None or problem is not None):
        if labels is not None:
            st.markdown(f"Answers use the names of “{plain(given, limit=60)}”.")
            st.button("Use the checkpoint's own names", on_click=_forget, args=(checkpoint,))
        else:
            _show_uploader(checkpoint, path)
        if problem is not None:
            show_error(problem)
    return labels


def _show_uploader(checkpoint: str, path: Path) -> None:
    key = f"own labels {st.session_state.get(_ROUND, 0)}"
    st.file_uploader(
        "A labels.txt or .json file",
        type=["txt", "json"],
        max_upload_size=MAX_MB,
        key=key,
        on_change=_take,
        args=(key, checkpoint, path),
        help="One name per line, or a JSON list of names, in the order of the model's outputs.",
    )


def _take(key: str, checkpoint: str, path: Path) -> None:
    st.session_state[_PROBLEM] = {}
    uploads = fresh_uploads(key)
    if not uploads:
        return
    upload = uploads[0]
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # a new, empty uploader
    try:
        names = names_in(upload.getvalue(), upload.name)
        width = shape_of_file(path).num_classes
        if len(names) != width:
            raise BadInput(f"{misfit(len(names), upload.name, width)} It is not used.")
        st.session_state.setdefault(_IN_USE, {})[checkpoint] = (upload.name, _save(names))
    except VitError as error:
        st.session_state[_PROBLEM] = {checkpoint: error}
    finally:
        forget_uploads(uploads)


def _in_use(checkpoint: str) -> tuple[str, Path | None]:
    given, labels = st.session_state.get(_IN_USE, {}).get(checkpoint, ("", None))
    return (given, labels) if labels is not None and labels.is_file() else ("", None)


def _forget(checkpoint: str) -> None:
    st.session_state.get(_IN_USE, {}).pop(checkpoint, None)


def _save(names: tuple[str, ...]) -> Path:
    """Keep the names where the predictor reads them, under a name made from what they are."""
    data = json.dumps(names).encode()
    folder = resources.settings().cache_dir / "own-labels"
    path = folder / f"labels-{hashlib.sha256(data).hexdigest()[:16]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise StorageFull(
            f"The {counted(len(names), 'name')} could not be saved here ({error.strerror}); free some disk space."
        ) from error
    kept = sorted(folder.glob("labels-*.json"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in kept[KEPT_FILES:]:
        old.unlink(missing_ok=True)
    return path
