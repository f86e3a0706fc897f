"""Where the open catalogue comes from, how old it is, what it lacks, and how to open another one."""

from datetime import UTC, datetime

import streamlit as st

from app import resources, state
from app.components.errors import show_error
from app.components.plain_text import bullets, plain
from app.components.uploads import forget_uploads, fresh_uploads
from app.components.wording import counted
from app.derived import once
from vit_core.catalog.index import Catalogue
from vit_core.errors import AccessDenied, ObjectMissing, Unreachable, VitError

MAX_INDEX_MB = 100
NAMES = {"augreg": "AugReg", "demo": "Demo models", "yours": "Your table"}
ORIGINS = {"named": "named table", "saved": "saved copy", "bucket": "bucket", "bundled": "published table"}
TROUBLES: dict[type[VitError], tuple[str, str]] = {
    AccessDenied: (
        "The bucket is closed to visitors without an account.",
        "The catalogue itself still works. To run a checkpoint, name a mirror (VIT_BUCKET), bring an .npz file of your "
        "own to the Classify page, or take a demo model, which comes with the app.",
    ),
    ObjectMissing: (
        "The bucket answers, but has no such index.",
        "Check the address that the operator set (VIT_BUCKET, VIT_INDEX), or upload an index.csv here.",
    ),
    Unreachable: (
        "The bucket gives no answer.",
        "Check this server's network and ask again. Everything that is on this machine works without it.",
    ),
}
OTHER_TROUBLE = ("The bucket's index could not be used.", "Ask again later, or upload an index.csv here.")


def source_words(key: str, table: Catalogue, *, now: datetime) -> str:
    """Give source, age and size of the open table, for the chip."""
    rows = counted(len(table.frame) - _other_rows(table), "row")
    if key == "demo":
        return f"Demo models, {rows}"
    if key == "yours" and table.origin == "named":
        return f"Your table, {rows}"
    old = f" ({age(table.saved_at, now)})" if table.saved_at else ""
    return f"Catalogue: {ORIGINS[table.origin]}{old}, {rows}"


def origin_sentence(key: str, table: Catalogue, *, now: datetime) -> str:
    """Give where the open table comes from and how many checkpoints it has, as a sentence."""
    if key == "demo":
        origin = "Small models that come with the app and answer without a network"
    elif table.origin == "bundled":
        origin = "The published facts, which come with the app"
    elif table.origin == "saved":
        origin = f"A copy of {table.location}" + (f", {age(table.saved_at, now)}" if table.saved_at else "")
    else:
        origin = f"Read from {table.location}"
    other = _other_rows(table)
    others = f" Beside them, {counted(other, 'file')} of other releases." if other else ""
    return f"{origin}: {counted(len(table.frame) - other, 'checkpoint')}.{others}"


def _other_rows(table: Catalogue) -> int:
    return once("other rows", table.frame, lambda: table.other_rows)


def age(then: datetime, now: datetime) -> str:
    """Give how long ago `then` was; a clock that went back gives "just now".

    Example:
        >>> from datetime import UTC, timedelta
        >>> now = datetime(2026, 1, 2, tzinfo=UTC)
        >>> age(now - timedelta(hours=3), now), age(now + timedelta(hours=3), now)
        ('3 hours old', 'just now')
    """
    minutes = int((now - then).total_seconds() // 60)
    for size, noun in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{counted(minutes // size, noun)} old"
    return "just now"


def show_catalogue_source(key: str, table: Catalogue) -> None:
    """Show the source of `table`, the trouble with the bucket if there is one, and the ways to another table."""
    _show_choice(key)
    st.write(plain(origin_sentence(key, table, now=datetime.now(UTC)), limit=600))
    if notes := (*table.notes, *table.problems):
        with st.expander("What is missing", expanded=False):
            st.markdown(bullets(notes))
    _show_bucket()
    with st.expander("Open another table"):
        _show_upload()
        _show_address()


def trouble_words(problem: VitError) -> tuple[str, str]:
    """Give what happened and what to do next, for each way in which a bucket can fail."""
    return next((words for kind, words in TROUBLES.items() if isinstance(problem, kind)), OTHER_TROUBLE)


def _show_choice(key: str) -> None:
    options = ["augreg", "demo", *(["yours"] if resources.own_table().current else [])]
    st.session_state["catalogue choice"] = key if key in options else "augreg"
    st.segmented_control(
        "Catalogue",
        options,
        required=True,
        format_func=lambda option: NAMES[option],
        key="catalogue choice",
        on_change=lambda: state.open_catalogue(st.session_state["catalogue choice"]),
    )


def _show_bucket() -> None:
    live = resources.live_catalogue()
    if live.asking:
        st.caption("The bucket is being asked for a newer table.")
        return
    if live.problem:
        happened, next_step = trouble_words(live.problem)
        st.warning(f"**{happened}** {next_step}")
        st.caption(plain(str(live.problem), limit=600))
    elif live.asked:
        st.caption("The bucket has answered: this is its newest table.")
    st.button("Ask the bucket again", on_click=live.ask)


def _show_upload() -> None:
    st.file_uploader(
        "An index.csv of your own",
        type="csv",
        max_upload_size=MAX_INDEX_MB,
        key="own index",
        on_change=_take_upload,
        help="A table with the published columns. It stays in this visit and is not kept.",
    )
    if problem := st.session_state.get("own index problem"):
        show_error(problem)


def _take_upload() -> None:
    st.session_state["own index problem"] = None
    uploads = fresh_uploads("own index")
    if not uploads:
        return
    upload = uploads[0]
    try:
        resources.own_table().read(upload.getvalue(), name=upload.name)
    except VitError as error:
        st.session_state["own index problem"] = error
    else:
        state.open_catalogue("yours")
    finally:
        forget_uploads(uploads)


def _show_address() -> None:
    own = resources.own_table()
    with st.form("own address", border=False):
        st.text_input(
            "Or its https address", key="own address url", placeholder="https://storage.googleapis.com/…/index.csv"
        )
        st.form_submit_button("Load", on_click=_take_address)
    if own.loading:
        st.caption("Asking that address…")
    elif problem := st.session_state.get("own address problem") or own.problem:
        show_error(problem)


def _take_address() -> None:
    st.session_state["own address problem"] = None
    try:
        resources.own_table().load(st.session_state["own address url"], resources.settings())
    except VitError as error:
        st.session_state["own address problem"] = error
    else:
        state.open_catalogue("yours")
