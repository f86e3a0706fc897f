import pandas as pd
import pytest

from vit_core.catalog.collection import AUGMENTATIONS, RECOMMENDED, RECOMMENDED_FINE_TUNES, VALUE_LABELS
from vit_core.catalog.releases import with_other_releases
from vit_core.catalog.schema import CATEGORIES, COLUMNS, MODEL_FACTS, NUMBERS, PUBLISHED, column, to_csv_bytes
from vit_core.catalog.timm_tags import TIMM_TAGS

# The header of the collection's index.csv.
PUBLISHED_HEADER = (
    "name,ds,epochs,lr,aug,wd,do,sd,best_val,final_val,final_test,adapt_ds,adapt_lr,adapt_steps,adapt_resolution,"
    "adapt_final_val,adapt_final_test,params,infer_samples_per_sec,filename,adapt_filename"
)


def test_the_published_columns_are_the_indexs_header():
    assert ",".join(PUBLISHED) == PUBLISHED_HEADER


@pytest.mark.parametrize("each", COLUMNS, ids=lambda each: each.name)
def test_every_column_says_what_it_holds(each):
    assert each.label
    assert each.meaning.endswith(".")
    assert each.valid
    assert each.source


@pytest.mark.parametrize("each", COLUMNS, ids=lambda each: each.name)
def test_every_value_of_the_bundled_table_lies_in_its_range(frame, each):
    values = frame[each.name].dropna()
    if each.low is not None:
        assert values.between(each.low, each.high).all()
    if each.choices:
        assert values.isin(list(each.choices)).all()


@pytest.mark.parametrize("each", COLUMNS, ids=lambda each: each.name)
def test_every_column_of_the_bundled_table_has_its_dtype(frame, each):
    assert str(frame[each.name].dtype) == ("str" if each.dtype == "string" else each.dtype)


def test_categories_and_numbers_are_all_columns_but_the_key():
    assert {*CATEGORIES, *NUMBERS, "adapt_filename"} == {each.name for each in COLUMNS}


def test_a_column_is_found_by_its_name():
    assert column("infer_samples_per_sec").unit == "img/s"


def test_every_label_is_words_for_a_known_code(frame):
    whole = with_other_releases(frame)
    for name, labels in VALUE_LABELS.items():
        assert set(labels) <= set(whole[name].cat.categories)
        assert set(frame[name].cat.categories) - {"unknown"} <= set(labels)


def test_models_are_ordered_by_size():
    sizes = [facts.backbone_params[224] + facts.width * 1000 for facts in MODEL_FACTS.values()]
    orders = [facts.order for facts in MODEL_FACTS.values()]
    assert orders == sorted(orders)
    # S/16 has fewer parameters than S/32, whose patches are four times as large, but computes more.
    assert [round(size / 1e6) for size in sizes] == [6, 6, 23, 22, 36, 88, 87, 87, 304, 329]


def test_only_the_light_levels_have_another_name_in_the_paper():
    renamed = {code: level.paper for code, level in AUGMENTATIONS.items() if level.paper != code}
    assert renamed == {"light0": "light1", "light1": "light2"}


def test_listed_files_exist(frame):
    assert set(RECOMMENDED) <= set(frame["filename"].cat.categories)
    tunes = {f"{name}--{tune}" for name, tune in RECOMMENDED_FINE_TUNES.items()}
    assert tunes <= set(frame["adapt_filename"])
    assert set(TIMM_TAGS) <= {*frame["filename"].cat.categories, *frame["adapt_filename"]}


class TestExport:
    @pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx"])
    def test_a_formula_becomes_text(self, text):
        table = pd.DataFrame({"name": pd.Series([text, "B/16"], dtype="category")})
        written = to_csv_bytes(table).decode()
        assert f"'{text}" in written
        assert "'B/16" not in written

    def test_negative_numbers_stay_numbers(self):
        assert to_csv_bytes(pd.DataFrame({"difference": [-0.5]})) == b"difference\n-0.5\n"

    def test_empty_cells_stay_empty(self):
        table = pd.DataFrame({"aug": pd.Series(["none", None], dtype="category"), "wd": [None, 0.1]})
        assert to_csv_bytes(table) == b"aug,wd\nnone,\n,0.1\n"

    def test_every_row_of_the_table_is_written(self, frame):
        assert to_csv_bytes(frame).count(b"\n") == 51_510
