"""Estimates as JSON and back."""

import json

import pytest

from vit_core.errors import BadRun
from vit_core.training.estimates import Cost, QuickLook

LOOK = QuickLook(0.5, (0.25, 0.75), 12, 3.5, ((1, 0.25), (10, 0.5)), "CPU")
COST = Cost(100.0, 0.5, 4.0, 2.0, 32.0, 10**9, 10**8, 2, "CPU")


@pytest.mark.parametrize("estimate", [LOOK, COST])
def test_an_estimate_survives_json(estimate):
    assert type(estimate).from_plain(json.loads(json.dumps(estimate.to_plain()))) == estimate


def test_what_is_missing_is_named_with_the_file():
    plain = LOOK.to_plain()
    del plain["curve"]
    with pytest.raises(BadRun, match=r"'probe\.json' lacks what belongs there: 'curve'"):
        QuickLook.from_plain(plain, where="probe.json")
