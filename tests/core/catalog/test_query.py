import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vit_core.catalog.query import (
    FACETS,
    Filters,
    apply_filters,
    facet_counts,
    fine_tunes,
    pareto_front,
    pretrained_files,
    sort_frame,
    upstream_grid,
)
from vit_core.errors import UnknownName

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
CHOICES = st.fixed_dictionaries(
    {
        "families": st.sets(st.sampled_from(["ViT", "Hybrid", "nonsense"])).map(tuple),
        "names": st.sets(st.sampled_from(["B/16", "B/8", "R26+S/32"])).map(tuple),
        "ds": st.sets(st.sampled_from(["i21k", "i1k"])).map(tuple),
        "augs": st.sets(st.sampled_from(["none", "strong2"])).map(tuple),
        "regularisations": st.sets(st.sampled_from(["none", "unknown"])).map(tuple),
        "weight_decays": st.sets(st.sampled_from([0.03, 0.1])).map(tuple),
        "adapt_ds": st.sets(st.sampled_from(["kitti", "cifar100"])).map(tuple),
        "resolutions": st.sets(st.sampled_from([224, 384])).map(tuple),
        "min_speed": st.sampled_from([None, 500.0]),
        "max_params": st.sampled_from([None, 1e8]),
        "search": st.sampled_from(["", "medium"]),
    }
)


class TestFilters:
    def test_no_filter_keeps_everything(self, frame):
        assert apply_filters(frame, Filters()).equals(frame)

    @pytest.mark.parametrize(("field", "column"), FACETS.items())
    def test_each_facet_keeps_the_rows_of_its_value(self, frame, field, column):
        value = frame[column].iloc[7]
        kept = apply_filters(frame, Filters(**{field: (value,)}))
        assert len(kept) == (frame[column] == value).sum()

    def test_values_of_one_facet_add_up(self, frame):
        assert set(apply_filters(frame, Filters(names=("B/16", "S/16")))["name"]) == {"B/16", "S/16"}

    def test_an_unknown_value_finds_nothing(self, frame):
        assert apply_filters(frame, Filters(names=("H/14",))).empty

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (Filters(min_speed=1000), lambda t: t["infer_samples_per_sec"] >= 1000),
            (Filters(max_params=3e7), lambda t: t["params"] <= 3e7),
            (Filters(max_size_bytes=1e8), lambda t: t["size_bytes"] <= 1e8),
            (Filters(min_final_val=0.5), lambda t: t["final_val"] >= 0.5),
        ],
    )
    def test_each_limit_holds_and_unknown_numbers_do_not_pass(self, frame, filters, expected):
        assert apply_filters(frame, filters).equals(frame[expected(frame)])

    def test_the_table_is_not_changed(self, frame):
        before = frame.copy()
        apply_filters(frame, Filters(search="b_16", min_speed=1))
        facet_counts(frame, Filters(search="b_16", min_speed=1))
        pretrained_files(frame)
        assert frame.equals(before)

    def test_an_empty_table_can_be_filtered(self, frame):
        assert apply_filters(frame.head(0), Filters(names=("B/16",), search="x", min_speed=1)).empty


class TestFacetCounts:
    def test_without_a_filter_they_count_all_files(self, frame):
        counts = facet_counts(frame, Filters())
        assert counts["ds"].to_dict() == {"i21k": 255, "i21k_30": 252, "i1k": 252}
        assert counts["families"].to_dict() == {"ViT": 507, "Hybrid": 252}
        assert counts["resolutions"].to_dict() == {224: 759, 384: 756}

    def test_fine_tuned_files_can_be_counted(self, frame):
        counts = facet_counts(frame, Filters(), unit="adapt_filename")
        assert counts["ds"].to_dict() == {"i21k": 17_238, "i21k_30": 17_135, "i1k": 17_136}

    def test_a_facets_own_choice_does_not_change_its_counts(self, frame):
        free = facet_counts(frame, Filters(ds=("i21k",)))
        chosen = facet_counts(frame, Filters(ds=("i21k",), names=("B/8",)))
        assert chosen["names"].equals(free["names"])
        assert chosen["augs"].to_dict() == {
            "none": 0,
            "light0": 0,
            "light1": 0,
            "medium1": 1,
            "medium2": 1,
            "strong1": 0,
            "strong2": 0,
        }

    def test_values_without_a_file_are_listed_with_zero(self, frame):
        assert facet_counts(frame, Filters(names=("B/8",)))["ds"].to_dict() == {"i21k": 3, "i21k_30": 0, "i1k": 0}

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(choices=CHOICES, field=st.sampled_from(list(FACETS)), unit=st.sampled_from(["filename", "adapt_filename"]))
    def test_a_count_is_what_choosing_that_value_would_leave(self, frame, choices, field, unit):
        sample = frame.iloc[::23]
        counts = facet_counts(sample, Filters(**choices), unit=unit)[field]
        for value, count in counts.items():
            left = apply_filters(sample, Filters(**{**choices, field: (value,)}))
            assert left[unit].nunique() == count

    def test_an_empty_table_has_no_counts(self, frame):
        counts = facet_counts(frame.head(0), Filters())
        assert all((count == 0).all() for count in counts.values())


