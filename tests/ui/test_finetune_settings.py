"""The Fine-tune page: settings and cost for a demo checkpoint, and what a link to a run brings; nothing is trained."""

import json

import pytest
from finetune_page import button, html, id_of, labels, number

from app import resources
from app.components.training_settings import _why
from app.training_plan import make_plan
from vit_core.datasets.saving import load_dataset
from vit_core.models.config import VARIANTS
from vit_core.runs.estimate import EstimateState
from vit_core.training.config import TrainConfig
from vit_core.training.defaults import propose
from vit_core.training.estimates import Cost

TINY = "N_8-glyphs-16ep-lr_0.003-aug_light1-wd_0.1-do_0.0-sd_0.0"
REAL = "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"


def test_settings_are_proposed_with_reasons(prepared, texts):
    page = prepared()

    assert number(page, "Steps").value >= 1
    assert number(page, "Learning rate").value > 0
    assert "learning rate" not in "".join(each.value for each in page.error)
    assert "published" in texts(page)
    assert not button(page, "Start").disabled


@pytest.mark.parametrize(
    ("label", "value"), [("Learning rate", -1.0), ("Steps", 0), ("Batch (images)", 5000), ("Resolution (px)", 33)]
)
def test_an_impossible_setting_is_said_and_nothing_can_start(prepared, label, value):
    page = prepared(checkpoint=TINY)

    page = number(page, label).set_value(value).run()

    assert label in page.error[0].value.replace("\\", "")
    assert button(page, "Start").disabled


def advanced(page):
    return next(each for each in page.expander if each.label.startswith("Advanced"))


def test_an_impossible_advanced_setting_stays_in_sight_in_the_same_open_fold(prepared, texts):
    page = prepared(checkpoint=TINY)
    page.session_state["settings advanced"] = True
    page = page.run()
    before = advanced(page).proto.id

    page = number(page, "Label smoothing").set_value(1.5).run()

    assert (advanced(page).label, advanced(page).proto.id) == ("Advanced settings", before)
    assert before
    assert number(page, "Label smoothing").value == 1.5
    assert "Cannot be: Label smoothing" in texts(page)


def test_a_fold_with_an_impossible_setting_of_another_run_is_open(open_page, drafted):
    page = open_page("finetune", run=drafted(label_smoothing=0.1))
    page.session_state["settings advanced"] = True
    page = number(page.run(), "Label smoothing").set_value(1.5).run()
    page.session_state["settings advanced"] = False

    page = page.run()

    assert page.session_state["settings advanced"]
    assert number(page, "Label smoothing").value == 1.5


def test_the_proposal_comes_back_with_one_click(prepared, texts):
    page = prepared()
    before = number(page, "Steps").value

    page = number(page, "Steps").set_value(before + 5).run()
    changed = texts(page)
    page = button(page, "Reset to the proposal").click().run()

    assert f"**Proposed: {before} steps of " in changed
    assert number(page, "Steps").value == before
    assert "Proposed:" not in texts(page)


@pytest.fixture
def drawn_plan():
    """Give a function that plans a run on 30 images with changes of the settings."""
    model = VARIANTS["Ti/16"]
    proposal = propose(checkpoint="x", model=model, num_train=30, num_test=9, num_classes=3, sisters=None)
    return lambda **edits: make_plan(proposal, edits, patch_size=16, num_train=30)


def test_a_reason_beside_another_value_names_the_value_it_is_about(prepared, texts):
    page = prepared(checkpoint=TINY)
    rate = number(page, "Learning rate").value

    page = number(page, "Learning rate").set_value(rate / 2).run()

    assert f"**Proposed: {rate:g}.**" in texts(page).replace("\\", "")


@pytest.mark.parametrize(
    ("steps", "batch", "words"), [(30, 10, "about 10 times"), (3, 10, "about once"), (1, 4, "less than once")]
)
def test_steps_of_ones_own_say_how_often_an_image_is_seen(drawn_plan, steps, batch, words):
    assert f"each image is seen {words}." in _why(drawn_plan(total_steps=steps, batch=batch), "total_steps")


def test_another_checkpoint_of_a_link_is_started_from(prepared, texts):
    page = prepared(checkpoint=TINY)

    assert TINY in texts(page)
    assert "the best on this machine" not in texts(page)


def test_a_checkpoint_that_is_not_here_is_offered_for_download_and_nothing_can_start(prepared, texts):
    page = prepared(checkpoint=REAL)

    assert any(label.startswith("Download") for label in labels(page))
    assert button(page, "Start").disabled
    assert number(page, "Steps").value >= 1


