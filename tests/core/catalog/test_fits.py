"""The filter that leaves what a machine has the memory for; who has room is told by the caller."""

import dataclasses

import numpy as np
import pytest

from vit_core.catalog.query import Filters, apply_filters, facet_counts

FITS = Filters(fits="classify")


@dataclasses.dataclass
class Small:
    """Room for the models that are named, and a record of what was asked."""

    names: tuple[str, ...]
    asked: list = dataclasses.field(default_factory=list)

    def holds(self, purpose: str, name: str, resolution: float, params: float) -> bool:
        self.asked.append((purpose, name, resolution))
        return name in self.names and resolution == 224


def test_it_is_off_at_first(frame):
    assert apply_filters(frame, Filters()).equals(frame)


def test_rows_of_models_that_have_no_room_are_left_out(frame):
    left = apply_filters(frame, FITS, room=Small(("B/16", "B/8")))
    assert left.equals(frame[frame["name"].isin(["B/16", "B/8"]) & (frame["adapt_resolution"] == 224)])


def test_each_model_and_resolution_is_asked_about_once(frame):
    room = Small(())
    apply_filters(frame, FITS, room=room)

    assert len(room.asked) == len(set(room.asked)) == len(frame[["name", "adapt_resolution"]].drop_duplicates())
    assert {purpose for purpose, _, _ in room.asked} == {"classify"}


def test_other_counts_are_of_what_has_room(frame):
    counts = facet_counts(frame, FITS, room=Small(("B/8",)))

    assert counts["names"]["B/8"] > 0
    assert counts["names"].drop("B/8").sum() == 0


def test_an_empty_table_stays_empty(frame):
    assert apply_filters(frame.head(0), FITS, room=Small(("B/8",))).empty


def test_a_row_without_a_resolution_is_asked_about_without_one(frame):
    table = frame.head(3).astype({"adapt_resolution": "float64"})
    table.loc[table.index[0], "adapt_resolution"] = np.nan
    room = Small(())

    apply_filters(table, FITS, room=room)

    assert sorted(np.isnan(resolution) for _, _, resolution in room.asked) == [False, True]


@pytest.mark.parametrize("purpose", ["classify", "fine-tune"])
def test_the_purpose_is_handed_on(frame, purpose):
    room = Small(())
    apply_filters(frame.head(10), Filters(fits=purpose), room=room)
    assert {asked for asked, _, _ in room.asked} == {purpose}
