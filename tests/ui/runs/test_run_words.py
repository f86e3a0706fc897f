"""A run in words, and its curves as figures."""

import dataclasses
from pathlib import Path

import pytest

from app.components.run_charts import MOST_POINTS, Curves, View, accuracy_chart, learning_rate_chart, loss_chart
from app.components.run_confusion import MOST_CLASSES, Cell, confusion_chart, first_cell, shown_classes
from app.components.run_head import task_words
from app.components.run_pictures import verdict
from app.components.run_result import summary_words
from app.components.run_settings import changes
from app.components.run_sisters import Band, bands
from app.components.run_source import source_words
from app.components.run_words import (
    LOOKS,
    accuracy_words,
    data_words,
    progress_facts,
    progress_html,
    silence_words,
    since_words,
    state_words,
)
from vit_core.catalog.index import load_catalogue, load_demo
from vit_core.runs.record import Progress, RunRecord
from vit_core.settings import Settings
from vit_core.training.config import TrainConfig
from vit_core.training.estimates import QuickLook
from vit_core.training.report import Answered, Report

CONFIG = TrainConfig(
    checkpoint="B_16", resolution=32, total_steps=60, batch=8, learning_rate=0.03, warmup_steps=5, seed=1234
)
RUN = RunRecord(
    "pets", Path("pets"), "running", config=CONFIG, progress=Progress(15, 60, 41.0, 210.0, 0.5, 0.75, 10**9)
)
ROWS = [
    {"step": step, "seconds": step / 2, "loss": 2 / step, "learning_rate": 0.1, "accuracy": 0.5}
    for step in range(1, 61)
]
ROWS[29] |= {"test_accuracy": 0.75, "test_loss": 0.6}
BAND = Band("pets", "Pets", 0.9, 0.95, 6, 37)
LOOK = QuickLook(0.8, (0.7, 0.9), 24, 3.0, ((0, 0.1), (40, 0.8), (400, 0.8)), "CPU")
REPORT = Report(
    accuracy=0.75,
    interval=(0.47, 0.91),
    num_test=12,
    loss=0.7,
    majority=0.5,
    classes=(),
    confusion=(),
    answered=(),
    steps=60,
    best_step=60,
    seconds=12.0,
    device="CPU",
    images_per_second=200.0,
)


def trace(figure, name):
    return next(each for each in figure.data if each.name and each.name.startswith(name))


def test_a_running_run_says_steps_time_left_and_speed():
    assert progress_facts(RUN) == ["step 15 of 60", "about 41 s left", "210 img/s"]


def test_time_left_that_nobody_knows_yet_is_said():
    fresh = dataclasses.replace(RUN, progress=Progress(0, 60))

    assert progress_facts(fresh) == ["step 0 of 60", "time left not known yet"]


def test_a_resumed_run_says_that_it_starts_again_until_its_first_step():
    again = dataclasses.replace(RUN, attempt=2, begins_at=12, progress=Progress(12, 60, None, None, 0.5, 0.75))
    on = dataclasses.replace(again, progress=Progress(13, 60, None, None, 0.5, 0.75))

    assert progress_facts(again) == ["starting again from step 12 of 60"]
    assert progress_facts(dataclasses.replace(again, begins_at=0, progress=Progress(0, 60))) == [
        "starting again from the start"
    ]
    assert progress_facts(on) == ["step 13 of 60", "time left not known yet"]


def test_a_waiting_run_has_not_begun():
    waiting = dataclasses.replace(RUN, state="queued", attempt=1, created=100.0, waits_since=1000.0, place=2)

    assert since_words(waiting, 1041.0) == "waiting for 41 s"
    assert progress_facts(waiting) == ["60 steps"]
    assert progress_facts(dataclasses.replace(waiting, attempt=2, begins_at=12)) == ["goes on from step 12 of 60"]


def test_a_run_began_when_it_got_its_turn():
    assert since_words(dataclasses.replace(RUN, created=100.0, begun=1000.0), 1041.0) == "begun 41 s ago"
    assert since_words(dataclasses.replace(RUN, state="draft", created=1000.0), 1041.0) == "made 41 s ago"


def test_a_run_that_ended_early_says_how_many_steps_it_took():
    done = dataclasses.replace(RUN, state="done", seconds=24.0)

    assert progress_facts(done) == ["15 of 60 steps, in 24 s"]
    assert progress_facts(dataclasses.replace(done, progress=Progress(1, 1))) == ["1 step, in 24 s"]


def test_one_class_is_said_in_the_singular():
    assert task_words(dataclasses.replace(RUN, num_classes=1), ("cat",)) == "Knows 1 class: cat"
    assert task_words(dataclasses.replace(RUN, num_classes=1, dataset_name="Pets"), ()) == "Learns 1 class of Pets"


