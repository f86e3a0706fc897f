"""The ways to pictures: a zip, the practice set, earlier ones, a folder, single ones, the server's, a public set."""

from collections.abc import Iterable
from typing import Literal

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import resources
from app.components.errors import show_error, shown_errors
from app.components.plain_text import one_line, plain
from app.components.training_earlier import show_earlier
from app.components.training_session import take_in
from app.components.uploads import forget_uploads, fresh_uploads
from app.components.wording import counted
from app.training_desk import Desk
from app.training_intake import (
    Intake,
    IntakeState,
    LoosePictures,
    intake_of_bundled,
    intake_of_named_set,
    intake_of_server_folder,
    intake_of_zip,
    named_sets_known,
    server_folders,
)
from vit_core.datasets.limits import IntakeOptions
from vit_core.errors import BadDataset, Cancelled, VitError
from vit_core.settings import bundled_data_dir

POLL_S = 0.4
_ROUND = "training uploader round"
_EXAMPLE = "flowers.zip\n├── rose\n│   ├── IMG_1.jpg\n│   └── IMG_2.jpg\n└── tulip\n    └── IMG_3.jpg"


def show_sources(table: Desk) -> None:
    """Show every way in; what comes in is checked in the background."""
    if isinstance(table.problem, Cancelled):
        st.info(plain(str(table.problem)))
    elif table.problem:
        show_error(table.problem)
    zipped, practice = st.columns([3, 2], gap="large")
    with zipped:
        _show_zip(table)
    with practice, st.container(border=True, key="practice"):
        _show_practice(table)
    show_earlier(table)
    with st.expander("Other ways: a folder, single pictures, a folder on the server, a public set"):
        folder, single, server, named = st.tabs(["A folder", "Single pictures", "On the server", "A public set"])
        with folder:
            _show_folder(table)
        with single:
            _show_single(table)
        with server:
            _show_server(table)
        with named:
            _show_named(table)


def show_intake(intake: Intake) -> None:
    """Show how far the pictures are, with a way to stop; the page runs anew when they are in."""
    st.fragment(_follow, run_every=POLL_S)(intake)
    st.caption("You may close this page meanwhile: the work goes on, and the page's address leads back to it.")


def intake_words(now: IntakeState) -> str:
    """Give what happens now.

    Example:
        >>> intake_words(IntakeState("flowers.zip", "pictures", 40, 120, False))
        'Checking the pictures of flowers.zip: 40 of 120'
    """
    if now.stage == "set":
        return f"Fetching the set {now.name} from its publisher, unless this server has it…"
    if now.stage == "previews":
        return f"Making previews: {now.done} of {now.total}"
    far = f": {now.done:,} of {now.total:,}" if now.total else "…"
    return f"Checking the pictures of {now.name}{far}"


def _follow(intake: Intake) -> None:
    with shown_errors():
        now = intake.state()
        if now.ended:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", key="intake"):
            share = now.done / now.total if now.total else 0.0
            st.progress(min(share, 1.0), text=plain(intake_words(now)))
            st.button("Cancel", key="intake cancel", on_click=intake.cancel)


def _show_zip(table: Desk) -> None:
    limit_mb = resources.settings().max_data_mb
    key = _key("zip")
    st.file_uploader(
        "Drop a zip of your pictures here, or choose one: the fastest way",
        type=["zip"],
        key=key,
        max_upload_size=limit_mb,
        on_change=_take_zip,
        args=(table, key),
    )
    example, rules = st.columns([2, 3], gap="medium")
    with example:
        st.code(_EXAMPLE, language=None)
    with rules:
        st.markdown(
            "**One folder per class**, named as the class is called. Folders *train* and *test* with the classes "
            "inside are understood, too. JPEG, PNG and WebP. Bring at least five pictures of each class; 20 to 50 work "
            "well."
        )
        st.caption(
            f"Up to {limit_mb:,} MB. Nothing leaves this machine. Whoever can open this page can use what you bring, "
            "and you can delete it here at any time."
        )


def _show_practice(table: Desk) -> None:
    st.markdown("**No pictures at hand?**")
    st.markdown("Practise with a small set of drawn pictures that comes with the app; a model learns it in a minute.")
    path = bundled_data_dir() / "demo" / "practice.zip"
    st.button(
        "Try the practice set",
        key="practice set",
        disabled=not path.is_file(),
        on_click=take_in,
        args=(table, lambda: intake_of_bundled(table.data, path, name="practice set")),
    )


def _show_folder(table: Desk) -> None:
    key = _key("folder")
    st.file_uploader(
        "Choose a folder with one folder per class",
        accept_multiple_files="directory",
        key=key,
        max_upload_size=resources.settings().max_upload_mb,
        on_change=_take_folder,
        args=(table, key),
        help="The browser sends the files one by one, which takes far longer than one zip of them.",
    )


