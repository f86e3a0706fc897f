"""About: what runs here, what it keeps, and what the checkpoints are."""

from datetime import UTC, datetime

import streamlit as st

from app import resources, state
from app.components.about_facts import cache_words, limits, versions
from app.components.catalogue_source import origin_sentence
from app.components.notes import show_notes
from app.components.plain_text import bullets, plain
from app.components.wording import megabytes
from vit_core.catalog.collection import CITATION, LICENCE


def clear_cache() -> None:
    """Empty the cache and keep for the page how much that freed."""
    st.session_state["freed"] = resources.store().clear() + resources.own_checkpoints().clear()


notes = state.open_page("about")
st.title("About ViT Explorer")
st.markdown(
    "Find, understand and run the 51,509 Vision Transformers that Google published with the paper "
    "*How to train your ViT?* (the AugReg checkpoints)."
)
show_notes(notes)

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Where your data goes")
    st.markdown(
        "**Nowhere.** Pictures, tables and checkpoints that you bring stay on the machine that runs this app. Pictures "
        "lie in a private folder as long as this tab is open and are deleted after it is closed. A checkpoint that you "
        "bring is kept in the cache until you or newer ones delete it. Pictures that a checkpoint learns from lie with "
        "the runs until no run has used them for a week, and runs until you delete them. The app asks only the bucket, "
        "for the catalogue and for the checkpoints you choose; no page loads anything from another host, and nothing "
        "is counted."
    )
    st.subheader("Cache")
    st.markdown(plain(cache_words(resources.store().usage(), resources.settings().cache_dir)))
    if (freed := st.session_state.pop("freed", None)) is not None:
        st.success(f"{megabytes(freed)} freed.")
    with st.popover("Delete downloaded checkpoints…"):
        st.write("They are downloaded again when they are next needed. Files in use stay.")
        st.button("Delete them", type="primary", on_click=clear_cache)
    st.subheader("Limits")
    st.markdown(bullets(limits(resources.settings())))
with right:
    st.subheader("What runs here")
    st.table(versions(resources.service().status(), resources.settings()), border="horizontal")
    st.subheader("The catalogue")
    table = resources.live_catalogue().current
    st.markdown(plain(origin_sentence("augreg", table, now=datetime.now(UTC)), limit=600))
    st.markdown(bullets(table.notes))
    st.subheader("Licence and citation")
    st.markdown(
        f"The checkpoints were published by Google under {LICENCE}; this app has the same licence. Please cite:"
    )
    st.code(CITATION, language=None, wrap_lines=True)
state.write_address("about")
