"""`finetune`: from a folder of photos to a report and a model that `classify` uses."""

import dataclasses
import json
import os
import shutil
import signal

import numpy as np
import pytest

from vit_core.cli import main
from vit_core.cli.words import build_parser
from vit_core.settings import bundled_data_dir
from vit_core.training.config import FIELDS, TrainConfig


def test_a_folder_of_photos_becomes_a_report(finished):
    printed = (finished.folder / "out.txt").read_text()
    assert printed.startswith("Accuracy ")
    assert "on 6 test images (95 %:" in printed
    for name in ("bar", "disc", "frame"):
        assert name in printed


def test_a_person_who_follows_reads_what_happens(finished):
    said = (finished.folder / "err.txt").read_text()
    assert "3 classes, 30 images to learn from, 6 to test on." in said
    assert "Run one in " in said
    assert "Step 300:" in said
    assert "Use it: vit-explorer classify --checkpoint run:one photo.jpg" in said
    assert "Traceback" not in said


def test_a_finished_run_has_its_files(finished):
    names = {path.name for path in (finished.runs / "one" / "result").iterdir()}
    assert {"model.npz", "model.safetensors", "labels.json", "report.json", "README.md", "load.py"} <= names
    there = {path.name for path in (finished.runs / "one").iterdir()}
    assert {"config.json", "dataset.json", "status.json", "metrics.jsonl", "log.txt", "checkpoints"} <= there
    assert not [name for name in there if name.startswith(".")]


def test_a_finished_run_classifies(finished, photos):
    result = finished.run("classify", "--checkpoint", "run:one", photos / "disc" / "000.jpg", "--format", "json")
    assert result.returncode == 0, result.stderr
    guesses = json.loads(result.stdout)["images"][0]["predictions"]
    assert {guess["label"] for guess in guesses} == {"bar", "disc", "frame"}


def test_a_finished_run_says_all_in_json(finished):
    shown = finished.show("one")
    assert shown["state"] == "done"
    assert shown["checkpoint"] == "run:one"
    assert shown["progress"]["step"] == 300
    assert shown["settings"]["checkpoint_every"] == 10
    assert shown["note"] == "the first"
    assert shown["device"] == "CPU"
    assert 0 <= shown["report"]["interval"][0] <= shown["report"]["accuracy"] <= shown["report"]["interval"][1] <= 1


def test_a_done_run_is_not_run_again(finished, assert_refused):
    assert_refused(finished.run("finetune", "--run", "one"), "is done", "result")
    assert_refused(finished.run("finetune", "--run", finished.runs / "one"), "is done")


def test_a_finished_run_is_fine_tuned_further(finished, photos):
    words = ("finetune", "--checkpoint", "run:one", "--data", photos, "--name", "further", "--total-steps", "2")
    result = finished.run(*words, "--warmup-steps", "0", "--batch", "8", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["settings"]["checkpoint"] == "run:one"


def test_settings_that_are_not_given_are_proposed_with_reasons(place, photos, finished):
    words = ("finetune", "--checkpoint", finished.show("one")["settings"]["checkpoint"], "--data", photos)
    result = place.run(*words, "--dry-run", "--format", "json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["settings"]["resolution"] == 32
    assert {"learning_rate", "total_steps", "batch"} <= set(answer["reasons"])
    assert answer["cost"]["device"] == "CPU"
    assert answer["cost"]["seconds"] > 0
    assert list(place.runs.glob("[!.]*")) == []  # nothing was started


def test_a_quick_look_gives_a_first_accuracy(place, new):
    result = place.run(*new, "--quick-look")
    assert result.returncode == 0, result.stderr
    assert "A linear classifier on the checkpoint's features is right on" in result.stdout


def test_every_setting_has_a_flag_with_its_explanation():
    commands = build_parser()._subparsers._group_actions[0].choices
    flags = {action.dest: action for action in commands["finetune"]._actions}
    for field in dataclasses.fields(TrainConfig):
        assert FIELDS[field.name].label in flags[field.name].help
    assert "Smallest crop" in commands["finetune"].format_help()


def test_a_detached_run_is_left_to_itself_and_stopped_by_name(place, new, eventually):
    result = place.run(*new, "--name", "long", "--total-steps", "100000", "--detach")
    assert (result.returncode, result.stdout) == (0, "long\n")
    eventually(lambda: (place.runs / "long" / "metrics.jsonl").exists())
    assert place.run("runs", "stop", "long").returncode == 0
    eventually(lambda: json.loads((place.runs / "long" / "status.json").read_text())["state"] == "stopped")
    assert "is saved" in place.show("long")["reason"]


def test_ctrl_c_saves_the_state_and_says_how_to_go_on(place, new, eventually):
    words = (*new, "--name", "one", "--total-steps", "100000")
    with place.start(*words, start_new_session=True) as process:
        eventually(lambda: (place.runs / "one" / "metrics.jsonl").exists())
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=200)
    assert process.returncode == 1
    assert out == ""
    assert "Resume it: vit-explorer finetune --run one" in err
    assert "Traceback" not in err
    assert place.show("one")["state"] == "stopped"


def test_ctrl_c_stops_a_run_that_is_resumed_here(place, new, eventually):
    assert place.run(*new, "--name", "one", "--total-steps", "100000", "--detach").returncode == 0
    eventually(lambda: (place.runs / "one" / "metrics.jsonl").exists())
    place.run("runs", "stop", "one")
    eventually(lambda: json.loads((place.runs / "one" / "status.json").read_text())["state"] == "stopped")
    before = place.show("one")["progress"]["step"]
    with place.start("finetune", "--run", "one", start_new_session=True) as process:
        eventually(lambda: json.loads((place.runs / "one" / "status.json").read_text())["progress"]["step"] > before)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=200)
    assert process.returncode == 1
    assert "Resume it" in err
    assert "Traceback" not in err


