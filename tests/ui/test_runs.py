"""Runs: the list, the page of one run, and a finished run as a checkpoint."""

import dataclasses
import json

import numpy as np
import pytest

from app import resources
from app.components.checkpoint_in_hand import choose, here_already, run_in_hand
from app.components.run_samples import samples_for
from vit_core.catalog.index import load_demo
from vit_core.errors import BadRun, UnknownName
from vit_core.export.bundle import zip_result
from vit_core.export.result import write_result
from vit_core.models.config import ModelConfig
from vit_core.models.initialise import init_params
from vit_core.runs.files import RunFiles
from vit_core.runs.library import Runs
from vit_core.runs.record import Progress
from vit_core.runs.status import Status, read_status, write_status
from vit_core.training.config import TrainConfig
from vit_core.training.estimates import QuickLook
from vit_core.training.report import Effort, make_report

CHECKPOINT = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"
CONFIG = TrainConfig(checkpoint=CHECKPOINT, resolution=32, total_steps=60, batch=8, learning_rate=0.03, warmup_steps=5)
LOOK = QuickLook(0.75, (0.47, 0.91), 12, 1.0, ((0, 0.3), (30, 0.75)), "CPU")
MODEL = ModelConfig(patch_size=8, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=3, resolution=32)


class IdleEngine:
    """Starts nothing: the tests of the pages say by themselves what a run has done."""

    def start(self, folder):
        pass

    def stop(self, folder, grace_s):
        pass

    def poll(self, folder):
        return "gone"


@pytest.fixture
def make_run(drawn_dataset):
    """Give a function that makes the folder of a run as its process would leave it."""

    def make(name, *, state="stopped", step=30, reason="", note="", dataset=drawn_dataset, **changes):
        runs = Runs(resources.settings(), engine=IdleEngine())
        config = dataclasses.replace(CONFIG, **changes)
        files = RunFiles(runs.submit(config, dataset, name=name, note=note, quick_look=LOOK).folder)
        rows = [
            {"step": each, "seconds": each / 4, "loss": 1 / each, "learning_rate": 0.1} for each in range(1, step + 1)
        ]
        rows[-1] |= {"test_accuracy": 0.75, "test_loss": 0.6}
        files.metrics.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        files.log.write_text("It began.\n")
        progress = Progress(step, 60, None, 200.0, 0.75, 0.75, 10**9)
        write_status(files, Status(state=state, attempt=1, reason=reason, device="CPU", progress=progress))
        if state == "done":
            finish(files.folder, config, dataset)
        resources.all_runs.clear()

    return make


def finish(folder, config, dataset):
    """Write a result in which one disc of twelve pictures was taken for a bar."""
    test = dataset.of("test")
    logits = np.eye(3)[[example.label for example in test]] * 4
    wrong = next(place for place, example in enumerate(test) if example.label == 1)
    logits[wrong] = [3.0, 1.0, 0.0]
    effort = Effort(steps=60, best_step=60, seconds=12.0, device="CPU", images_per_second=200.0)
    report = make_report(dataset, logits, effort=effort)
    write_result(folder, model=MODEL, params=init_params(MODEL, seed=0), config=config, dataset=dataset, report=report)


def buttons(page):
    return [button.label for button in page.button]