class TestPretrainedFiles:
    def test_there_is_one_row_per_file(self, frame):
        files = pretrained_files(frame)
        assert len(files) == 759
        assert files["filename"].is_unique
        assert files.index.tolist() == list(range(759))

    def test_a_row_tells_the_file_and_its_fine_tunes(self, frame):
        row = pretrained_files(frame).set_index("filename").loc[B16]
        assert (row["final_val"], row["n_fine_tunes"], row["family"]) == (0.506055, 68, "ViT")
        assert (row["infer_samples_per_sec"], row["params"]) == (658.56, 86_570_000)
        assert (row["best_adapt_test"], row["best_imagenet2012"]) == (0.86148, 0.86148)
        assert round(row["size_bytes"] / 2**20) == 391

    def test_best_values_are_known_per_set(self, frame):
        row = (
            pretrained_files(frame)
            .set_index("filename")
            .loc["R26_S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"]
        )
        assert row["best_oxford_iiit_pet"] == 0.946852
        assert np.isnan(row["best_kitti"])

    def test_only_the_given_rows_count(self, frame):
        files = pretrained_files(apply_filters(frame, Filters(adapt_ds=("kitti",), names=("B/8",))))
        assert files["n_fine_tunes"].tolist() == [8, 8, 8]
        assert files["best_adapt_test"].isna().all()

    def test_an_empty_table_gives_no_file_but_all_columns(self, frame):
        empty = pretrained_files(frame.head(0))
        assert empty.empty
        assert set(pretrained_files(frame.head(100)).columns) <= set(empty.columns) | {
            f"best_{each}" for each in frame["adapt_ds"].cat.categories
        }

    def test_the_real_form_of_the_index_works_too(self, published_csv):
        from vit_core.catalog.index import read_index

        files = pretrained_files(read_index(published_csv, location="index.csv").frame)
        assert len(files) == 759
        within = files.groupby("ds", observed=True)["final_val"]
        assert within.apply(lambda values: values.is_monotonic_decreasing).all()


class TestFineTunes:
    def test_all_of_one_file_are_given_set_by_set(self, frame):
        rows = fine_tunes(frame, B16)
        assert len(rows) == 68
        sets = rows["adapt_ds"].astype("str")
        assert sets.ne(sets.shift()).sum() == 5

    def test_an_unknown_file_lists_close_names(self, frame):
        with pytest.raises(UnknownName, match="aug_medium1"):
            fine_tunes(frame, B16.replace("medium1", "medium3"))


class TestSort:
    @pytest.mark.parametrize("descending", [True, False])
    def test_missing_values_come_last_either_way(self, frame, descending):
        values = sort_frame(frame, "adapt_final_test", descending)["adapt_final_test"]
        known = values.dropna()
        assert values.iloc[: len(known)].equals(known)
        assert known.is_monotonic_decreasing if descending else known.is_monotonic_increasing

    def test_codes_sort_by_their_meaning(self, frame):
        assert sort_frame(frame, "aug", descending=False)["aug"].iloc[0] == "none"

    def test_an_unknown_column_lists_close_names(self, frame):
        with pytest.raises(UnknownName, match="'final_val'"):
            sort_frame(frame, "final_vall")


class TestPareto:
    def test_what_nothing_beats_is_on_the_front(self):
        table = pd.DataFrame({"x": [1, 2, 3, 2, 1], "y": [3, 2, 1, 1, 3]}, index=list("abcde"))
        assert pareto_front(table, "x", "y").to_dict() == {"a": True, "b": True, "c": True, "d": False, "e": True}

    def test_rows_without_a_number_are_never_on_it(self):
        table = pd.DataFrame({"x": [1.0, None, 9.0], "y": [1.0, 9.0, None]})
        assert pareto_front(table, "x", "y").tolist() == [True, False, False]

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
    def test_it_is_what_the_definition_says(self, rows):
        table = pd.DataFrame(rows, columns=["x", "y"]).astype("float64")
        front = pareto_front(table, "x", "y")
        for i, (x, y) in enumerate(rows):
            beaten = any(a >= x and b >= y and (a > x or b > y) for a, b in rows)
            assert front[i] == (not beaten)


class TestGrid:
    def test_it_is_figure_4(self, frame):
        grid = upstream_grid(frame, "i21k").set_index(["name", "aug", "regularisation"])
        assert grid.loc[("S/16", "none", "none"), "max"] == 0.46
        assert grid.loc[("R26+S/32", "medium2", "none"), ["mean", "max", "files"]].tolist() == [
            pytest.approx((0.466143 + 0.462373) / 2),
            0.466143,
            2,
        ]
        assert not grid.loc[("R26+S/32", "medium2", "none"), "rounded"]
        assert grid.loc[("S/16", "none", "none"), "rounded"]

    def test_it_has_a_row_per_cell(self, frame):
        assert len(upstream_grid(frame, "i1k")) == 9 * 7 * 2

    def test_an_unknown_set_gives_no_row(self, frame):
        assert upstream_grid(frame, "jft").empty
