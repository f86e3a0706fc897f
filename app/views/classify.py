"""Classify: what does a checkpoint see in my pictures?"""

import streamlit as st

from app import resources, state
from app.answers import Question
from app.components.answer import show_answer
from app.components.checkpoint_in_hand import choose, here_already, show_in_hand
from app.components.download_progress import show_download
from app.components.gallery import show_gallery
from app.components.image_upload import picture_in_focus, show_other_ways, show_upload
from app.components.left_out import show_left_out
from app.components.notes import show_notes
from app.components.own_labels import show_own_labels
from app.components.plain_text import plain
from app.components.reading_options import show_reading_options
from app.components.run_samples import samples_for
from app.components.working import show_work

notes = state.open_page("classify")
asked = state.address().checkpoint
demo = resources.demo_catalogue().frame
tables = resources.tables(state.address().catalogue)
hand, refusal = choose(asked, tables, demo)
box, book = resources.pictures(), resources.answers()

st.title("What does it see?")
show_notes(notes)
if refusal:
    st.warning(f"{plain(refusal)} A demo model answers instead.")

pictures_side, checkpoint_side = st.columns([3, 2], gap="large")
with checkpoint_side:
    show_in_hand(hand, here_already(tables, demo), is_default=not asked or refusal is not None)
    path = resources.checkpoint_path(hand.name)
    labels = show_own_labels(hand.name, path)
with pictures_side:
    show_upload(box, max_mb=resources.settings().max_upload_mb)
    show_other_ways(box, samples_for(hand))

if path is None or not box.pictures:
    show_left_out(box)
if path is None:
    show_download(hand)
elif not box.pictures:
    st.info("Add a picture, or click a sample: the answer appears here, with what the model saw and where it looked.")
else:
    focus = picture_in_focus(box)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(focus.name, limit=60) if focus else "", anchor=False)
        st.space("stretch")
        st.button("Clear all", on_click=box.clear, help="Forgets the pictures and deletes them from this machine.")
        options = show_reading_options()
    question = Question(hand.name, path, options.preprocessing, options.resolution, labels)
    show_work(question, box, focus)
    answers = book.answers(question, box.pictures)
    show_left_out(box, answers)
    show_answer(book, question, focus, top_k=options.top_k)
    if len(box.pictures) > 1 or len(answers) > 1:
        show_gallery(box, answers, focus, question)
state.write_address("classify")
