import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vit_core.catalog.query import pretrained_files
from vit_core.catalog.ranking import TIE_ORDER, is_recommended, points, ranked

ROUNDED = "figure 4, rounded to 1 point"


def files(*rows: tuple[str, float | None, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["filename", "final_val", "final_val_source"])
    table["final_val"] = table["final_val"].astype("float64")
    return table.assign(name="B/16", ds=pd.Categorical(["i21k"] * len(rows)))


def order(table: pd.DataFrame) -> list[str]:
    return ranked(table)["filename"].tolist()


def test_exact_values_are_in_their_own_order():
    assert order(files(("a", 0.501, "exact"), ("b", 0.502, "exact"), ("c", 0.5005, "exact"))) == ["b", "a", "c"]


def test_a_rounded_value_does_not_overtake_an_exact_one_of_its_per_cent():
    assert order(files(("rounded", 0.51, ROUNDED), ("exact", 0.506055, "exact"))) == ["exact", "rounded"]


def test_a_rounded_value_of_a_higher_per_cent_comes_first():
    assert order(files(("exact", 0.504, "exact"), ("rounded", 0.51, ROUNDED))) == ["rounded", "exact"]


def test_without_rounded_values_nothing_is_rounded():
    assert points(files(("a", 0.501, "exact"), ("b", 0.502, "exact"))).tolist() == [0.501, 0.502]


def test_half_a_per_cent_is_rounded_up_like_the_figure():
    table = files(("a", 0.505, "exact"), ("b", 0.51, ROUNDED), ("c", 0.495, "exact"), ("d", 0.5049, "exact"))
    assert points(table).tolist() == [0.51, 0.51, 0.5, 0.5]


def test_a_recommended_file_stands_before_the_exact_values_of_its_model_and_per_cent():
    listed = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
    table = files(("a", 0.512, "exact"), (listed, 0.51, ROUNDED), ("c", 0.51, ROUNDED))
    assert order(table) == [listed, "a", "c"]


def test_a_recommended_file_with_a_lower_exact_value_stays_below():
    listed = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
    assert order(files((listed, 0.501, "exact"), ("a", 0.502, "exact"))) == ["a", listed]


def test_unknown_values_come_last_and_equals_by_name():
    table = files(("z", None, "unknown"), ("y", None, "unknown"), ("b", 0.5, "exact"), ("a", 0.5, "exact"))
    assert order(table) == ["a", "b", "y", "z"]


def test_pretraining_sets_are_not_mixed(frame):
    sets = pretrained_files(frame)["ds"].astype("str")
    assert sets.ne(sets.shift()).sum() == 3
    assert sets.iloc[0] == "i21k"


def test_the_order_is_written_down():
    assert len(TIE_ORDER) == 5


def test_a_published_recommendation_is_recognised():
    names = pd.Series(["B_8-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0", "x"])
    assert is_recommended(names).tolist() == [True, False]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, 0.5, 0.504, 0.505, 0.506, 0.51, 0.52]), st.booleans()), min_size=1, max_size=8
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_does_not_depend_on_the_order_of_rows(values, random):
    rows = [
        (f"f{i}", round(value, 2) if rounded and value else value, ROUNDED if rounded else "exact")
        for i, (value, rounded) in enumerate(values)
    ]
    shuffled = random.sample(rows, len(rows))
    assert order(files(*rows)) == order(files(*shuffled))


@pytest.mark.parametrize("size", [0, 1])
def test_short_tables_can_be_ranked(size):
    assert len(ranked(files(("a", 0.5, "exact")).head(size))) == size
