import numpy as np
import pytest

from vit_core.catalog.collection import MODEL_FACTS, RECOMMENDED, RECOMMENDED_FINE_TUNES
from vit_core.catalog.index import read_index
from vit_core.catalog.recommend import (
    FINE_TUNE_RULE,
    RULE,
    TIE_ORDER,
    best_fine_tune,
    comparability_notes,
    recommend,
)
from vit_core.errors import UnknownName

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"


@pytest.fixture(scope="module")
def chosen(frame):
    return recommend(frame).set_index("name", drop=False)


def test_the_ten_are_those_that_the_authors_recommend(chosen):
    assert set(chosen["filename"]) == set(RECOMMENDED)


def test_they_are_in_the_order_of_their_sizes(chosen):
    assert chosen["name"].tolist() == list(MODEL_FACTS)


def test_each_comes_with_the_fine_tune_that_the_authors_list(chosen):
    listed = [f"{name}--{RECOMMENDED_FINE_TUNES[name]}" for name in chosen["filename"]]
    assert chosen["adapt_filename"].tolist() == listed


def test_the_reason_names_rivals_value_and_authors(chosen):
    assert chosen.loc["B/8", "reason"] == (
        "Highest upstream accuracy of its 3 files pre-trained on ImageNet-21k: 52.1 %; the authors recommend it."
    )


def test_the_reason_says_when_the_figure_knows_several_equals(chosen):
    assert chosen.loc["L/16", "reason"] == (
        "Highest upstream accuracy of its 28 files pre-trained on ImageNet-21k: 51 % (equal in whole per cents with 15 "
        "others); the authors recommend it."
    )


@pytest.mark.parametrize("ds", ["i1k", "i21k_30"])
def test_the_other_pretraining_sets_have_a_file_per_model(frame, ds):
    assert recommend(frame, ds=ds)["name"].tolist() == [name for name in MODEL_FACTS if name != "B/8"]


def test_a_set_that_is_not_there_gives_no_row(frame):
    assert recommend(frame, ds="jft").empty


def test_with_exact_values_the_highest_wins_whatever_was_recommended(published_csv):
    table = read_index(published_csv, location="index.csv").frame
    chosen = recommend(table)
    best = table[table["ds"] == "i21k"].groupby("name", observed=True)["final_val"].max()
    assert chosen.set_index("name")["final_val"].to_dict() == best.to_dict()
    assert chosen["reason"].str.startswith("Highest upstream accuracy of").all()


def test_files_without_a_value_come_last_but_are_not_lost(small_table):
    table = small_table.assign(name="Nano/4", ds="digits", final_val=np.nan, filename=[f"f{i % 2}" for i in range(30)])
    frame = read_index(table.to_csv(index=False).encode(), location="mine.csv").frame
    chosen = recommend(frame, ds="digits")
    assert chosen["filename"].tolist() == ["f0"]
    assert chosen["reason"].tolist() == [
        "No upstream accuracy is known of its 2 files pre-trained on digits; the first by name."
    ]


def test_the_only_file_of_a_model_says_so(small_table):
    table = small_table.assign(name="Nano/4", ds="digits", final_val=0.75, filename="f")
    frame = read_index(table.to_csv(index=False).encode(), location="mine.csv").frame
    assert recommend(frame, ds="digits")["reason"].tolist() == ["The only file pre-trained on digits: 75.0 % upstream."]


def test_the_rules_are_sentences():
    for text in (RULE, FINE_TUNE_RULE, *comparability_notes()):
        assert text[0].isupper()
        assert text.endswith(".")
    assert TIE_ORDER


class TestFineTune:
    def test_the_best_validation_accuracy_wins(self, frame):
        filename = "R26_S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"
        best = best_fine_tune(frame, filename, adapt_ds="oxford_iiit_pet")
        assert best["adapt_final_val"] == 0.967391

    def test_of_two_equals_the_higher_resolution_wins(self, frame):
        filename = "R26_S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"
        best = best_fine_tune(frame, filename, adapt_ds="oxford_iiit_pet")
        assert best["adapt_filename"].endswith("--oxford_iiit_pet-steps_0k-lr_0.003-res_384")

    def test_the_test_accuracy_chooses_nothing(self, frame):
        best = best_fine_tune(frame, B16)
        assert best["adapt_final_test"] == 0.85486  # another has 0.86148

    def test_a_set_without_fine_tunes_gives_none(self, frame):
        assert best_fine_tune(frame, B16, adapt_ds="my flowers") is None

    def test_an_unknown_file_is_refused(self, frame):
        with pytest.raises(UnknownName):
            best_fine_tune(frame, "B_17")
