"""A checkpoint that is not here yet: what it costs, how far it is, and what to do when the bucket says no."""

import streamlit as st

from app import resources, state
from app.components.checkpoint_in_hand import InHand
from app.components.errors import shown_errors
from app.components.plain_text import plain
from app.components.wording import megabytes
from vit_core.catalog.hub_copies import hub_copy
from vit_core.errors import AccessDenied, ObjectMissing, Unreachable, VitError
from vit_core.store.address import is_address
from vit_core.store.downloads import DownloadState
from vit_core.store.progress import Progress

POLL_S = 0.5
HEADLINES: dict[type[VitError], str] = {
    AccessDenied: "The bucket is closed to visitors without an account, so this file cannot be had from it.",
    ObjectMissing: "The bucket answers, but has no such file.",
    Unreachable: "The bucket gives no answer.",
}


_AT_ADDRESS: dict[type[VitError], str] = {
    AccessDenied: "This file is not open to everybody.",
    ObjectMissing: "There is nothing to take at this address.",
    Unreachable: "Its server gives no answer.",
}


def headline(name: str, error: VitError | None) -> str:
    """Say in a few words why a file cannot be had."""
    known = _AT_ADDRESS if is_address(name) else HEADLINES
    return next((words for kind, words in known.items() if isinstance(error, kind)), "The download failed.")


def show_download(hand: InHand) -> None:
    """Show the download of a checkpoint: the offer, the progress, or the failure with the next step.

    Visitors who want the same file share one download. A failure is shown to who asked for it; another visitor gets the
    offer, as it may work by now.
    """
    now = resources.downloads().state(hand.name)
    with st.container(border=True, key="download"):
        if now and now.status == "running":
            st.fragment(_follow, run_every=POLL_S)(hand)
        elif now and now.status == "failed" and _asked() == hand.name:
            _show_failure(hand, now)
        else:
            _show_offer(hand)


def _follow(hand: InHand) -> None:
    with shown_errors():
        now = resources.downloads().state(hand.name)
        if now is None or now.status != "running":
            st.rerun()
        _show_progress(hand, now.progress)


def _show_offer(hand: InHand) -> None:
    size = "" if hand.size_bytes is None else f" {megabytes(hand.size_bytes)}"
    st.markdown("**This checkpoint is not on this machine yet.** It is downloaded once, checked, and kept.")
    if not is_address(hand.name) and isinstance(resources.live_catalogue().problem, AccessDenied):
        st.caption("The bucket has just refused its catalogue to this server, so it may refuse this file too.")
        _show_copy(hand)
    st.button(f"Download{size}", type="primary", on_click=_start, args=(hand.name,))


def _asked() -> str:
    return str(st.session_state.get("download asked for", ""))


def _start(name: str) -> None:
    st.session_state["download asked for"] = name
    resources.downloads().start(name)


def _show_progress(hand: InHand, progress: Progress | None) -> None:
    total = progress.total_bytes if progress else None
    share = progress.done_bytes / total if progress and total else 0.0
    st.progress(min(share, 1.0), text=progress_words(progress))
    if _asked() == hand.name:
        st.button("Cancel", on_click=resources.downloads().cancel, args=(hand.name,))


def progress_words(progress: Progress | None) -> str:
    """Give how far a download is, as far as that is known.

    Example:
        >>> progress_words(Progress("x", 12_000_000, 37_000_000, 5e6, 5.0))
        '12 of 37 MB · 5.0 MB/s · 5 seconds left'
    """
    if progress is None:
        return "Waiting for an answer…"
    done = progress.done_bytes / 1e6
    parts = [f"{done:,.0f} of {progress.total_bytes / 1e6:,.0f} MB" if progress.total_bytes else f"{done:,.0f} MB"]
    if progress.bytes_per_s:
        parts.append(f"{progress.bytes_per_s / 1e6:.1f} MB/s")
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    return " · ".join(parts)


def _show_failure(hand: InHand, failed: DownloadState) -> None:
    error = failed.error
    st.error(f"**{headline(hand.name, error)}**\n\n{plain(str(error), limit=800)}")
    if isinstance(error, AccessDenied | ObjectMissing | Unreachable):
        _show_copy(hand)
    mirror = "; or a mirror of the bucket, which the operator names in VIT_BUCKET"
    st.markdown(
        "What works now: a demo model, which comes with the app; a file of weights of your own (under *Change*)"
        f"{'' if is_address(hand.name) else mirror}."
    )
    with st.container(horizontal=True):
        st.button("Use the demo model", type="primary", on_click=lambda: state.update(checkpoint=""))
        st.button("Try again", on_click=_start, args=(hand.name,))


def _show_copy(hand: InHand) -> None:
    """Offer the same weights on the hub, where they are known to be."""
    if copy := hub_copy(hand.name):
        st.markdown(plain(copy.sentence, limit=600))
        st.button("Take the copy on the hub", key="hub copy", on_click=lambda: state.update(checkpoint=copy.name))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
