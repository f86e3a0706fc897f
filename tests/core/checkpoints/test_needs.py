"""What a row of a catalogue costs and needs, and which machines have room for it."""

import math

import numpy as np
import pytest

from vit_core.checkpoints.needs import PURPOSES, Room, cost_facts, needs_of, needs_of_row, room_here
from vit_core.models.config import VARIANTS
from vit_core.models.cost import gmacs
from vit_core.models.memory import PROCESS_BYTES, to_classify

GB = 1_000_000_000


def test_a_fine_tune_is_counted_at_its_resolution_and_with_its_own_head():
    needs = needs_of_row({"name": "B/16", "adapt_resolution": np.int64(384), "adapt_ds": "oxford_iiit_pet"})
    model = VARIANTS["B/16"].with_resolution(384)

    assert needs.resolution == 384
    assert needs.params == model.num_params - 769 * (1000 - 37)
    assert needs.gmacs == pytest.approx(gmacs(model), abs=0.001)


def test_a_pretrained_file_is_counted_at_its_own_resolution_and_with_the_head_of_its_set():
    needs = needs_of_row({"name": "Ti/16", "ds": "i21k", "adapt_ds": float("nan")})

    assert needs.resolution == 224
    assert needs.params == VARIANTS["Ti/16"].num_params + 193 * (21_843 - 1000)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"name": "N/4", "adapt_resolution": 32},
        {"name": "B/16", "adapt_resolution": 225},
        {"name": "Mixer-B/16", "adapt_resolution": 384},
    ],
)
def test_of_an_unknown_shape_no_costs_are_told(row):
    assert needs_of_row(row) is None


def test_on_a_cpu_the_program_itself_is_counted():
    needs = needs_of(VARIANTS["B/16"])
    assert needs.classify_bytes == to_classify(VARIANTS["B/16"], batch=1).total + PROCESS_BYTES


def test_an_accelerator_computes_in_half_the_width_and_holds_no_program():
    needs = needs_of(VARIANTS["B/16"], on_cpu=False)

    assert needs.classify_bytes == to_classify(VARIANTS["B/16"], batch=1, dtype="bfloat16").total
    assert needs.fine_tune_bytes < needs_of(VARIANTS["B/16"]).fine_tune_bytes


def test_the_facts_name_the_unit_and_what_it_is_called_elsewhere():
    labels, values, remarks = zip(*cost_facts(needs_of(VARIANTS["B/16"])), strict=True)

    assert labels == ("Computation", "Memory to classify", "Memory to fine-tune")
    assert values[0] == "17.6 GMACs per image at 224 px"
    assert "called FLOPs by papers" in remarks[0]
    assert "35.2 GFLOPs" in remarks[0]
    assert "for 8 at a time" in values[1]


def test_a_model_fits_where_what_it_needs_is_free():
    needs = needs_of(VARIANTS["B/16"])
    for purpose, needed in (("classify", needs.classify_bytes), ("fine-tune", needs.fine_tune_1_bytes)):
        room, less = Room(needed + GB // 100), Room(needed - GB // 10)
        assert room.holds(purpose, "B/16", 224.0, 86_570_000.0)
        assert not less.holds(purpose, "B/16", 224.0, 86_570_000.0)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_of_an_unknown_shape_the_weights_count(purpose):
    room = Room(GB)
    assert room.holds(purpose, "N/4", 32.0, 90_922.0)
    assert not room.holds(purpose, "Huge", 224.0, 1e9)
    assert not room.holds(purpose, "Nameless", math.nan, math.nan)


def test_a_small_model_fits_this_machine():
    assert room_here().holds("classify", "R+Ti/16", math.nan, 6_340_000.0)


def test_a_fine_tune_on_a_set_outside_the_collection_has_the_head_of_its_class_names():
    needs = needs_of_row({"name": "B/16", "ds": "i21k", "adapt_ds": "cifar10"})

    assert needs.params == VARIANTS["B/16"].num_params - 769 * (1000 - 10)
    assert needs.with_head


@pytest.mark.parametrize("row", [{"ds": "i21k", "adapt_ds": "my flowers"}, {"ds": "mine"}, {}])
def test_a_head_of_unknown_size_is_not_counted_and_it_is_said(row):
    needs = needs_of_row({"name": "B/16", **row})

    assert needs.params == VARIANTS["B/16"].num_params - 769 * 1000
    assert "without the head, whose number of classes is not known" in cost_facts(needs)[0][2]
