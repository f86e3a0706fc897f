"""What is said while a model works or a file comes, and that uploads leave the memory."""

import pytest

from app.components.download_progress import progress_words
from app.components.working import stage_words
from vit_core.inference.service import ServiceStatus
from vit_core.store.progress import Progress


@pytest.mark.parametrize(
    ("status", "place", "words"),
    [
        (ServiceStatus("cold", None, (), 0), 0, "Waking up the model engine"),
        (ServiceStatus("starting", None, (), 1), 1, "Waking up the model engine"),
        (ServiceStatus("busy", "CPU", ("x",), 12), 12, "Place 12 in the queue."),
        (ServiceStatus("busy", "CPU", ("other",), 0), 0, "Loading and compiling this model"),
        (ServiceStatus("busy", "CPU", ("x",), 0), 0, "Looking…"),
    ],
)
def test_each_stage_has_its_sentence(status, place, words):
    assert stage_words(status, checkpoint="x", place=place).startswith(words)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (None, "Waiting for an answer…"),
        (Progress("x", 0, None, None, None), "0 MB"),
        (Progress("x", 500_000_000, 1_337_000_000, 10e6, 83.7), "500 of 1,337 MB · 10.0 MB/s · 84 seconds left"),
        (Progress("x", 1_000_000, 1_337_000_000, 1e6, 1336.0), "1 of 1,337 MB · 1.0 MB/s · 22 minutes left"),
    ],
)
def test_progress_says_what_is_known(progress, words):
    assert progress_words(progress) == words


def test_taken_uploads_leave_the_memory(run_function):
    def page():
        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        from app.components.uploads import forget_uploads

        uploads = st.file_uploader("Files", accept_multiple_files=True)
        context = get_script_run_ctx()
        identities = [upload.file_id for upload in uploads]
        kept = lambda: len(context.uploaded_file_mgr.get_files(context.session_id, identities))  # noqa: E731
        before = kept()
        forget_uploads(uploads)
        st.write(f"{before} then {kept()}")

    page = run_function(page)
    page = page.file_uploader[0].set_value([("a.jpg", b"1", "image/jpeg"), ("b.jpg", b"2", "image/jpeg")]).run()

    assert page.markdown[0].value == "2 then 0"