def test_training_the_head_alone_is_proposed_with_its_own_settings(prepared):
    page = prepared(checkpoint=TINY)
    before = number(page, "Learning rate").value

    page = page.selectbox(key="setting trainable").set_value("head").run()

    assert number(page, "Learning rate").value > before
    assert not page.error


def test_what_a_run_would_learn_is_written_for_its_process(prepared):
    page = prepared()
    chosen = resources.settings().runs_dir / ".data" / id_of(page) / "chosen.json"

    assert json.loads(chosen.read_text())["classes"] == ["bar", "disc", "frame"]


COST = Cost(
    seconds=100.0,
    seconds_per_step=1.0,
    compile_seconds=5.0,
    evaluation_seconds=1.0,
    images_per_second=8.0,
    memory_bytes=10**6,
    disk_bytes=10**6,
    accum_steps=1,
    device="CPU",
)


class Measured:
    """A measurement that has its answer at once."""

    @staticmethod
    def start(*_):
        """Give itself."""
        return Measured()

    def state(self):
        """Give the answer."""
        return EstimateState(cost=COST, finished=True)

    def cancel(self):
        """Leave it."""


@pytest.fixture
def measured(prepared, monkeypatch):
    """The page with ten steps measured, which took 100 s."""
    monkeypatch.setattr("app.training_desk.Estimate", Measured)
    page = number(prepared(checkpoint=TINY), "Steps").set_value(10).run()
    return button(page, "Measure").click().run()


def test_the_time_follows_the_steps_without_another_measurement(measured, texts):
    before = html(measured)

    page = number(measured, "Steps").set_value(310).run()

    assert "about 2 min" in before
    assert "about 7 min" in html(page)
    assert "Measured for 10 steps; the time is counted for 310" in texts(page)
    assert "You may start without it" not in texts(page)


def test_a_cost_of_other_settings_is_not_shown_as_if_it_held(measured, texts):
    page = number(measured, "Batch (images)").set_value(2).run()

    assert "<dt>time</dt>" not in html(page)
    assert "Measured for other settings" in texts(page)
    assert "You may start without it" in texts(page)
    assert "Measure" in labels(page)


@pytest.fixture
def drafted(drawn_dataset, runs_without_engine):
    """Give a function that makes a run which has not started, with changes of the settings, and gives its name."""

    def make(dataset=None, **changes):
        config = TrainConfig(
            checkpoint=TINY, resolution=32, total_steps=77, batch=8, learning_rate=0.01, warmup_steps=3, **changes
        )
        return runs_without_engine().submit(config, dataset or drawn_dataset, name="shapes-1").name

    return make


def test_a_link_to_a_run_brings_its_pictures_its_checkpoint_and_its_settings(open_page, drafted, texts):
    page = open_page("finetune", run=drafted(label_smoothing=0.1))

    assert "36 pictures of 3 classes" in texts(page)
    assert TINY in texts(page)
    assert (number(page, "Steps").value, number(page, "Batch (images)").value) == (77, 8)
    assert "changed by you" in texts(page)
    assert page.text_input(key="run name").placeholder != "shapes-1"


def test_a_link_to_a_run_stays_as_it_is_so_that_the_way_back_leads_back(open_page, drafted):
    page = open_page("finetune", run=drafted(label_smoothing=0.1))

    assert page.run().query_params == {"run": "shapes-1"}


def test_a_link_to_a_run_that_is_not_there_is_said(open_page, texts):
    page = open_page("finetune", run="nothing")

    assert "nothing" in page.error[0].value
    assert "One folder per class" in texts(page)


def test_pictures_that_a_run_still_needs_are_not_deleted(prepared, drafted, texts):
    page = prepared()
    folder = resources.settings().runs_dir / ".data" / id_of(page)
    drafted(load_dataset(folder / "chosen.json"))

    page = button(page, "Delete now").click().run()

    assert folder.is_dir()
    assert "still needs these pictures" in page.error[0].value


@pytest.mark.parametrize(
    ("typed", "name"), [("../../etc", "etc"), ("a;rm -rf", "a-rm-rf"), ("$(id)", "id"), ("Shapes 1", "shapes-1")]
)
def test_of_an_impossible_name_a_valid_one_is_made_and_said_before_the_start(prepared, texts, typed, name):
    page = prepared(checkpoint=TINY)

    page = page.text_input(key="run name").set_value(typed).run()

    assert f"It will be called {name}:" in texts(page).replace("\\", "")
    assert resources.runs().all() == ()
