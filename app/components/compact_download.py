"""A checkpoint that is not here yet, in the room of a narrow column: offer, progress, or why it failed."""

import streamlit as st

from app import resources
from app.components.checkpoint_in_hand import InHand
from app.components.download_progress import headline, progress_words
from app.components.plain_text import plain
from app.components.wording import megabytes


def compact_download(hand: InHand) -> None:
    """Show how the file of `hand` can be had. The caller draws anew while a download runs."""
    downloads = resources.downloads()
    state = downloads.state(hand.name)
    if state is not None and state.status == "running":
        progress = state.progress
        share = progress.done_bytes / progress.total_bytes if progress and progress.total_bytes else 0.0
        st.progress(min(share, 1.0), text=progress_words(progress))
        st.button("Cancel", key=f"cancel {hand.name}", on_click=downloads.cancel, args=(hand.name,))
        return
    if state is not None and state.status == "failed":
        st.error(headline(hand.name, state.error))
        with st.expander("Details"):
            st.markdown(plain(str(state.error), limit=800))
    else:
        st.caption("Not on this machine yet. It is downloaded once, checked, and kept.")
    size = "" if hand.size_bytes is None else f" {megabytes(hand.size_bytes)}"
    words = "Try again" if state is not None and state.status == "failed" else f"Download{size}"
    st.button(words, key=f"download {hand.name}", on_click=_start, args=(hand.name,))


def _start(name: str) -> None:
    resources.downloads().start(name)
