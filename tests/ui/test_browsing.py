"""The pieces of Explore and Compare by themselves: order, names, filters, tables, guesses side by side."""

import dataclasses
import math

import pytest

from app.answers import Facts, PictureAnswer
from app.components.checkpoint_card import row_of
from app.components.checkpoint_table import ORDERINGS, in_order, main_target
from app.components.comparison_choice import offered, suggestions
from app.components.filters import FACETS, LIMITS, words_of
from app.components.fine_tunes import fine_tune_words
from app.components.frontier import own_set, sets_to_draw, shown_set
from app.components.known_names import KnownCheckpoints, file_of, known_names
from app.components.side_by_side import agreement
from app.components.what_if import points
from app.components.wording import counted, megabytes, millions, percent, speed
from app.derived import files_of, once_filtered, recommended, recommended_set
from app.links import SORTS
from app.pictures import Picture
from vit_core.catalog.index import load_catalogue
from vit_core.catalog.query import FACETS as FACET_COLUMNS
from vit_core.catalog.query import Filters, apply_filters, fine_tunes, pretrained_files
from vit_core.catalog.releases import is_other, with_other_releases
from vit_core.inference.service import Prediction
from vit_core.settings import Settings

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
B16_PETS = f"{B16}--oxford_iiit_pet-steps_0k-lr_0.01-res_224"


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """The bundled table."""
    return load_catalogue(Settings(cache_dir=tmp_path_factory.mktemp("cache")), network=False).frame


@pytest.fixture(scope="module")
def files(frame):
    """Its pre-trained files."""
    return pretrained_files(frame)


def answer(label, label_set="pets"):
    facts = Facts("CPU", 32, 3, label_set, "made up", (), {})
    guesses = (Prediction(0, label, 0.9), Prediction(1, "other", 0.1)) if label else ()
    return PictureAnswer(Picture("0", "a.jpg", 1), guesses, None if label else "broken", None, facts)


def test_every_order_of_the_page_can_stand_in_a_link():
    assert {ordering.column for ordering in ORDERINGS} == set(SORTS)


@pytest.mark.parametrize("ordering", ORDERINGS, ids=lambda each: each.column)
@pytest.mark.parametrize("ascending", [True, False])
def test_every_order_keeps_every_file(files, ordering, ascending):
    assert set(in_order(files, ordering.column, ascending=ascending)["filename"]) == set(files["filename"])


def test_a_catalogue_without_imagenet_shows_what_it_was_fine_tuned_on(files):
    demo = files.assign(best_imagenet2012=math.nan, best_cifar100=0.9)

    assert main_target(files) == "imagenet2012"
    assert main_target(demo) == "cifar100"
    assert main_target(files.head(0)) == "imagenet2012"


def test_missing_numbers_come_last_whatever_the_order(files):
    for ascending in (True, False):
        assert in_order(files, "infer_samples_per_sec", ascending=ascending)["name"].tail(3).tolist() == ["B/8"] * 3


def test_accuracies_are_ordered_within_their_pretraining_set_only(files):
    ordered = in_order(files, "final_val", ascending=False)

    assert ordered["ds"].astype("str").drop_duplicates().tolist() == ["i21k", "i21k_30", "i1k"]


def test_every_filter_of_the_core_has_its_control():
    controls = {facet.field for facet in FACETS} | {limit.field for limit in LIMITS} | {"search", "fits"}

    assert controls == {field.name for field in dataclasses.fields(Filters)}
    assert {facet.field: facet.column for facet in FACETS} == FACET_COLUMNS


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("ds", "i21k_30", "ImageNet-21k, 30 epochs"),
        ("names", "R26+S/32", "R26+S/32"),
        ("resolutions", 224, "224 px"),
        ("resolutions", 384.0, "384 px"),
        ("weight_decays", 0.03, "0.03"),
        ("adapt_ds", "my flowers", "my flowers"),
    ],
)
def test_choices_are_words(field, value, words):
    facet = next(facet for facet in FACETS if facet.field == field)

    assert words_of(facet, value) == words


def test_the_chart_starts_with_the_set_that_is_asked_for(files):
    assert shown_set(sets_to_draw(files), [], "i1k") == "i1k"


def test_the_chart_starts_with_the_set_of_the_chosen_file(files):
    chosen = files.loc[files["ds"] == "i21k_30", "filename"].iloc[0]

    assert own_set(files, chosen) == ["i21k_30"]
    assert shown_set(sets_to_draw(files), own_set(files, chosen), "") == "i21k_30"


def test_a_chosen_file_of_another_release_does_not_change_the_set_of_the_chart(frame):
    whole = pretrained_files(with_other_releases(frame))
    chosen = whole.loc[is_other(whole), "filename"].iloc[0]

    assert own_set(whole, chosen) == []
    assert shown_set(sets_to_draw(whole), own_set(whole, chosen), "") == "i21k"


def test_the_chart_falls_back_to_a_set_that_is_left(files):
    left = files[files["ds"] == "i1k"]

    assert sets_to_draw(left) == {"i1k": 252}
    assert shown_set(sets_to_draw(left), own_set(left, B16), "i21k") == "i1k"


