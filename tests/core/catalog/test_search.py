import pytest

from vit_core.catalog.describe import title_of
from vit_core.catalog.query import Filters, apply_filters
from vit_core.catalog.search import matches


def found(frame, text: str) -> set[str]:
    return set(frame["filename"][matches(frame, text)])


def test_no_text_finds_everything(frame):
    assert matches(frame, "  ").all()


def test_words_are_joined_by_and(frame):
    both = matches(frame, "cifar100 R26_S_32")
    assert (both == (matches(frame, "cifar100") & matches(frame, "R26_S_32"))).all()
    assert both.sum() == 84 * 16


def test_words_for_people_find_what_codes_stand_for(frame):
    rows = apply_filters(frame, Filters(search="ImageNet-21k B/16 medium1"))
    assert set(rows["name"]) == {"B/16"}
    assert set(rows["aug"]) == {"medium1"}
    assert set(rows["ds"]) == {"i21k", "i21k_30"}


def test_the_family_and_the_resolution_can_be_searched(frame):
    assert set(frame["family"][matches(frame, "hybrid")]) == {"Hybrid"}
    assert set(frame["adapt_resolution"][matches(frame, "pets 384 px")]) == {384}
    assert matches(frame, "384px").sum() == (frame["adapt_resolution"] == 384).sum()


def test_case_does_not_matter(frame):
    assert (matches(frame, "oxford-iiit PETS b_16") == matches(frame, "Oxford-IIIT pets B_16")).all()


def test_a_whole_name_finds_its_row(frame):
    name = frame["adapt_filename"].iloc[12_345]
    assert frame["adapt_filename"][matches(frame, name)].tolist() == [name]


def test_a_pasted_title_finds_its_file(frame):
    row = frame.iloc[20_000].to_dict()
    assert row["filename"] in found(frame, title_of(row).partition(" →")[0])


@pytest.mark.parametrize("text", ["(a+)+$", "[", "*", "\\", "'; DROP TABLE x; --", "\0", "%", ".*", "B_16|S_16", "^B"])
def test_patterns_are_plain_text(frame, text):
    assert not matches(frame, text).any()


@pytest.mark.parametrize("text", ["x" * 1_000_000, "a " * 500_000, "\0" * 1_000_000, " ".join(map(str, range(100)))])
def test_endless_text_finds_nothing(frame, text):
    assert not matches(frame, text).any()


def test_an_empty_table_can_be_searched(frame):
    assert matches(frame.head(0), "B_16").tolist() == []
