"""What goes wrong in a run: memory, numbers, the disk. The device's refusals are planned; all else is real."""

import dataclasses
import errno

import jax
import pytest

from vit_core.errors import BadDataset, BadSetting, Diverged, NoMemory, StorageFull
from vit_core.training import session
from vit_core.training.metrics_file import read_metrics
from vit_core.training.step import Trainer

OUT = "RESOURCE_EXHAUSTED: Out of memory allocating 12884901888 bytes."


@pytest.fixture
def scarce(monkeypatch):
    """Plan a device that refuses updates, or answers: `refuses(trainer, step)` and `refuses_answers(batch)`."""

    def plan(refuses=lambda trainer, step: False, refuses_answers=lambda batch: False):
        class Scarce(Trainer):
            def step(self, state, batch):
                if refuses(self, int(state.step)):
                    if self._has_run:  # as a device does that has taken the memory of the old state over
                        jax.tree.map(lambda leaf: leaf.delete(), (state.trained, state.opt_state))
                    raise jax.errors.JaxRuntimeError(OUT)
                return super().step(state, batch)

            def predict(self, weights, images):
                if refuses_answers(len(images)):
                    raise jax.errors.JaxRuntimeError(OUT)
                return super().predict(weights, images)

        monkeypatch.setattr(session, "Trainer", Scarce)

    return plan


def test_a_batch_too_large_for_the_memory_is_computed_in_more_parts(
    scarce, bench, nano_config, tmp_path, listener, assert_same_weights
):
    scarce(lambda trainer, step: trainer.accum_steps < 4)
    outcome = bench.train(nano_config, tmp_path / "short", listener)
    assert (outcome.ended, outcome.accum_steps) == ("done", 4)
    said = "Memory ran out at step 1; from here on a batch is computed in {} parts of {}, with the same result."
    assert [said.format(2, 4), said.format(4, 2)] == [text for text in listener.said if "Memory" in text]
    four = dataclasses.replace(nano_config, accum_steps=4)
    bench.train(four, tmp_path / "four", listener)
    assert_same_weights(*(bench.finish(four, tmp_path / name).params for name in ("short", "four")))


def test_when_memory_runs_out_later_the_run_goes_on_from_the_last_saved_state(
    scarce, bench, nano_config, tmp_path, listener
):
    scarce(lambda trainer, step: trainer.accum_steps < 2 and step == 6)
    outcome = bench.train(nano_config, tmp_path, listener)
    assert (outcome.ended, outcome.step, outcome.accum_steps) == ("done", 12, 2)
    assert "Going on after step 4 of 12." in listener.said
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl") if "test_accuracy" in row] == [4, 8, 12]


def test_when_memory_runs_out_before_any_saved_state_the_run_begins_anew(
    scarce, bench, nano_config, tmp_path, listener, assert_same_weights
):
    two = dataclasses.replace(nano_config, accum_steps=2)
    bench.train(two, tmp_path / "two", listener)
    expected = bench.finish(two, tmp_path / "two").params
    scarce(lambda trainer, step: trainer.accum_steps < 2 and step == 3)
    assert bench.train(nano_config, tmp_path / "short", listener).ended == "done"
    assert_same_weights(bench.finish(two, tmp_path / "short").params, expected)


def test_no_memory_for_a_single_image_is_said(scarce, bench, nano_config, tmp_path, listener):
    scarce(lambda trainer, step: True)
    with pytest.raises(NoMemory, match="too little memory for a single image of custom 48x3/8 at 32 px"):
        bench.train(nano_config, tmp_path, listener)


def test_a_test_takes_smaller_batches_when_memory_is_short(scarce, undisturbed, bench, nano_config, tmp_path, listener):
    scarce(refuses_answers=lambda batch: batch > 2)
    outcome = bench.train(nano_config, tmp_path, listener)
    assert outcome.best_accuracy == undisturbed[2].best_accuracy


def test_no_memory_for_a_single_answer_is_said(scarce, bench, nano_config, tmp_path, listener):
    scarce(refuses_answers=lambda batch: True)
    with pytest.raises(NoMemory, match="too little memory for a single image"):
        bench.train(nano_config, tmp_path, listener)


def test_another_error_of_the_device_is_no_lack_of_memory(monkeypatch, bench, nano_config, tmp_path, listener):
    def fail(self, state, batch):
        raise jax.errors.JaxRuntimeError("INTERNAL: the device is on fire")

    monkeypatch.setattr(Trainer, "step", fail)
    with pytest.raises(jax.errors.JaxRuntimeError, match="on fire"):
        bench.train(nano_config, tmp_path, listener)


def test_a_run_whose_weights_ran_away_ends_with_a_sentence_and_its_last_good_state(
    bench, nano_config, tmp_path, listener
):
    wild = {"learning_rate": 10.0, "clip_norm": 0.0, "total_steps": 200, "warmup_steps": 150, "eval_every": 2}
    config = dataclasses.replace(nano_config, **wild)
    with pytest.raises(Diverged, match=r"no longer a number.*The state of step \d+ is kept.*such as 3\.3,"):
        bench.train(config, tmp_path, listener)
    assert 0 <= bench.finish(config, tmp_path).report.accuracy <= 1
    assert all("loss" in row for row in listener.rows)


def test_a_disk_that_fills_up_ends_the_run_with_a_sentence_and_it_can_go_on(
    monkeypatch, undisturbed, bench, nano_config, tmp_path, listener, assert_same_weights
):
    import vit_core.training.saved as saved

    def full(path, arrays):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(saved, "write_npz", full)
        with pytest.raises(StorageFull, match="no room on the disk"):
            bench.train(nano_config, tmp_path, listener)
    bench.train(nano_config, tmp_path, listener)
    assert_same_weights(bench.finish(nano_config, tmp_path).params, bench.finish(nano_config, undisturbed[0]).params)


def test_an_image_that_changed_since_the_check_is_named(bench, nano_config, tmp_path, listener, draw_classes):
    copied = dataclasses.replace(
        bench, dataset=dataclasses.replace(bench.dataset, root=tmp_path), cache_dir=tmp_path / "cache"
    )
    for example in bench.dataset.examples:
        (tmp_path / example.file).parent.mkdir(exist_ok=True)
        (tmp_path / example.file).write_bytes((bench.dataset.root / example.file).read_bytes())
    changed = bench.dataset.of("train")[0]
    (tmp_path / changed.file).write_bytes(b"other bytes")
    with pytest.raises(BadDataset, match=changed.name):
        copied.train(nano_config, tmp_path / "run", listener)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"batch": 100}, "batch is 100, and there are only 24 images to learn from"),
        ({"trainable": "last-9"}, "this model has 3 blocks"),
        ({"warmup_steps": 12}, "there are only 12 steps"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_done(
    settings, sentence, bench, nano_config, tmp_path, listener
):
    with pytest.raises(BadSetting, match=sentence):
        bench.train(dataclasses.replace(nano_config, **settings), tmp_path, listener)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_another_seed_is_another_run(undisturbed, bench, nano_config, tmp_path, listener):
    bench.train(dataclasses.replace(nano_config, seed=1), tmp_path, listener)
    assert [row["loss"] for row in listener.rows] != [row["loss"] for row in undisturbed[1].rows]
