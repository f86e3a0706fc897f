import dataclasses

import numpy as np
import pandas as pd
import pytest

from vit_core.catalog.schema import COLUMNS, MODEL_FACTS
from vit_core.catalog.table import complete, range_notes, true_params
from vit_core.models.config import VARIANTS

MIB = 2**20


def test_the_columns_are_those_of_the_schema_in_their_order(small_table):
    assert list(complete(small_table).columns) == [column.name for column in COLUMNS]


def test_the_given_table_is_not_changed(small_table):
    before = small_table.copy()
    complete(small_table)
    pd.testing.assert_frame_equal(small_table, before)


@pytest.mark.parametrize(
    ("do", "sd", "words"),
    [
        (0.0, 0.0, "none"),
        (0.1, 0.1, "dropout + stochastic depth"),
        (0.1, 0.0, "dropout"),
        (0.0, 0.1, "stochastic depth"),
        (np.nan, 0.1, "unknown"),
    ],
)
def test_regularisation_is_put_in_words(small_table, do, sd, words):
    assert set(complete(small_table.assign(do=do, sd=sd))["regularisation"]) == {words}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("B/16", "ViT"),
        ("R26+S/32", "Hybrid"),
        ("R101+H/14", "Hybrid"),
        ("Nano/4", "ViT"),
        ("Mixer-B/16", "Mixer"),
        ("B16", "Other"),
    ],
)
def test_the_family_is_told_by_the_name(small_table, name, family):
    assert set(complete(small_table.assign(name=name))["family"]) == {family}


# Sizes of files in the bucket, in MiB, as the README of google-research/vision_transformer prints them.
@pytest.mark.parametrize(
    ("name", "size_mib"),
    [
        ("Ti/16", 37),
        ("R+Ti/16", 40),
        ("S/16", 115),
        ("S/32", 118),
        ("R26+S/32", 170),
        ("B/16", 391),
        ("B/32", 398),
        ("L/16", 1243),
        ("R50+L/32", 1337),
    ],
)
def test_sizes_of_pretrained_files_agree_with_the_readme(frame, name, size_mib):
    size = frame.loc[(frame["name"] == name) & (frame["ds"] == "i21k"), "upstream_size_bytes"]
    assert set(np.abs(size / MIB - size_mib) < 1) == {True}


def test_the_size_of_a_fine_tuned_file_agrees_with_the_colab(frame):
    rows = (frame["name"] == "R26+S/32") & (frame["adapt_ds"] == "oxford_iiit_pet") & (frame["adapt_resolution"] == 384)
    assert frame.loc[rows, "size_bytes"].iloc[0] / MIB == pytest.approx(137.8, abs=0.1)


@pytest.mark.parametrize(
    ("name", "resolution", "params"),
    [
        ("Ti/16", 384, 5_790_000),
        ("R+Ti/16", 384, 6_360_000),
        ("S/32", 384, 22_920_000),
        ("S/16", 224, 22_050_000),
        ("S/16", 384, 22_200_000),
        ("R26+S/32", 224, 36_430_000),
        ("R26+S/32", 384, 36_470_000),
        ("B/32", 224, 88_220_000),
        ("B/32", 384, 88_300_000),
        ("B/16", 224, 86_570_000),
        ("B/16", 384, 86_860_000),
        ("L/16", 224, 304_330_000),
        ("L/16", 384, 304_720_000),
    ],
)
def test_counted_parameters_agree_with_the_published_ones(name, resolution, params):
    assert true_params(name, resolution) == params


@pytest.mark.parametrize(("name", "resolution"), [("B/8", 384), ("B/16", 256), ("H/14", 224)])
def test_what_was_never_counted_is_unknown(name, resolution):
    assert np.isnan(true_params(name, resolution))


def test_sizes_outside_augreg_come_from_the_parameters(small_table):
    table = complete(small_table.assign(filename="mine", params=1000.0))
    assert set(table["source"]) == {"yours"}
    assert set(table["size_bytes"]) == {4000.0}


def test_right_parameters_are_left_alone(small_table):
    table = complete(small_table[small_table["name"] == "B/16"])
    assert (table["note"] == "").all()
    assert table["params"].equals(table["params_published"])


def test_an_empty_whole_number_makes_the_column_a_float(small_table):
    small_table["adapt_steps"] = small_table["adapt_steps"].astype("float64")
    small_table.loc[0, "adapt_steps"] = np.nan
    table = complete(small_table)
    assert (table["adapt_steps"].dtype, table["adapt_resolution"].dtype) == ("float64", "int64")


def test_empty_text_is_missing(small_table):
    table = complete(small_table.assign(aug=""))
    assert table["aug"].isna().all()
    assert list(table["aug"].cat.categories) == []


def test_categories_are_in_the_order_of_their_strength(frame):
    assert list(frame["aug"].cat.categories) == [
        "none",
        "light0",
        "light1",
        "medium1",
        "medium2",
        "strong1",
        "strong2",
    ]


def test_a_value_that_augreg_does_not_have_is_noted_for_augreg_only(small_table):
    noted = range_notes(complete(small_table.assign(wd=0.5)))
    own = range_notes(complete(small_table.assign(wd=0.5, filename="mine")))
    assert noted == ("30 values of wd are not one of 0.03, 0.1 (the first is '0.5' in row 1); shown as in the table.",)
    assert own == ()


@pytest.mark.parametrize("name", MODEL_FACTS)
def test_counted_parameters_are_those_of_the_models_that_are_built(name):
    facts = MODEL_FACTS[name]
    for side, backbone in facts.backbone_params.items():
        config = dataclasses.replace(VARIANTS[name], resolution=side, num_classes=1000)
        assert config.num_params == backbone + (facts.width + 1) * 1000
