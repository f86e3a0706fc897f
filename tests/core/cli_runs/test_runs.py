"""`runs`: what has become of runs, and what to do with them."""

import json
import shutil

import pytest


@pytest.fixture
def copied(finished, place):
    """A place of one's own with the finished run in it."""
    shutil.copytree(finished.runs, place.runs)
    return place


def test_there_are_no_runs_at_first(place):
    result = place.run("runs", "list")
    assert (result.returncode, result.stdout) == (0, "")
    assert "There are no runs yet" in result.stderr
    assert json.loads(place.run("runs", "list", "--format", "json").stdout) == []


def test_runs_are_listed(copied):
    table = copied.run("runs", "list").stdout
    assert "one" in table
    assert "300/300" in table
    assert json.loads(copied.run("runs", "list", "--format", "json").stdout)[-1]["run"] == "one"


def test_a_run_is_shown_with_its_report(copied):
    shown = copied.run("runs", "show", "one")
    assert shown.returncode == 0
    assert "one: done." in shown.stdout
    assert "Accuracy" in shown.stdout


def test_the_log_is_printed(copied):
    lines = copied.run("runs", "logs", "one", "--lines", "1").stdout.splitlines()
    assert len(lines) == 1
    assert "Done after step 300." in lines[0]


def test_a_run_is_deleted_only_when_that_is_meant(copied, assert_refused):
    assert_refused(copied.run("runs", "delete", "one"), "add --yes")
    assert copied.run("runs", "delete", "one", "--yes").returncode == 0
    assert not (copied.runs / "one").exists()


def test_what_does_not_fit_the_state_is_refused(copied, assert_refused):
    assert_refused(copied.run("runs", "stop", "one"), "does not run: it is done")
    assert_refused(copied.run("runs", "resume", "one"), "cannot be resumed: it is done")
    assert_refused(copied.run("runs", "show", "two"), "no run 'two'")
    assert_refused(copied.run("runs", "logs", "one", "--lines", "0"), "--lines is 0")


def test_the_folder_of_runs_is_named_by_a_flag(copied, tmp_path):
    result = copied.run("runs", "list", "--runs-dir", tmp_path / "other")
    assert "There are no runs yet" in result.stderr


def test_reconcile_says_what_it_found(copied):
    assert copied.run("runs", "reconcile").stdout == "All is in order.\n"
    (copied.runs / "one" / "status.json").unlink()
    assert "one: unreadable. status.json is missing." in copied.run("runs", "reconcile").stdout