def html(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def test_without_runs_the_page_leads_to_fine_tune(open_page, texts):
    page = open_page("runs")

    assert "Nothing has been taught yet" in texts(page)
    assert any("finetune" in link.proto.page for link in page.get("page_link"))


def test_the_list_says_state_progress_accuracy_and_note(open_page, make_run, texts):
    make_run("pets", note="[a](http://evil) try")

    page = open_page("runs")

    assert "stopped" in texts(page)
    assert "step 30 of 60" in html(page)
    assert "75.0 %" in html(page)
    assert "“[a](http://evil) try”" in html(page)


def test_a_run_that_cannot_be_read_is_listed_with_the_reason(open_page, make_run, tmp_path):
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


def test_a_stopped_run_can_be_resumed_repeated_and_deleted(open_page, make_run):
    make_run("pets")

    page = open_page("runs", run="pets")

    assert {"Resume", "Repeat with changes", "Delete…"} <= set(buttons(page))
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


def test_a_refused_action_keeps_its_reason_on_the_page(open_page, make_run):
    make_run("pets")
    page = open_page("runs", run="pets")
    files = RunFiles(resources.runs().get("pets").folder)
    write_status(files, dataclasses.replace(read_status(files), state="done"))

    next(button for button in page.button if button.label == "Resume").click().run()

    assert "cannot be resumed" in page.error[0].value


def test_a_note_is_kept(open_page, make_run):
    make_run("pets")
    page = open_page("runs", run="pets")

    page.text_input(key="note of pets").set_value("rate too high?").run()

    assert resources.runs().get("pets").note == "rate too high?"


def test_deleting_asks_first(open_page, make_run):
    make_run("pets")
    page = open_page("runs", run="pets")

    next(button for button in page.button if button.label == "Delete…").click().run()

    assert {"Delete it", "Keep it"} <= set(buttons(page))
    assert resources.runs().get("pets")


def test_two_runs_are_compared_by_what_differs(open_page, make_run):
    make_run("pets")
    make_run("pets-slow", learning_rate=0.001)

    page = open_page("runs", run="pets-slow", against="pets")

    assert "<td>0.001</td><td>0.03</td>" in html(page)
    assert "Batch" not in html(page).split("Differs in")[1].split("</table>")[0]


def test_a_finished_run_says_accuracy_interval_and_what_guessing_would_give(open_page, make_run, texts):
    make_run("pets", state="done")

    page = open_page("runs", run="pets")

    assert "91.7 %" in html(page)
    assert "always the most frequent class" in html(page)
    assert "12 test pictures that it had not learned from" in texts(page)


def test_the_most_frequent_mistake_is_open(open_page, make_run, texts):
    make_run("pets", state="done")

    page = open_page("runs", run="pets")

    assert "1 test picture of disc answered as bar." in texts(page).replace("\\", "")
    assert "is disc" in html(page)


def test_two_boxes_open_another_cell(open_page, make_run, texts):
    make_run("pets", state="done")
    page = open_page("runs", run="pets")

    page.selectbox(key="true class pets").set_value(2)
    page.selectbox(key="answered with pets").set_value(2).run()

    assert "4 test pictures of frame answered rightly." in texts(page).replace("\\", "")


def test_pictures_that_are_gone_are_said_to_be_gone(open_page, make_run, drawn_dataset, tmp_path):
    make_run("pets", state="done", dataset=dataclasses.replace(drawn_dataset, root=tmp_path / "gone"))

    page = open_page("runs", run="pets")

    assert "is no longer there" in html(page)


def test_names_of_classes_are_shown_letter_by_letter(open_page, make_run, drawn_dataset, texts):
    evil = dataclasses.replace(drawn_dataset, name="<b>x</b>", classes=("[a](b)", "<img src=x>", "$x$ **c**"))
    make_run("pets", state="done", dataset=evil)

    page = open_page("runs", run="pets")

    assert "<img src=x>" not in html(page)
    assert "&lt;img src=x&gt;" in html(page)
    assert "[a](b)" not in texts(page)


def test_a_finished_run_is_a_checkpoint_with_its_classes(make_run):
    make_run("pets", state="done")
    demo = load_demo().frame

    hand, refusal = choose("run:pets", [demo], demo)

    assert refusal is None
    assert hand.knows == "only bar, disc, frame"
    assert resources.checkpoint_path(hand.name) == resources.settings().runs_dir / "pets" / "result" / "model.npz"
    assert hand.name in {each.name for each in here_already([demo], demo)}


def test_its_own_test_pictures_are_there_to_try(make_run):
    make_run("pets", state="done")

    assert [sample.label for sample in samples_for(run_in_hand("run:pets"))] == ["bar", "disc", "frame"]


def test_a_run_under_way_is_no_checkpoint_yet(make_run):
    make_run("pets")

    with pytest.raises(BadRun, match="is not done"):
        run_in_hand("run:pets")


def test_a_run_that_is_not_there_is_no_checkpoint():
    with pytest.raises(UnknownName):
        run_in_hand("run:nothing")


def test_classify_takes_a_finished_run(open_page, make_run, texts):
    make_run("pets", state="done")

    page = open_page("classify", checkpoint="run:pets")

    assert "only bar, disc, frame" in texts(page).replace("\\", "")
    assert page.query_params["checkpoint"] == "run:pets"


def test_explore_lists_finished_runs_only(open_page, make_run, texts):
    make_run("pets", state="done")
    make_run("cars")

    page = open_page("explore", tab="runs")

    assert "1 finished run" in texts(page)
    assert "classify with run pets" in {button.key for button in page.button}
    assert "classify with run cars" not in {button.key for button in page.button}


def test_the_checkpoint_in_hand_survives_explore_and_compare(open_page, make_run):
    make_run("pets", state="done")

    assert open_page("explore", checkpoint="run:pets").query_params["checkpoint"] == "run:pets"


def test_compare_puts_a_run_beside_a_published_file(open_page, make_run, texts):
    make_run("pets", state="done")

    page = open_page("compare", compare=f"run:pets,{CHECKPOINT}", catalogue="demo")

    assert "Your run pets" in html(page)


def test_the_zip_holds_every_file_of_the_result(make_run, tmp_path):
    make_run("pets", state="done")

    zip_result(resources.runs().get("pets").folder, tmp_path / "pets.zip")

    assert (tmp_path / "pets.zip").stat().st_size > 1000
