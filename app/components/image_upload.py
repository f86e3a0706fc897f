"""The ways for a picture to come in: dropped or chosen, pasted, taken with the camera, or one of the samples."""

import functools
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from app import resources
from app.components.plain_text import one_line, plain
from app.components.uploads import forget_uploads, fresh_uploads
from app.pictures import MAX_PICTURES, Picture, PictureBox
from app.samples import Sample

_GATE = Path(__file__).parent.parent / "assets" / "picture_gate.js"
SHOWN_SAMPLES = 12
_ROUND, _CAMERA_ROUND, FOCUS = "uploader round", "camera round", "picture in focus"


def show_upload(box: PictureBox, *, max_mb: int) -> None:
    """Show the drop zone, which also takes what is pasted; it is empty again as soon as `box` has what came in.

    Args:
        box: the pictures of this visitor.
        max_mb: limit of one picture in 10^6 bytes.
    """
    key = f"pictures-drop-{st.session_state.get(_ROUND, 0)}"
    st.file_uploader(
        "Drop pictures here, choose them, or paste one with Ctrl+V",
        accept_multiple_files=True,
        key=key,
        max_upload_size=max_mb,  # the server itself lets whole zips of training images through
        on_change=_take_uploads,
        args=(box, key),
    )
    _gate()(
        key="picture gate",
        data={"uploader": key, "maxBytes": max_mb * 1000**2, "room": MAX_PICTURES - len(box.pictures)},
        on_refused_change=lambda: _note_refused(box, max_mb),
    )


def show_other_ways(box: PictureBox, samples: Sequence[Sample]) -> None:
    """Show samples that one click takes, and the camera behind a switch; what comes in goes to `box` at once.

    Args:
        box: the pictures of this visitor.
        samples: pictures that come with the app; the first of each class are shown.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if samples:
            st.caption("Or try one of these", width="content")
            st.button(
                f"Take all {len(samples)}", key="all samples", type="tertiary", on_click=_take, args=(box, samples)
            )
        st.space("stretch")
        camera = st.toggle("Use the camera", key="camera wanted")
    show_samples(box, samples)
    if camera:
        key = f"camera-{st.session_state.get(_CAMERA_ROUND, 0)}"
        st.camera_input("Take a picture", key=key, on_change=_take_photo, args=(box, key))


def show_samples(box: PictureBox, samples: Sequence[Sample]) -> None:
    """Show the first sample of each class; one click takes one."""
    shown = list({sample.label: sample for sample in reversed(samples)}.values())[::-1][:SHOWN_SAMPLES]
    if not shown:
        return
    with st.container(key="samples"):
        cells = st.grid(len(shown), min_column_width=48, gap="xsmall")
        for sample in shown:
            with cells.cell():
                st.image(
                    resources.thumbnail(sample.path), width="stretch", alt=f"Sample picture: {one_line(sample.label)}"
                )
                st.button(
                    plain(sample.label),
                    key=f"sample {sample.path.name}",
                    type="tertiary",
                    width="stretch",
                    on_click=_take,
                    args=(box, [sample]),
                )


def focus_on(picture: Picture) -> None:
    """Make `picture` the one that is shown large."""
    st.session_state[FOCUS] = picture.digest


def picture_in_focus(box: PictureBox) -> Picture | None:
    """Give the picture that is shown large: the chosen one, else the first."""
    chosen = st.session_state.get(FOCUS)
    return next((picture for picture in box.pictures if picture.digest == chosen), next(iter(box.pictures), None))


def _take_uploads(box: PictureBox, key: str) -> None:
    uploads = fresh_uploads(key)
    if not uploads:
        return
    added = [box.add(upload.name, upload.getvalue()) for upload in uploads]
    forget_uploads(uploads)
    # A new key makes a new, empty drop zone.
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    _focus_first(added)


def _take_photo(box: PictureBox, key: str) -> None:
    photos = fresh_uploads(key)
    if not photos:
        return
    st.session_state[_CAMERA_ROUND] = st.session_state.get(_CAMERA_ROUND, 0) + 1
    _focus_first([box.add(f"photo {st.session_state[_CAMERA_ROUND]}.jpg", photos[0].getvalue())])
    forget_uploads(photos)


def _take(box: PictureBox, samples: Sequence[Sample]) -> None:
    known = {picture.name for picture in box.pictures}
    for sample in samples:
        if sample.path.name not in known:
            box.add(sample.path.name, sample.path.read_bytes())
    _focus_first([picture for picture in box.pictures if picture.name == samples[0].path.name])


def _focus_first(added: Sequence[Picture | None]) -> None:
    for picture in added:
        if picture is not None:
            focus_on(picture)
            return


def _note_refused(box: PictureBox, max_mb: int) -> None:
    refused = st.session_state["picture gate"].refused
    if not refused:  # a trigger holds its value for one run only
        return
    for file in refused["files"]:
        name = str(file["name"])[:300]
        if file["why"] == "size":
            box.note_too_large(name, int(file["size"]))
        else:
            box.note_too_many(name)
    if (more := int(refused["count"]) - len(refused["files"])) > 0:
        box.notes.append(f"{more} further files were left out for the same reasons.")


@functools.cache
def _gate() -> ComponentRenderer:
    """Register the script once in this process."""
    return st.components.v2.component("picture_gate", js=_GATE.read_text(encoding="utf-8"))
