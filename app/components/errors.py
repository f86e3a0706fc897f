"""The page frame's last word on errors: ours become one sentence, all others a plain sentence and a log entry."""

import contextlib
import logging
from collections.abc import Iterator

import streamlit as st

from app.components.plain_text import plain
from vit_core.errors import VitError

_log = logging.getLogger(__name__)

UNEXPECTED = (
    "Something went wrong on our side, and the details are in the server's log. "
    "Reload the page; if it happens again, tell whoever runs this server what you did."
)


@contextlib.contextmanager
def shown_errors() -> Iterator[None]:
    """Show an error of the block on the page instead of a traceback. Pages and fragments run inside this.

    Streamlit's own signals (rerun, stop) pass through: they are not `Exception`s.
    """
    try:
        yield
    except VitError as error:
        _log.info("Shown to a user: %s", error)
        show_error(error)
    except Exception:  # noqa: BLE001 - the page frame is one of the two places for it
        _log.exception("A page failed")
        st.error(UNEXPECTED)


def show_error(error: VitError | str) -> None:
    """Show the sentence of `error`; file names and labels in it are shown letter by letter."""
    st.error(plain(str(error), limit=1000))