def test_a_checkpoint_is_named_by_its_model_and_what_it_was_trained_on(tmp_path):
    tables = [load_catalogue(Settings(cache_dir=tmp_path), network=False).frame]
    name = "B_16-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"

    assert source_words(name, tables) == "B/16 pre-trained on ImageNet-21k"
    assert source_words(f"{name}--cifar100-steps_10k-lr_0.01-res_224", tables).endswith(", fine-tuned on CIFAR-100")
    assert source_words("run:pets", tables) == "your run pets"
    assert source_words("/home/me/model.npz", tables) == "the file model.npz"
    assert source_words("somebody's model", tables) == "somebody's model"


def test_long_names_beside_the_matrix_keep_their_ends_and_a_cell_gives_the_whole():
    names = ["a rather long name of a class, left", "a rather long name of a class, right"]

    figure = confusion_chart([[3, 0], [2, 5]], names, [0, 1], theme="light")

    assert list(figure.layout.yaxis.ticktext) == ["a rather lo…lass, left", "a rather lo…ass, right"]
    assert names[1] in figure.data[0].hovertext[0][1]  # of an empty cell, too
    assert names[1] in figure.data[1].hovertext[1]


def test_names_on_charts_are_no_formulas():
    figure = accuracy_chart([Curves("a", ROWS), Curves("$x$ <b>y</b>", ROWS)], View(), band=None, quick_look=None)

    assert {each.name for each in figure.data if "y" in each.name} == {
        "while learning, &#36;x&#36; &lt;b&gt;y&lt;/b&gt;",
        "test, &#36;x&#36; &lt;b&gt;y&lt;/b&gt;",
    }


def test_the_best_accuracy_so_far_counts():
    assert accuracy_words(RUN) == "75.0 %"
    assert accuracy_words(dataclasses.replace(RUN, progress=Progress())) == ""


@pytest.mark.parametrize("state", LOOKS)
def test_each_state_has_a_word_an_icon_and_a_meaning(state):
    look = LOOKS[state]

    assert state_words(dataclasses.replace(RUN, state=state)).startswith(look.word)
    assert look.icon
    assert look.meaning.endswith(".")


def test_a_short_silence_is_no_news():
    assert silence_words(dataclasses.replace(RUN, heartbeat_age_s=5.0)) == ""
    assert silence_words(dataclasses.replace(RUN, heartbeat_age_s=None)) == ""


def test_the_end_of_a_run_is_no_silence():
    assert silence_words(dataclasses.replace(RUN, state="done", heartbeat_age_s=400.0)) == ""


def test_a_bar_tells_its_value_to_screen_readers():
    assert 'aria-valuenow="25"' in progress_html(RUN)


def test_only_changed_settings_are_compared():
    other = dataclasses.replace(RUN, name="b", config=dataclasses.replace(CONFIG, learning_rate=0.1, mirror=False))

    assert changes([RUN, other]) == [("Learning rate", ("0.03", "0.1")), ("Mirror", ("yes", "no"))]


def test_equal_runs_differ_in_nothing():
    assert changes([RUN, RUN]) == []


def test_the_accuracy_chart_holds_tests_band_and_quick_look():
    figure = accuracy_chart([Curves("pets", ROWS)], View(last_step=60), band=BAND, quick_look=LOOK)

    assert list(trace(figure, "test").x) == [30]
    assert list(trace(figure, "test").y) == [75]
    assert (min(trace(figure, "another task").y), max(trace(figure, "another task").y)) == (90, 95)
    assert list(trace(figure, "quick look").x) == [0, 40, 60]


def test_the_accuracy_axis_goes_from_0_to_100_and_cuts_no_point():
    figure = accuracy_chart([Curves("pets", ROWS)], View(last_step=60), band=BAND, quick_look=LOOK)

    assert figure.layout.yaxis.range == (0, 100)
    assert {each.cliponaxis for each in figure.data} == {False}


def test_along_time_the_quick_look_is_a_level():
    figure = accuracy_chart([Curves("pets", ROWS)], View(axis="seconds"), band=None, quick_look=LOOK)

    assert list(trace(figure, "quick look").y) == [80, 80]
    assert list(trace(figure, "test").x) == [15]


def test_the_step_axis_shows_the_whole_run_from_the_first_step_on():
    figure = loss_chart([Curves("pets", ROWS[:3])], View(last_step=60))

    assert tuple(figure.layout.xaxis.range) == (0, 60)


def test_without_smoothing_every_value_is_drawn():
    figure = loss_chart([Curves("pets", ROWS)], View(smoothing=0.0))

    assert trace(figure, "while learning").y[0] == 2.0


