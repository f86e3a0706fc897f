"""The state of a run, from what it says and from who owns it."""

import dataclasses

import pytest

from vit_core.runs.record import Progress
from vit_core.runs.states import Seen, derive
from vit_core.runs.status import Status

RUNNING = Status(state="running", attempt=1, progress=Progress(step=7, total_steps=10)).beating()
QUEUED = Status(state="queued", attempt=1).beating()
CASES = [
    (Status(), Seen(), "draft"),
    (Status(state="queued", attempt=1), Seen(), "draft"),
    (Status(state="queued", attempt=1), Seen(owned=True), "queued"),
    (QUEUED, Seen(owned=True, place=3), "queued"),
    (QUEUED, Seen(owned=True, place=3, stop_wanted=True), "stopping"),
    (QUEUED, Seen(), "interrupted"),
    (Status(state="queued", attempt=2), Seen(), "interrupted"),
    (QUEUED, Seen(stop_wanted=True), "stopped"),
    (RUNNING, Seen(owned=True), "running"),
    (RUNNING, Seen(owned=True, stop_wanted=True), "stopping"),
    (RUNNING, Seen(stop_wanted=True), "stopped"),
    (Status(state="done"), Seen(has_result=False), "failed"),
    (RUNNING, Seen(), "interrupted"),
    (Status(state="done"), Seen(), "done"),
    (Status(state="failed"), Seen(owned=True), "failed"),
    (Status(state="stopped"), Seen(stop_wanted=True), "stopped"),
]


@pytest.mark.parametrize(("status", "seen", "state"), CASES)
def test_the_state_of(status, seen, state):
    assert derive(status, seen)[0] == state


def test_the_place_in_the_queue_is_said():
    assert derive(QUEUED, Seen(owned=True, place=1))[1] == "It is next."
    assert derive(QUEUED, Seen(owned=True, place=3))[1] == "2 before it."


def test_a_run_without_a_sign_of_life_is_said_to_be_quiet():
    quiet = dataclasses.replace(RUNNING, beat_at=RUNNING.beat_at - 100)
    assert derive(quiet, Seen(owned=True))[1].startswith("No sign of life for ")


def test_signs_of_life_follow_the_steady_clock_of_this_start_of_the_machine():
    later = dataclasses.replace(RUNNING, beat_at=RUNNING.beat_at + 10_000)
    assert later.age_s() == 0.0
    assert dataclasses.replace(RUNNING, boot_id="another").age_s() is None
    assert Status().age_s() is None


def test_a_run_of_before_a_restart_of_the_machine_is_said_to_be_one():
    before = dataclasses.replace(RUNNING, boot_id="another start")
    assert derive(before, Seen())[1].startswith("The machine was restarted after step 7.")
    assert "killed" in derive(RUNNING, Seen())[1]