def _show_single(table: Desk) -> None:
    st.caption("Name a class, drop its pictures, and do the same for the next class.")
    label = st.text_input("Name of the class", key="single class", max_chars=100, placeholder="rose")
    key = _key("single")
    st.file_uploader(
        f"Pictures of “{one_line(label, limit=40)}”" if label.strip() else "Pictures of this class",
        accept_multiple_files=True,
        key=key,
        max_upload_size=resources.settings().max_upload_mb,
        disabled=not label.strip(),
        on_change=_take_single,
        args=(table, key),
    )
    counts = table.loose.counts if table.loose else {}
    if table.added in counts:
        added = f"{counted(counts[table.added], 'picture')} of {plain(table.added, limit=60)} added."
        st.success(f"{added} Name the next class{', or use these pictures' if len(counts) > 1 else ''}.")
    for number, (name, count) in enumerate(counts.items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(name, limit=60)}** · {counted(count, 'picture')}", width="content")
            words = f"Remove {one_line(name, limit=30)}"
            st.button(
                plain(words), key=f"single remove {number}", type="tertiary", on_click=_remove, args=(table, name)
            )
    if counts:
        st.button(
            f"Use these {counted(sum(counts.values()), 'picture')}",
            key="single use",
            type="primary",
            disabled=len(counts) < 2,
            help="Two classes are the least." if len(counts) < 2 else None,
            on_click=take_in,
            args=(table, lambda: _finish_single(table)),
        )


def _show_server(table: Desk) -> None:
    root = resources.settings().data_root
    if root is None:
        st.markdown("No folder of this server is open to this page.")
        with st.expander("How to open one"):
            st.markdown(
                "Whoever runs the server sets `VIT_DATA_ROOT` to a folder before the start. Its folders, and CSV files "
                "with the columns `file,label` and perhaps `split`, can then be named here; nothing is copied."
            )
        return
    text = st.selectbox(
        "Folder or CSV file",
        server_folders(root),
        index=None,
        key="server folder",
        accept_new_options=True,
        placeholder="flowers, or flowers/labels.csv",
        help="One folder per class inside, or a CSV file with the columns file, label and perhaps split.",
    )
    st.button(
        "Use this folder",
        key="server use",
        disabled=not text,
        on_click=take_in,
        args=(table, lambda: intake_of_server_folder(table.data, str(text), root=root)),
    )


def _show_named(table: Desk) -> None:
    if not named_sets_known():
        st.markdown("Public sets such as CIFAR-10 come by name with the package *tensorflow-datasets*.")
        with st.expander("How to add it"):
            st.markdown("Whoever runs the server installs it beside the app:")
            st.code("pip install tensorflow-datasets importlib-resources", language="bash")
        return
    limit_mb = resources.settings().max_data_mb
    options = IntakeOptions(size_bytes=limit_mb * 10**6)
    text = st.text_input(
        "Name of the set in TensorFlow Datasets",
        key="named set",
        max_chars=200,
        placeholder="cifar10, oxford_iiit_pet, cifar10:train[:98%]:test",
        help="Any set of images with one label each. After a colon, the part to learn from; after another one, the "
        "part to test on. Fetched from its publisher once, and kept on this server. "
        f"Up to {limit_mb:,} MB.",
    )
    st.button(
        "Use this set",
        key="named use",
        disabled=not text.strip(),
        on_click=take_in,
        args=(table, lambda: intake_of_named_set(table.data, text, options=options)),
    )


def _key(kind: Literal["zip", "folder", "single"]) -> str:
    """Give the key of an uploader; a new round makes a new, empty one."""
    return f"training-{kind}-{st.session_state.get(_ROUND, 0)}"


def _take_zip(table: Desk, key: str) -> None:
    if uploads := _taken(key):
        upload = uploads[0]
        take_in(table, lambda: intake_of_zip(table.data, upload, name=upload.name, size_bytes=upload.size))
        forget_uploads(uploads)


def _take_folder(table: Desk, key: str) -> None:
    if uploads := _taken(key):
        name = uploads[0].name.partition("/")[0]
        if _gather(table, {upload.name: upload for upload in uploads}.items()):
            take_in(table, lambda: _finish_single(table, name=name))


def _take_single(table: Desk, key: str) -> None:
    # The class is a folder's name from here on, and a slash would make two folders of it.
    label = str(st.session_state.get("single class", "")).strip().replace("/", "-").replace("\\", "-")
    uploads = _taken(key)
    if uploads and _gather(table, [(f"{label}/{upload.name}", upload) for upload in uploads]):
        table.added = label
        st.session_state["single class"] = ""


def _taken(key: str) -> list[UploadedFile]:
    """Give the files an uploader has just got, and put an empty one in its place."""
    uploads = fresh_uploads(key)
    if uploads:
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    return uploads


def _gather(table: Desk, files: Iterable[tuple[str, UploadedFile]]) -> bool:
    table.problem = None
    table.loose = table.loose or LoosePictures(table.data.parent)
    listed = list(files)
    try:
        for name, upload in listed:
            table.loose.add(name, upload)
    except VitError as error:
        table.problem = error
    finally:
        forget_uploads(upload for _, upload in listed)
    return table.problem is None


def _finish_single(table: Desk, *, name: str = "my pictures") -> Intake:
    if table.loose is None:
        raise BadDataset("The pictures were taken already; drop them again.")
    intake = table.loose.intake(table.data, name=name)
    table.loose = None
    return intake


def _remove(table: Desk, label: str) -> None:
    if table.loose:
        table.loose.remove(label)
