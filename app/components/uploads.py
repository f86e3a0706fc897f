"""Uploaded bytes leave the memory of the web process as soon as a page has taken them."""

from collections.abc import Iterable

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile


def fresh_uploads(key: str) -> list[UploadedFile]:
    """Give the files that an uploader holds now, without those that were taken already.

    A browser that is slow to hear of the new, empty uploader may report the files of the old one once more.
    """
    value = st.session_state.get(key) or []
    uploads = value if isinstance(value, list) else [value]
    return [upload for upload in uploads if isinstance(upload, UploadedFile)]


def forget_uploads(uploads: Iterable[UploadedFile]) -> None:
    """Drop what Streamlit keeps of these files.

    Streamlit 1.67 keeps every upload until the tab is closed, also those of a widget that is gone; its own chat input
    drops them in this way.
    """
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for upload in uploads:
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=upload.file_id)
