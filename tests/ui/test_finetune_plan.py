"""From a proposal and changes to the settings of a run."""

import dataclasses

import pytest

from app.training_plan import fingerprint, make_plan
from vit_core.models.config import VARIANTS
from vit_core.training.config import FIELDS
from vit_core.training.defaults import propose


@pytest.fixture(scope="module")
def proposal():
    return propose(checkpoint="x", model=VARIANTS["Ti/16"], num_train=200, num_test=50, num_classes=3, sisters=None)


@pytest.fixture
def planned(proposal):
    return lambda **edits: make_plan(proposal, edits, patch_size=16, num_train=200)


def test_without_changes_the_proposal_holds(planned, proposal):
    plan = planned()

    assert (plan.config, plan.changed, plan.errors) == (proposal.config, frozenset(), {})


def test_a_value_that_is_the_proposed_one_is_no_change(planned, proposal):
    assert planned(batch=proposal.config.batch).changed == frozenset()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", -1.0),
        ("learning_rate", 1e9),
        ("learning_rate", float("nan")),
        ("total_steps", 0),
        ("total_steps", 10**12),
        ("batch", 0),
        ("batch", 201),
        ("resolution", 0),
        ("resolution", 7),
        ("resolution", 225),
        ("resolution", 10_000),
        ("accum_steps", 3),
        ("label_smoothing", 1.5),
    ],
)
def test_an_impossible_value_is_said_at_its_field(planned, name, value):
    errors = planned(**{name: value}).errors

    assert list(errors) in ([name], ["batch"]), errors


def test_several_impossible_values_are_all_said(planned):
    assert set(planned(learning_rate=-1.0, resolution=7, seed=-1).errors) == {"learning_rate", "resolution", "seed"}


def test_a_sentence_calls_a_field_as_the_form_does(planned):
    assert planned(learning_rate=-1.0).errors["learning_rate"].startswith("Learning rate is -1")


def test_fewer_steps_bring_a_shorter_warm_up_along(planned, proposal):
    plan = planned(total_steps=10)

    assert plan.errors == {}
    assert plan.config.warmup_steps < 10
    assert plan.changed == {"total_steps"}


def test_a_warm_up_of_ones_own_is_kept_and_judged(planned):
    assert list(planned(total_steps=10, warmup_steps=20).errors) == ["warmup_steps"]


def test_the_same_request_has_the_same_fingerprint_and_another_one_another(proposal, drawn_dataset):
    config = proposal.config
    other_steps = dataclasses.replace(config, total_steps=config.total_steps + 1)
    fewer = drawn_dataset.without(frozenset({drawn_dataset.examples[0].name}))

    prints = [
        fingerprint(config, drawn_dataset),
        fingerprint(other_steps, drawn_dataset),
        fingerprint(config, fewer),
        fingerprint(config, drawn_dataset, "another name"),
    ]

    assert prints[0] == fingerprint(config, drawn_dataset)
    assert len(set(prints)) == 4


def test_another_resolution_than_the_only_one_is_an_error_that_names_it(proposal):
    plan = make_plan(proposal, {"resolution": 384}, patch_size=16, num_train=200, only_resolution=224)

    assert plan.errors == {
        "resolution": f"{FIELDS['resolution'].label} is 384, and an MLP-Mixer has one only; take 224."
    }