def test_a_long_run_is_thinned_and_keeps_its_last_value():
    rows = [{"step": step, "loss": 1.0} for step in range(100_000)]

    drawn = trace(loss_chart([Curves("pets", rows)], View()), "while learning").x

    assert len(drawn) <= MOST_POINTS
    assert drawn[-1] == 99_999


def test_two_runs_are_told_apart_by_name_and_dash():
    figure = learning_rate_chart([Curves("a", ROWS), Curves("b", ROWS)], View())

    assert [(each.name, each.line.dash) for each in figure.data] == [("a", "solid"), ("b", "dash")]


def test_names_of_runs_and_classes_are_no_markup():
    figure = confusion_chart([[1]], ['<a href="x">y</a>'], [0], theme="light")

    assert "<a" not in figure.layout.xaxis.ticktext[0]
    assert "<a" not in figure.data[1].hovertext[0]


def test_names_in_the_matrix_are_written_as_the_person_wrote_them():
    figure = confusion_chart([[1]], ['"Rex" & Bo\'s'], [0], theme="light")

    assert figure.layout.xaxis.ticktext[0] == '"Rex" &amp; Bo\'s'
    assert '"Rex" &amp; Bo\'s' in figure.data[1].hovertext[0]


def test_numbers_keep_their_colour_when_another_cell_is_chosen():
    figure = confusion_chart([[3, 1], [2, 5]], ["cat", "dog"], [0, 1], theme="light")

    assert [list(trace.text) for trace in figure.data[2:]] == [["1", "2"], ["3", "5"]]
    assert all(trace.unselected.textfont.color == trace.textfont.color for trace in figure.data[2:])


def test_clicks_are_taken_by_cells_that_have_pictures():
    figure = confusion_chart([[3, 0], [2, 5]], ["cat", "dog"], [0, 1], theme="dark")

    assert [list(cell) for cell in figure.data[1].customdata] == [[0, 0], [1, 0], [1, 1]]


def test_the_most_frequent_mistake_is_shown_first():
    assert first_cell([[3, 1, 0], [0, 5, 2], [0, 0, 9]]) == Cell(1, 2)
    assert first_cell([[3, 0], [0, 5]]) == Cell(0, 0)


def test_of_many_classes_those_with_the_most_mistakes_are_drawn():
    confusion = [[5 if row == column else 0 for column in range(50)] for row in range(50)]
    confusion[48][49] = 3

    drawn = shown_classes(confusion)

    assert len(drawn) == MOST_CLASSES
    assert drawn[-2:] == [48, 49]


def test_a_verdict_names_answer_and_truth():
    assert verdict(Answered("a", "a", 0, 0, 0.9, 0.9), ("cat", "dog")) == "rightly said cat, 90.0 %"


def test_a_result_no_better_than_guessing_is_said_to_be_so():
    assert "not certain" in summary_words(REPORT)
    assert "not certain" not in summary_words(dataclasses.replace(REPORT, majority=0.3))


def test_few_test_pictures_are_said_to_be_few():
    assert "more test pictures" in summary_words(REPORT)


def test_one_class_and_one_image_are_said_in_the_singular():
    one = dataclasses.replace(RUN, dataset_name="", num_classes=1, num_train=1, num_test=2)

    assert data_words(one) == "1 class, 1 image to learn from, 2 to test on"


def test_the_step_of_the_best_model_is_said_where_it_is_not_the_last():
    assert "the one after step 40, where the test was best." in summary_words(dataclasses.replace(REPORT, best_step=40))


def test_sisters_give_a_band_per_data_set_the_nearest_first(tmp_path):
    frame = load_catalogue(Settings(cache_dir=tmp_path), network=False).frame
    checkpoint = "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"

    own = frame["filename"] == checkpoint
    known = frame[own].assign(adapt_final_val=[0.7 + 0.001 * place for place in range(own.sum())])
    pets = known[known["adapt_ds"] == "oxford_iiit_pet"]["adapt_final_val"]

    found = bands([known.assign(adapt_final_test=float("nan"))], checkpoint, num_classes=40)

    assert [band.dataset for band in found][:2] == ["oxford_iiit_pet", "resisc45"]
    assert (found[0].low, found[0].high, found[0].count) == (pets.min(), pets.max(), len(pets))


def test_a_demo_checkpoint_has_sisters_too():
    frame = load_demo().frame
    checkpoint = str(frame["adapt_filename"].iloc[0])

    assert [band.dataset for band in bands([frame], checkpoint, num_classes=10)]


def test_a_file_of_ones_own_has_no_sisters():
    assert bands([load_demo().frame], "/home/me/model.npz", num_classes=3) == ()
