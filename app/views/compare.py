"""Compare: two to four checkpoints side by side, their facts and what they say about one picture."""

import functools

import streamlit as st

from app import resources, state
from app.components.comparison import comparison_table
from app.components.comparison_choice import add_one, compared_list, nothing_to_compare, offered, suggestions
from app.components.image_upload import picture_in_focus, show_other_ways, show_upload
from app.components.known_names import known_names
from app.components.left_out import show_left_out
from app.components.line_up import full_name, line_up, refusals
from app.components.notes import show_notes
from app.components.own_heads import show_heads
from app.components.side_by_side import choose_picture, side_by_side
from app.components.style import explore_style
from app.derived import recommended
from app.samples import fitting

explore_style()
st.title("Compare checkpoints")
state.open_page("compare")
tables = resources.tables(state.address().catalogue)
frame, demo = tables[0], resources.demo_catalogue().frame
show_notes(state.forget_unknown(known_names(frame, lambda: tables)))
names = state.address().compare
show_notes(refusals(names))
chosen = line_up(names, tables)
best = recommended(frame)

if names:
    compared_list(names, [each.hand.title for each in chosen], state.compare)
    for name in names:
        show_heads(name, functools.partial(state.swap_compared, name))
else:
    nothing_to_compare(suggestions(best, demo, frame), state.compare)
if len(names) < state.COMPARE_LIMIT:
    add_one(offered(best, demo, names), lambda text: state.add_to_compare(full_name(text, tables)))
if len(names) == 1:
    st.info("One more is needed: add it here, or with “Add to comparison” on a card in Explore.")

if len(names) > 1:
    everything = st.toggle("Show all facts", help="Otherwise only those that differ", key="compare all facts")
    rows, titles = [each.row for each in chosen], [each.hand.title for each in chosen]
    comparison_table(rows, titles, only_differences=not everything)
    st.subheader("The same picture through each", anchor=False)
    box = resources.pictures()
    upload, samples = st.columns(2, gap="medium")
    with upload:
        show_upload(box, max_mb=resources.settings().max_upload_mb)
    with samples:
        show_other_ways(box, fitting(resources.samples(), chosen[0].hand.dataset))
    show_left_out(box)
    focus = picture_in_focus(box)
    if focus is None:
        st.caption("Add a picture or click a sample: each checkpoint's guesses appear here, side by side.")
    else:
        choose_picture(box, focus)
        side_by_side(chosen, box, focus)
state.write_address("compare")
