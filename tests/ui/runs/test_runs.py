"""Runs: the list, and the page of a run under way."""

import dataclasses

import pytest

from app import resources
from vit_core.runs.files import RunFiles
from vit_core.runs.status import read_status, write_status

CHECKPOINT = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"


def test_without_runs_the_page_leads_to_fine_tune(open_page, texts):
    page = open_page("runs")

    assert "Nothing has been taught yet" in texts(page)
    assert any("finetune" in link.proto.page for link in page.get("page_link"))


def test_the_list_says_state_progress_accuracy_and_note(open_page, make_run, texts, html):
    make_run("pets", note="[a](http://evil) try")

    page = open_page("runs")

    assert "stopped" in texts(page)
    assert "step 30 of 60" in html(page)
    assert "75.0 %" in html(page)
    assert "“[a](http://evil) try”" in html(page)


def test_a_run_that_cannot_be_read_is_listed_with_the_reason(open_page, make_run, tmp_path, html):
    make_run("pets")
    (tmp_path / "runs" / "pets" / "config.json").write_text("{")

    page = open_page("runs")

    assert "config.json is broken" in html(page)


def test_a_run_that_is_not_there_shows_all_runs_and_says_so(open_page, make_run, texts):
    make_run("pets")

    page = open_page("runs", run="pest")

    assert "Did you mean 'pets'" in texts(page).replace("\\", "")
    assert "run" not in page.query_params


@pytest.mark.parametrize("state", ["stopped", "done"])
def test_a_run_that_was_deleted_elsewhere_is_said_to_be_gone(open_page, make_run, texts, state):
    make_run("pets", state=state)
    page = open_page("runs", run="pets")
    resources.runs().delete("pets")

    page.run()

    assert "The run pets is gone" in texts(page)
    assert page.title[0].value == "Runs"
    assert not page.error


def test_a_name_that_no_run_can_have_is_noted(open_page, texts):
    page = open_page("runs", run="../../etc")

    assert "must be made of a to z" in texts(page).replace("\\", "")


def test_a_click_opens_a_run_and_its_link_holds_the_name(open_page, make_run):
    make_run("pets")
    page = open_page("runs")

    page.button(key="open-run-pets").click().run()

    assert page.title[0].value == "pets"
    assert page.query_params["run"] == "pets"


def test_a_stopped_run_can_be_resumed_repeated_and_deleted(open_page, make_run, buttons, links):
    make_run("pets")

    page = open_page("runs", run="pets")

    assert {"Resume", "Delete…"} <= set(buttons(page))
    assert "Repeat with changes" in links(page)
    assert "Stop" not in buttons(page)


def test_why_a_run_failed_is_said(open_page, make_run, texts):
    make_run("pets", state="failed", reason="The loss is no longer a number.")

    page = open_page("runs", run="pets")

    assert page.error[0].value.replace("\\", "") == "The loss is no longer a number."


def test_the_curves_are_there_with_band_and_quick_look(open_page, make_run, texts):
    make_run("pets")

    page = open_page("runs", run="pets")

    assert len(page.get("plotly_chart")) == 3
    assert "published fine-tunes of this checkpoint reached on digits, another task" in texts(page).replace("\\", "")
    assert "quick look" in texts(page)


def test_a_refused_action_keeps_its_reason_on_the_page(open_page, make_run, finish_run, drawn_dataset):
    make_run("pets")
    page = open_page("runs", run="pets")
    files = RunFiles(resources.runs().get("pets").folder)
    finish_run(files.folder, resources.runs().get("pets").config, drawn_dataset)
    write_status(files, dataclasses.replace(read_status(files), state="done"))

    next(button for button in page.button if button.label == "Resume").click().run()

    assert "cannot be resumed" in page.error[0].value


def test_a_note_is_kept(open_page, make_run):
    make_run("pets")
    page = open_page("runs", run="pets")

    page.text_input(key="note of pets").set_value("rate too high?").run()

    assert resources.runs().get("pets").note == "rate too high?"


def test_deleting_asks_first(open_page, make_run, buttons):
    make_run("pets")
    page = open_page("runs", run="pets")

    next(button for button in page.button if button.label == "Delete…").click().run()

    assert {"Delete it", "Keep it"} <= set(buttons(page))
    assert resources.runs().get("pets")


def test_two_runs_are_compared_by_what_differs(open_page, make_run, html):
    make_run("pets")
    make_run("pets-slow", learning_rate=0.001)

    page = open_page("runs", run="pets-slow", against="pets")

    assert "<td>0.001</td><td>0.03</td>" in html(page)
    assert "Batch" not in html(page).split("Differs in")[1].split("</table>")[0]


def test_a_stopped_run_says_from_where_it_goes_on(open_page, make_run, texts):
    make_run("pets", reason="It was asked to stop.")

    page = open_page("runs", run="pets")

    assert "No saved state can be used: resume begins again from the start" in texts(page).replace("\\", "")


def test_a_finished_run_is_listed_with_its_steps_and_how_long_they_took(open_page, make_run, html):
    make_run("pets", state="done", step=60)

    page = open_page("runs")

    assert "60 steps, in 15 s" in html(page)
    assert "of 60" not in html(page)
