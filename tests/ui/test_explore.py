"""The Explore page without a browser: what it says, what its controls do, what its links restore."""

import pandas as pd
import pytest

from app import resources
from app.derived import recommended
from vit_core.catalog.collection import RECOMMENDED

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
B16_PETS = f"{B16}--oxford_iiit_pet-steps_0k-lr_0.01-res_224"
B8_UNNAMED = "B_8-i21k-name_not_published"


@pytest.fixture
def explore(open_page):
    """Give a function that opens Explore by a link."""
    return lambda **query: open_page("explore", **query)


def html(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def pills(page, label):
    return next(group for group in page.button_group if group.proto.label == label)


def button(page, start):
    return next(button for button in page.button if button.label.replace("\\", "").startswith(start))


def selectbox(page, label):
    return next(box for box in page.selectbox if box.label == label)


def search(page):
    return next(box for box in page.text_input if box.label == "Search")


def files_shown(page):
    return page.dataframe[0].value


def query(page):
    return {name: values if isinstance(values, str) else values[0] for name, values in page.query_params.items()}


def test_the_first_screen_recommends_one_file_for_each_model(explore):
    page = explore()

    names = [button.label for button in page.button if button.key and button.key.startswith("recommended ")]
    assert not page.exception
    assert len(names) == 10
    assert {
        button.key.removeprefix("recommended ") for button in page.button if "recommended" in str(button.key)
    } == set(RECOMMENDED)


def test_the_reasons_and_the_rule_are_said_in_words(explore, texts):
    page = explore()

    assert "Best of 28 files" in html(page)
    assert "nothing faster is better" in html(page)
    assert "highest upstream accuracy" in texts(page)
    assert "compare only within one pre" in texts(page).replace("\\", "")


def test_all_files_are_listed_with_the_best_of_imagenet_21k_first(explore, texts):
    page = explore()

    assert "759 pre-trained files" in texts(page)
    assert (files_shown(page)["Release"] == "AugReg").sum() == 759
    assert set(files_shown(page)["Pre-trained on"].head(255)) == {"ImageNet-21k"}


def test_a_missing_number_is_never_called_nan(explore, texts):
    page = explore(file=B8_UNNAMED)

    assert "nan" not in html(page).lower().replace("drawn", "").split()
    assert "not published" in html(page)


def test_search_narrows_as_plain_text(explore, texts):
    page = explore()

    search(page).set_value("medium1 wd_0.1").run()

    assert "of 759 pre-trained files" in texts(page)
    assert set(files_shown(page)["Augmentation"]) == {"medium1"}
    assert query(page)["search"] == "medium1 wd_0.1"


@pytest.mark.parametrize("text", ["(a+)+$", "[", "'; drop table", "**bold** <b>x</b> [l](http://x)"])
def test_a_search_that_finds_nothing_says_so_and_offers_the_way_back(explore, texts, text):
    page = explore()
    search(page).set_value(text).run()
    assert "No checkpoint matches" in texts(page)

    button(page, "“").click().run()

    assert "759 pre-trained files" in texts(page)


def test_a_chosen_model_narrows_table_and_counts(explore, texts):
    page = explore()

    pills(page, "Model").set_value(["B/16", "S/16"]).run()

    assert "168 of 759 pre-trained files" in texts(page)
    assert set(files_shown(page)["Model"]) == {"B/16", "S/16"}
    assert "ImageNet-21k (56)" in pills(page, "Pre-trained on").options[0].replace("\\", "")
    assert query(page)["model"] == "B/16,S/16"


def test_counts_of_a_facet_ignore_its_own_choice(explore):
    page = explore(model="B/16", release="AugReg")

    assert "S/16 (84)" in pills(page, "Model").options


def test_filters_are_taken_off_one_by_one_or_all_at_once(explore, texts):
    page = explore(model="B/16", aug="none")
    assert "12 of 759" in texts(page)

    button(page, "Augmentation: none").click().run()
    assert "84 of 759" in texts(page)

    page = explore(model="B/16", aug="none")
    button(page, "Clear all").click().run()
    assert "759 pre-trained files" in texts(page)
    assert query(page) == {}


def test_a_limit_narrows_the_table(explore, texts):
    page = explore()

    selectbox(page, "Speed at least").set_value(5000).run()

    assert set(files_shown(page)["Model"]) == {"S/32", "R+Ti/16"}
    assert query(page)["min_speed"] == "5000"


def test_a_limit_of_a_link_that_no_step_offers_is_kept(explore):
    page = explore(min_speed="1234")

    assert selectbox(page, "Speed at least").value == 1234
    assert "B/16" not in set(files_shown(page)["Model"])


def test_the_table_can_be_sorted_by_any_number(explore):
    page = explore()

    selectbox(page, "Sort by").set_value("params").run()

    shown = files_shown(page)["Parameters"]
    assert shown.is_monotonic_increasing
    assert query(page) == {"sort": "params", "order": "up"}


def test_sorting_by_accuracy_upwards_keeps_the_sets_apart(explore):
    page = explore(order="up")

    shown = files_shown(page)
    assert set(shown["Pre-trained on"].head(255)) == {"ImageNet-21k"}
    assert shown["Upstream"].head(253).is_monotonic_increasing


def test_a_recommended_card_opens_the_card_of_its_file(explore, texts):
    page = explore()

    page.button(key=f"recommended {B16}").click().run()

    assert "B/16 · ImageNet-21k · medium1" in html(page)
    assert "50.6 %" in html(page)
    assert "seen 300" in texts(page)
    assert query(page)["file"] == B16


def test_a_link_to_a_fine_tune_opens_its_card(explore, texts):
    page = explore(checkpoint=B16_PETS)

    assert "→ Oxford-IIIT Pets · 224 px" in html(page)
    assert query(page)["file"] == B16
    assert selectbox(page, "Which version").value == B16_PETS


def test_another_fine_tune_is_taken_in_hand_from_the_card(explore):
    page = explore(file=B16)

    selectbox(page, "Which version").set_value(B16_PETS).run()

    assert query(page)["checkpoint"] == B16_PETS


def test_a_checkpoint_wins_over_a_file_that_is_not_its_own(explore):
    page = explore(file=RECOMMENDED[0], checkpoint=B16_PETS)

    assert query(page)["file"] == B16


def test_a_chosen_file_stays_chosen_when_the_filter_hides_it(explore):
    page = explore(file=B16)

    pills(page, "Model").set_value(["Ti/16"]).run()

    assert set(files_shown(page)["Model"]) == {"Ti/16"}
    assert "B/16 · ImageNet-21k · medium1" in html(page)
    assert query(page)["file"] == B16


def test_unknown_names_of_a_link_are_left_out_with_a_note(explore, texts):
    page = explore(model="B/99,B/16", file="nothing", sort="price", foo="1")

    said = texts(page).replace("\\", "")
    assert not page.exception
    assert "“B/99”" in said
    assert "“nothing”" in said
    assert "price" in said
    assert "foo" in said
    assert query(page) == {"model": "B/16"}


def test_a_note_goes_away_with_the_next_change(explore):
    page = explore(sort="price")
    assert page.info

    pills(page, "Model").set_value(["Ti/16"]).run()

    assert not page.info


def test_a_huge_link_is_answered_with_the_defaults(explore, texts):
    page = explore(search="x" * 100_000)

    assert "759 pre-trained files" in texts(page)
    assert "longer than 200 characters" in texts(page)


def test_markup_in_a_link_is_shown_letter_by_letter(explore):
    page = explore(model="[x](http://evil.example),<b>y</b>")

    note = page.info[0].value
    assert "[x](" not in note
    assert "<b>" not in note


def test_a_checkpoint_is_put_on_and_taken_off_the_comparison(explore):
    page = explore(file=B16)

    button(page, "Add to comparison").click().run()
    assert query(page)["compare"] == B16

    button(page, "Take out of comparison").click().run()
    assert "compare" not in query(page)


def test_classify_takes_the_checkpoint_along(explore):
    page = explore(checkpoint=B16_PETS)

    button(page, "Classify with this").click().run()

    assert page.title[0].value == "What does it see?"


def test_every_way_to_use_a_checkpoint_can_be_copied(explore):
    page = explore(file=B16)

    page.session_state["card tab"] = "Use it"
    page.run()

    code = "\n".join(block.value for block in page.code)
    assert code.startswith(B16)
    assert "load_predictor" in code
    assert "vit-explorer classify" in code
    assert "timm.create_model" in code
    assert f"{B16}.npz" in code


def test_what_the_paper_found_is_said_for_each_pretraining_set(explore, texts):
    page = explore(tab="paper")

    said = texts(page).replace("\\", "")
    assert said.count("Best on average") == 3
    assert "Best on average: medium2, no dropout" in said


def test_a_filter_with_no_published_accuracy_has_no_heat_map(explore, texts):
    page = explore(tab="paper", search=B8_UNNAMED)

    assert "has a published upstream accuracy" in texts(page)


def test_the_demo_catalogue_is_explored_like_the_other(explore, texts):
    page = explore(catalogue="demo")

    demo = resources.demo_catalogue().frame
    assert not page.exception
    assert len(files_shown(page)) == demo["filename"].nunique()
    assert len([button for button in page.button if str(button.key).startswith("recommended ")]) == len(
        recommended(demo)
    )


def test_the_recommended_ten_are_worked_out_once_for_all_visitors():
    frame = resources.live_catalogue().current.frame

    assert recommended(frame) is recommended(frame)


def test_tables_of_the_same_shape_are_not_confused():
    frame = resources.live_catalogue().current.frame
    other = frame[frame["name"] == "B/16"]

    assert len(recommended(other)) == 1
    assert len(recommended(frame)) == 10
    assert isinstance(recommended(other), pd.DataFrame)