def test_the_file_behind_a_checkpoint_is_found(frame):
    assert file_of(frame, B16) == B16
    assert file_of(frame, B16_PETS) == B16
    assert file_of(frame, "nothing") == ""
    assert file_of(frame, "") == ""


def test_other_catalogues_are_opened_only_for_names_that_the_first_one_lacks(frame):
    opened = []
    known = KnownCheckpoints(frame, lambda: opened.append(1) or ())

    assert B16_PETS in known
    assert opened == []
    assert "nothing" not in known
    assert opened == [1]


def test_files_of_visitors_are_known_without_a_catalogue(frame):
    assert "own-0123456789abcdef" in KnownCheckpoints(frame, lambda: ())


def test_known_names_cover_every_fact_that_a_catalogue_decides(frame):
    known = known_names(frame, lambda: ())

    assert set(known) == {*FACET_COLUMNS, "file", "upstream", "checkpoint", "compare"}
    assert 384 in known["resolutions"]
    assert 0.03 in known["weight_decays"]


def test_a_card_is_that_of_the_fine_tune_or_else_of_the_file(frame):
    rows = fine_tunes(frame, B16)

    assert row_of(rows, B16_PETS)["adapt_filename"] == B16_PETS
    assert "adapt_filename" not in row_of(rows, B16)
    assert row_of(rows, "something else")["filename"] == B16


def test_a_fine_tune_is_told_in_a_line(frame):
    rows = fine_tunes(frame, B16)
    row = rows[rows["adapt_filename"] == B16_PETS].iloc[0]

    assert fine_tune_words(row).startswith("Oxford-IIIT Pets · 224 px · 500 steps · rate 0.01")


def test_files_of_a_filter_hold_the_best_of_the_fine_tunes_left(frame):
    left = apply_filters(frame, Filters(names=("B/16",), resolutions=(224,)))

    files = files_of(left, frame)

    assert set(files["n_fine_tunes"]) == {34}


def test_files_of_the_whole_catalogue_are_computed_once(frame):
    assert files_of(frame, frame) is files_of(frame, frame)


def test_what_follows_from_filters_is_computed_once_for_each(frame):
    asked = []

    def answer(filters):
        return once_filtered("a test", frame, filters, lambda: asked.append(filters) or len(asked))

    small, large = Filters(names=("Ti/16",)), Filters(names=("L/16",))
    assert [answer(small), answer(large), answer(small)] == [1, 2, 1]


def test_what_fits_is_asked_anew_each_time(frame):
    asked = []

    for _ in range(2):
        once_filtered("a test", frame, Filters(fits="classify"), lambda: asked.append("again"))

    assert len(asked) == 2


def test_a_catalogue_without_imagenet_21k_recommends_within_its_first_set(frame):
    other = frame[frame["ds"] == "i1k"].assign(ds=lambda rows: rows["ds"].cat.remove_unused_categories())

    assert recommended_set(frame) == "i21k"
    assert recommended_set(other) == "i1k"
    assert len(recommended(other)) == 9


def test_suggested_comparisons_have_two_to_four_checkpoints(frame):
    demo = frame[frame["name"].isin(["Ti/16", "S/16"])].dropna(subset="adapt_final_test")

    offers = suggestions(recommended(frame), demo, frame)

    assert len(offers) == 3
    assert all(2 <= len(set(offer.names)) <= 4 for offer in offers)


def test_a_poor_catalogue_suggests_less_and_does_not_fail(frame):
    one = frame[frame["filename"] == B16]

    assert suggestions(recommended(one), one, one) == []


def test_what_is_compared_already_is_not_offered_again(frame):
    offers = offered(recommended(frame), frame.head(2), (B16,))

    assert B16 not in offers
    assert len(offers) == 9 + 2


def test_equal_guesses_agree():
    assert agreement([("A", answer("cat")), ("B", answer("cat"))]) == "Both agree: cat."
    assert agreement([("A", answer("cat"))] * 3) == "All 3 agree: cat."


def test_different_guesses_are_told_apart_by_their_models():
    assert agreement([("A", answer("cat")), ("B", answer("dog"))]) == "They disagree: A says cat; B says dog."


def test_models_of_different_classes_cannot_disagree():
    words = agreement([("A", answer("cat", "pets")), ("B", answer("Persian cat", "imagenet"))])

    assert "different classes" in words


@pytest.mark.parametrize("answers", [[], [("A", answer("cat"))], [("A", answer("cat")), ("B", answer(""))]])
def test_fewer_than_two_guesses_say_nothing(answers):
    assert agreement(answers) == ""


def test_numbers_are_written_alike_everywhere():
    assert percent(0.5) == "50.0 %"
    assert percent(float("nan"), missing="–") == "–"
    assert speed(None) == "not published"
    assert millions(304_326_632) == "304.3 M"
    assert megabytes(999_999_999) == "1,000 MB"
    assert counted(0, "file") == "0 files"
    assert points(-0.004, exact=True) == "−0.4"