def test_a_resumed_run_whose_saved_states_are_lost_says_that_it_begins_again(place, new, eventually):
    assert place.run(*new, "--name", "one", "--total-steps", "100000", "--detach").returncode == 0
    eventually(lambda: (place.runs / "one" / "metrics.jsonl").exists())
    place.run("runs", "stop", "one")
    eventually(lambda: json.loads((place.runs / "one" / "status.json").read_text())["state"] == "stopped")
    for state in (place.runs / "one" / "checkpoints").iterdir():
        (state / "state.npz").write_bytes(b"PK\3\4")

    with place.start("finetune", "--run", "one", start_new_session=True) as process:
        said = eventually(lambda: (line := process.stderr.readline()) and "begins again at step 0" in line and line)
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=200)

    assert "No saved state can be used" in said
    assert "It had come to step " in said
    assert "begins again at step 0" in place.run("runs", "logs", "one").stdout


def test_a_run_goes_on_only_from_the_file_that_it_began_with(place, new, eventually):
    file, (model, other) = place.folder / "start.npz", sorted((bundled_data_dir() / "demo").glob("N_8*sd_0.0.npz"))[:2]
    shutil.copy(model, file)
    words = (*new, "--checkpoint", file, "--name", "one", "--trainable", "last-1", "--total-steps", "100000")
    assert place.run(*words, "--detach").returncode == 0
    eventually(lambda: (place.runs / "one" / "metrics.jsonl").exists())
    place.run("runs", "stop", "one")
    eventually(lambda: json.loads((place.runs / "one" / "status.json").read_text())["state"] == "stopped")

    shutil.copy(other, file)
    result = place.run("finetune", "--run", "one")

    assert result.returncode == 1
    assert "is no longer the file that the run began with" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ((), ["--checkpoint and --data"]),
        (("--checkpoint", "{model}"), ["--checkpoint and --data"]),
        (("--run", "nobody"), ["no run 'nobody'"]),
        (("--run", "./nowhere"), ["There is no folder"]),
        (("--run", "."), ["is not that of a run, for it has no config.json"]),
        (("--run", "x", "--batch", "4"), ["--batch does not go with --run"]),
        (("--run", "x", "--no-mirror"), ["--mirror does not go with --run"]),
        (("--run", "x", "--seed", "0"), ["--seed does not go with --run"]),
        (("--run", "x", "--test-share", "0.5"), ["--test-share does not go with --run"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--name", ""), ["The run has no name"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--trainable", "last-99"), ["this model has 3 blocks"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--total-steps", "9999999"), ["from 1 to 1,000,000"]),
        (("--checkpoint", "{model}", "--data", "nowhere"), ["nowhere"]),
        (("--checkpoint", "nobody.npz", "--data", "{photos}"), ["nobody.npz"]),
        (("--checkpoint", "run:nobody", "--data", "{photos}"), ["nobody"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--test-share", "1"), ["--test-share is 1"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--learning-rate", "nan"), ["learning_rate is nan"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--batch", "31"), ["only 30 images"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--resolution", "33"), ["multiple of 8"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--name", "../etc"), ["'../etc' cannot be the name"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--trainable", "tail"), ["trainable is 'tail'"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--total-steps", "many"), ["'many' is not a whole number"]),
        (("--checkpoint", "{model}", "--data", "{photos}", "--name", "abc\n"), [r"'abc\n' cannot be the name"]),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(place, photos, assert_refused, words, parts, finished):
    model = finished.show("one")["settings"]["checkpoint"]
    filled = [word.format(model=model, photos=photos) for word in words]
    assert_refused(place.run("finetune", *filled), *parts)
    assert list(place.runs.glob("[!.]*")) == []


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--name", "one"), ["There is a run 'one' already", "'one-2'"]),
        (("--note", "x" * 2001), ["The note has 2001 characters"]),
        (("--test-share", "nan"), ["--test-share is nan"]),
        (("--split-seed", "-1"), ["--split-seed is -1"]),
        (("--checkpoint", "nobody.npz"), ["nobody.npz"]),
        (("--resolution", "33"), ["multiple of 8"]),
        (("--trainable", "last-99"), ["this model has 3 blocks"]),
        (("--batch", "8", "--accum-steps", "3"), ["does not divide into accum_steps = 3"]),
    ],
)
def test_what_is_wrong_is_said_before_the_images_are_looked_at(finished, new, tmp_path, assert_refused, words, parts):
    (tmp_path / "photos.zip").write_bytes(b"no zip at all")
    result = finished.run(*new, "--data", tmp_path / "photos.zip", *words)
    assert_refused(result, *parts)
    assert "zip" not in result.stderr


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda arrays: arrays["head/bias"].fill(np.nan), "1 not finite: head/bias"),
        (lambda arrays: arrays["head/kernel"].__setitem__((0, 0), np.inf), "1 not finite: head/kernel"),
        (lambda arrays: arrays.pop("Transformer/encoder_norm/bias"), "1 missing: Transformer/encoder_norm/bias"),
        (lambda arrays: arrays.update(surplus=np.zeros(2, np.float32)), "1 not expected: surplus"),
    ],
    ids=["nan", "inf", "missing", "surplus"],
)
def test_weights_that_cannot_be_used_are_refused_before_the_images_are_looked_at(
    place, new, assert_refused, change, part
):
    with np.load(bundled_data_dir() / "demo" / f"{new[2]}.npz", allow_pickle=False) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(place.folder / "bad.npz", **arrays)
    (place.folder / "photos.zip").write_bytes(b"no zip at all")

    result = place.run(*new, "--checkpoint", "bad.npz", "--data", "photos.zip")

    assert_refused(result, "bad.npz' cannot be used", part)
    assert not place.runs.exists()


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.most is not None])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e400", "-1e-300", "9" * 400])
def test_an_impossible_number_is_one_sentence_with_field_value_and_rule(tmp_path, capsys, name, value):
    words = ["finetune", "--checkpoint", "any", "--data", str(tmp_path), f"--{name.replace('_', '-')}={value}"]
    try:
        code = main(words)
    except SystemExit as error:  # the parser's own way out
        code = error.code
    said = capsys.readouterr().err
    assert code == 2
    assert said.count("\n") == 1
    assert len(said) < 250
    assert f"{name} is " in said or f"--{name.replace('_', '-')}: '{value[:50]}" in said
    assert "; it must be " in said or "is not a whole number" in said


def test_the_same_picture_in_both_parts_is_refused_until_accepted(place, draw_classes, assert_refused, new, tmp_path):
    folder = draw_classes(tmp_path / "split" / "train", per_class=4).parent
    draw_classes(folder / "test", per_class=2)
    words = [folder if word == new[4] else word for word in new]
    assert_refused(place.run(*words, "--dry-run"), "both learned from and tested on", "--accept-leaks")
    assert place.run(*words, "--accept-leaks", "--dry-run").returncode == 0
