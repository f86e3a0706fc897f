"""Links that anybody may have written, read into facts with notes and written back."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.links import PARAMETERS, Address, on_arrival, read_link, write_link
from vit_core.catalog.query import Filters

FILE = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
FULL = Address(
    catalogue="demo",
    file=FILE,
    checkpoint=f"{FILE}--kitti-steps_2k-lr_0.01-res_384",
    compare=(FILE, f"{FILE}--kitti-steps_2k-lr_0.01-res_384"),
    tab="paper",
    sort="params",
    ascending=True,
    upstream="i1k",
    data="flowers-2",
    run="flowers_3",
    against="flowers_1",
    filters=Filters(
        search="B/16 100 % & more",
        releases=("AugReg", "ImageNet-21k + ImageNet"),
        families=("ViT",),
        names=("B/16", "R26+S/32"),
        ds=("i21k", "i21k_30"),
        augs=("medium1",),
        regularisations=("none", "dropout + stochastic depth"),
        weight_decays=(0.03, 0.1),
        adapt_ds=("kitti",),
        resolutions=(224, 384),
        min_speed=500.0,
        max_params=100e6,
        max_size_bytes=400e6,
        min_final_val=0.45,
        fits="fine-tune",
    ),
)


def as_received(link):
    return {name: (value,) for name, value in link.items()}


def test_a_link_without_parameters_gives_the_defaults():
    assert read_link({}, "explore") == (Address(), ())


def test_the_defaults_need_no_parameters():
    assert write_link(Address(), "explore") == {}


def test_every_fact_comes_back_from_its_link():
    address, notes = read_link(as_received(write_link(FULL, "explore")), "explore")

    assert notes == ()
    assert address == dataclasses.replace(FULL, data="", run="", against="")


def test_a_data_set_comes_back_from_its_link():
    full = dataclasses.replace(FULL, run="")

    address, notes = read_link(as_received(write_link(full, "finetune")), "finetune")

    assert notes == ()
    assert (address.data, address.checkpoint) == (FULL.data, FULL.checkpoint)


def test_a_link_to_repeat_a_run_says_no_more_than_its_name():
    link = write_link(dataclasses.replace(FULL, compare=(), catalogue="augreg"), "finetune")

    assert link == {"run": FULL.run}


def test_every_parameter_is_written_in_that_round_trip():
    pages = ("explore", "finetune", "runs")

    written = {name for page in pages for name in write_link(FULL, page)}
    written |= set(write_link(dataclasses.replace(FULL, run=""), "finetune"))

    assert written == {parameter.name for parameter in PARAMETERS}


def test_values_are_words_a_person_can_read():
    assert write_link(FULL, "explore")["reg"] == "none,dropout"
    assert write_link(FULL, "explore")["max_mb"] == "400"
    assert write_link(FULL, "explore")["min_accuracy"] == "45"


def test_a_link_to_another_page_carries_only_what_that_page_knows():
    assert set(write_link(FULL, "compare")) == {"catalogue", "checkpoint", "compare"}


@pytest.mark.parametrize("value", ["../etc", "A", "-a", "a b", "a/b", "x" * 65, ".data"])
@pytest.mark.parametrize(("name", "page"), [("run", "runs"), ("against", "runs"), ("data", "finetune")])
def test_names_of_folders_are_plain(name, page, value):
    address, notes = read_link({name: (value,)}, page)

    assert address == Address()
    assert name in notes[0]


def test_the_run_stays_behind_when_a_person_turns_to_another_page():
    assert on_arrival(FULL) == dataclasses.replace(FULL, run="", against="")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sort", "price"),
        ("order", "sideways"),
        ("tab", "secret"),
        ("catalogue", "file:///etc/passwd"),
        ("min_speed", "fast"),
        ("min_speed", "nan"),
        ("min_speed", "inf"),
        ("min_speed", "-1"),
        ("min_speed", "1e-400"),
        ("max_mb", "0"),
        ("res", "224.5"),
        ("res", "²"),
        ("wd", "a,b"),
        ("reg", "a lot"),
        ("search", "a\0b"),
        ("search", "a" * 201),
        ("file", "x" * 100_000),
        ("model", ",".join(str(number) for number in range(65))),
        ("compare", "a,b,c,d,e"),
    ],
)
def test_an_impossible_value_keeps_the_default_and_is_noted(name, value):
    address, notes = read_link({name: (value,)}, "explore")

    assert address == Address()
    assert len(notes) == 1
    assert name in notes[0]


def test_a_value_given_twice_keeps_the_default_and_is_noted():
    address, notes = read_link({"model": ("B/16", "S/16")}, "explore")

    assert address.filters.names == ()
    assert "more than once" in notes[0]


def test_a_part_that_no_page_knows_is_noted():
    address, notes = read_link({"utm_source": ("x",)}, "explore")

    assert address == Address()
    assert "utm_source" in notes[0]


def test_a_part_of_another_page_is_left_out_in_silence():
    assert read_link({"model": ("B/16",)}, "about") == (Address(), ())


def test_one_bad_part_does_not_spoil_the_others():
    address, notes = read_link({"model": ("B/16",), "sort": ("price",)}, "explore")

    assert address.filters.names == ("B/16",)
    assert len(notes) == 1


def test_a_note_shows_at_most_a_short_piece_of_a_value():
    _, notes = read_link({"catalogue": ("x" * 100_000,)}, "explore")

    assert len(notes[0]) < 200


def test_a_thousand_unknown_parts_give_a_few_notes():
    _, notes = read_link({f"p{number}": ("x",) for number in range(1000)}, "explore")

    assert len(notes) <= 8


def test_equal_values_in_a_list_count_once():
    address, _ = read_link({"model": ("B/16,B/16, S/16 ,",)}, "explore")

    assert address.filters.names == ("B/16", "S/16")


def test_facts_that_a_page_does_not_carry_are_kept():
    address, _ = read_link({}, "compare", start=FULL)

    assert address.filters == FULL.filters
    assert address.compare == ()


@given(st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=60), max_size=3), max_size=6))
def test_no_link_ever_fails(link):
    address, _ = read_link(link, "explore")

    assert isinstance(address, Address)


@given(st.sampled_from([parameter.name for parameter in PARAMETERS]), st.text(max_size=60))
def test_what_is_read_can_be_written_and_read_again(name, value):
    address, _ = read_link({name: (value,)}, "explore")

    again, notes = read_link(as_received(write_link(address, "explore")), "explore")

    assert notes == ()
    assert again == address
