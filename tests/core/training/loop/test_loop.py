"""A run from start to result, and the same after stops and kills."""

import dataclasses

import numpy as np
import pytest

from vit_core.errors import BadRun
from vit_core.training.metrics_file import read_metrics


def test_a_run_learns_and_its_report_says_so(undisturbed, bench, nano_config):
    folder, _, outcome = undisturbed
    finished = bench.finish(nano_config, folder)
    assert (outcome.ended, outcome.step, outcome.device) == ("done", 12, "CPU")
    assert finished.report.accuracy == outcome.best_accuracy > finished.report.majority
    assert (finished.report.steps, finished.report.best_step) == (12, outcome.best_step)
    assert finished.model.num_classes == 3


def test_the_curve_has_the_figures_of_an_update_and_of_each_test(undisturbed):
    folder, listener, _ = undisturbed
    rows = read_metrics(folder / "metrics.jsonl")
    tests = [row for row in rows if "test_accuracy" in row]
    assert [row["step"] for row in tests] == [4, 8, 12]
    assert set(tests[-1]) >= {
        "loss", "accuracy", "learning_rate", "grad_norm", "memory_bytes", "seconds", "test_loss", "images_per_second"
    }  # fmt: skip
    # On a slow machine a step may be told once for the time that has passed and once more with its test.
    last_of_each_step = {row["step"]: row for row in listener.rows}
    assert list(rows) == list(last_of_each_step.values())


def test_the_listener_hears_what_is_done(undisturbed):
    _, listener, _ = undisturbed
    activities = [told.activity for told in listener.told]
    assert {"decoding", "compiling", "training", "testing", "saving"} <= set(activities)
    assert [told.step for told in listener.told] == sorted(told.step for told in listener.told)
    assert listener.told[-1].step == 12
    assert listener.told[-1].best_accuracy is not None


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "ema_decay": 0.9,
            "optimizer": "adamw",
            "learning_rate": 0.003,
            "weight_decay": 0.1,
            "accum_steps": 2,
            "aug": "light1",
            "label_smoothing": 0.1,
            "class_weights": "balanced",
        },
        {"dropout": 0.1, "stochastic_depth": 0.1, "trainable": "last-1", "remat": True, "crop": "resize"},
        {"trainable": "head", "learning_rate": 0.1},
    ],
)
def test_a_run_that_was_stopped_ends_with_the_same_weights_to_the_bit(
    settings, bench, nano_config, tmp_path, stopping, listener, assert_same_weights
):
    config = dataclasses.replace(nano_config, **settings)
    bench.train(config, tmp_path / "whole", listener)
    stopped = bench.train(config, tmp_path / "stopped", stopping(lambda told: told.step >= 5))
    assert stopped.ended == "stopped"
    assert 5 <= stopped.step < 12
    resumed = bench.train(config, tmp_path / "stopped", listener)
    assert resumed.ended == "done"
    assert resumed.seconds > stopped.seconds
    whole, again = (bench.finish(config, tmp_path / name) for name in ("whole", "stopped"))
    assert_same_weights(whole.params, again.params)
    assert whole.report.answered == again.report.answered


def test_a_run_that_died_between_two_saves_ends_with_the_same_weights(
    undisturbed, bench, nano_config, tmp_path, stopping, listener, assert_same_weights
):
    class Dying(type(listener)):
        def metrics(self, row):
            if row["step"] > 8:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.train(nano_config, tmp_path, Dying())
    bench.train(nano_config, tmp_path, listener)
    assert "Going on after step 8 of 12." in listener.said
    assert_same_weights(bench.finish(nano_config, tmp_path).params, bench.finish(nano_config, undisturbed[0]).params)


def test_a_stop_before_the_first_update_leaves_a_run_that_begins_anew(
    undisturbed, bench, nano_config, tmp_path, stopping, listener, assert_same_weights
):
    stopped = bench.train(nano_config, tmp_path, stopping(lambda told: True))
    assert (stopped.ended, stopped.step, stopped.best_accuracy) == ("stopped", 0, None)
    bench.train(nano_config, tmp_path, listener)
    assert_same_weights(bench.finish(nano_config, tmp_path).params, bench.finish(nano_config, undisturbed[0]).params)


def test_a_stop_during_a_test_is_heard_and_the_test_made_up_for(bench, nano_config, tmp_path, stopping, listener):
    stopped = bench.train(nano_config, tmp_path, stopping(lambda told: told.activity == "testing"))
    assert (stopped.ended, stopped.step, stopped.best_accuracy) == ("stopped", 4, None)
    done = bench.train(nano_config, tmp_path, listener)
    assert done.best_accuracy is not None
    tests = [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl") if "test_accuracy" in row]
    assert tests == [4, 8, 12]


def test_a_run_that_is_done_has_nothing_left_to_do(undisturbed, bench, nano_config, tmp_path, listener):
    folder, _, before = undisturbed
    again = bench.train(nano_config, folder, listener)
    assert (again.ended, again.step, again.best_step) == ("done", 12, before.best_step)
    assert "decoding" not in {told.activity for told in listener.told}


def test_an_early_stop_ends_a_run_that_gets_no_better_and_stays_ended(bench, nano_config, tmp_path, listener):
    config = dataclasses.replace(nano_config, learning_rate=1e-9, total_steps=100, eval_every=2, early_stop=2)
    outcome = bench.train(config, tmp_path, listener)
    assert (outcome.ended, outcome.step, outcome.best_step) == ("done", 6, 2)
    assert "Ended early after step 6: 2 tests in a row were no better." in listener.said
    again = bench.train(config, tmp_path, listener)
    assert (again.ended, again.step) == ("done", 6)


def test_an_early_stop_comes_at_the_same_step_after_a_stop(bench, nano_config, tmp_path, stopping, listener):
    config = dataclasses.replace(nano_config, learning_rate=1e-9, total_steps=100, eval_every=2, early_stop=2)
    bench.train(config, tmp_path, stopping(lambda told: told.step >= 5))
    assert bench.train(config, tmp_path, listener).step == 6


def test_the_best_state_is_the_result_and_the_last_one_is_kept_to_go_on(bench, nano_config, tmp_path, listener):
    config = dataclasses.replace(
        nano_config, learning_rate=1e-9, eval_every=2
    )  # all tests are equal: the first is best
    outcome = bench.train(config, tmp_path, listener)
    assert outcome.best_step == 2
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["12", "2"]
    assert bench.finish(config, tmp_path).report.best_step == 2


def test_without_test_images_the_last_state_is_the_result(bench, nano_config, tmp_path, listener):
    examples = tuple(example for example in bench.dataset.examples if example.part == "train")
    alone = dataclasses.replace(bench, dataset=dataclasses.replace(bench.dataset, examples=examples))
    outcome = alone.train(nano_config, tmp_path, listener)
    assert (outcome.best_step, outcome.best_accuracy) == (12, None)
    assert alone.finish(nano_config, tmp_path).report.num_test == 0


def test_the_head_alone_gives_a_whole_model_whose_other_weights_are_the_checkpoints(
    bench, nano_config, tmp_path, listener
):
    config = dataclasses.replace(nano_config, trainable="head", learning_rate=0.1, total_steps=60, eval_every=60)
    bench.train(config, tmp_path, listener)
    finished = bench.finish(config, tmp_path)
    assert any("features are computed once" in said for said in listener.said)
    assert finished.report.accuracy > finished.report.majority
    with np.load(bench.source) as arrays:
        np.testing.assert_array_equal(finished.params["cls"], arrays["cls"])
    assert finished.params["head"]["kernel"].any()


def test_a_run_without_a_saved_state_has_no_result(bench, nano_config, tmp_path):
    with pytest.raises(BadRun, match="has no saved state yet"):
        bench.finish(nano_config, tmp_path)


def test_states_are_saved_as_often_as_told(bench, nano_config, tmp_path, stopping, listener):
    config = dataclasses.replace(nano_config, checkpoint_every=3, eval_every=12)

    class Dying(type(listener)):
        def progress(self, progress):
            if progress.step >= 8:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.train(config, tmp_path, Dying())
    bench.train(config, tmp_path, listener)
    assert "Going on after step 6 of 12." in listener.said
