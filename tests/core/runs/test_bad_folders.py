"""Folders that are no runs, or no longer: each is listed with its reason, and the others as ever."""

import json
import os
import shutil

import pytest

from vit_core.errors import BadRun, Failure
from vit_core.runs.files import RunFiles
from vit_core.runs.local import LocalEngine


@pytest.fixture
def run(drafts, config, images, settings):
    drafts.submit(config, images, name="good")
    drafts.submit(config, images, name="one")
    return RunFiles(settings.runs_dir / "one")


def change(path, **changes):
    plain = json.loads(path.read_text())
    path.write_text(json.dumps(plain | changes))


def drop(path, name):
    plain = json.loads(path.read_text())
    del plain[name]
    path.write_text(json.dumps(plain))


def spoil_text(path, name, text):
    plain = json.loads(path.read_text())
    path.write_text(json.dumps(plain | {name: "HERE"}).replace('"HERE"', text))


def spoil_setting(files, **changes):
    plain = json.loads(files.config.read_text())
    change(files.config, settings=plain["settings"] | changes)


SPOILERS = {
    "no config": (lambda files: files.config.unlink(), "config.json is missing"),
    "empty config": (lambda files: files.config.write_text(""), "config.json is broken: it is empty"),
    "cut config": (lambda files: files.config.write_text(files.config.read_text()[:50]), "config.json is broken"),
    "NaN": (lambda files: files.config.write_text('{"version": NaN}'), "it has the value NaN"),
    "a list": (lambda files: files.config.write_text("[1]"), "no JSON object"),
    "deep": (lambda files: files.config.write_text("[" * 100_000), "config.json is broken"),
    "huge": (lambda files: files.config.write_text(" " * 1_000_001), "more than 1000 kB"),
    "no text": (lambda files: files.config.write_bytes(b'{"a": "\xff"}'), "config.json is not text"),
    "a folder": (lambda files: (files.config.unlink(), files.config.mkdir()), "config.json cannot be read"),
    "another version": (lambda files: change(files.config, version=99), "another version"),
    "an extra field": (lambda files: change(files.config, hat="red"), "unknown field 'hat'"),
    "a strange number": (lambda files: change(files.config, number="many"), "number is 'many'"),
    "a strange id": (lambda files: change(files.config, id="../../x"), "id is '../../x'"),
    "strange settings": (lambda files: change(files.config, settings=7), "settings is 7, which cannot be"),
    "a setting that is a list": (lambda files: spoil_setting(files, batch=[1]), "settings is {"),
    "endless creation": (lambda files: spoil_text(files.config, "created", "1e400"), "created is inf"),
    "an endless setting": (lambda files: spoil_setting(files, total_steps=10**30), "impossible setting: total_steps"),
    "too many digits": (lambda files: spoil_text(files.config, "number", "9" * 5000), "too many digits"),
    "no number of classes": (lambda files: drop(files.config, "num_classes"), "config.json lacks 'num_classes'"),
    "a below-none number": (lambda files: change(files.config, number=-1), "number is -1, which cannot be"),
    "an extra setting": (lambda files: spoil_setting(files, magic=1), "unknown setting 'magic'"),
    "an impossible setting": (lambda files: spoil_setting(files, batch=-1), "batch is -1"),
    "a setting of another type": (lambda files: spoil_setting(files, mirror=1), "mirror is 1"),
    "no status": (lambda files: files.status.unlink(), "status.json is missing"),
    "an unknown state": (lambda files: change(files.status, state="asleep"), "unknown state 'asleep'"),
    "a strange step": (lambda files: change(files.status, progress={"step": "2"}), "step is '2'"),
    "a step below none": (lambda files: change(files.status, progress={"step": -5}), "step is -5"),
    "steps without end": (lambda files: change(files.status, progress={"total_steps": 10**30}), "total_steps is 1000"),
    "an endless number": (lambda files: change(files.status, progress={"accuracy": 10**400}), "accuracy is 1000"),
    "an extra progress": (lambda files: change(files.status, progress={"pace": 2}), "unknown field 'pace'"),
    "an extra status": (lambda files: change(files.status, mood="good"), "unknown field 'mood'"),
    "a list of progress": (lambda files: change(files.status, progress=[1]), "progress is [1], which cannot be"),
    "more than all right": (lambda files: change(files.status, progress={"accuracy": 1.5}), "accuracy is 1.5; it must"),
    "less than none right": (lambda files: change(files.status, progress={"best_accuracy": -0.1}), "is -0.1"),
    "a beginning without end": (lambda files: spoil_text(files.status, "begun", "1e400"), "begun is inf"),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_spoilt_run_is_listed_as_unreadable_with_the_reason_and_the_others_as_ever(drafts, run, spoiler):
    spoil, reason = SPOILERS[spoiler]
    spoil(run)
    by_name = {record.name: record for record in drafts.all()}
    assert by_name["good"].state == "draft"
    assert by_name["one"].state == "unreadable"
    assert reason in by_name["one"].reason
    assert not any(word in by_name["one"].reason for word in ("Traceback", "__init__", "sys.", "object has no"))


def test_an_unreadable_run_can_be_deleted(drafts, run):
    run.config.write_text("")
    drafts.delete("one")
    assert [record.name for record in drafts.all()] == ["good"]


def test_an_unreadable_run_is_not_resumed(drafts, run):
    run.config.write_text("")
    with pytest.raises(BadRun, match="cannot be resumed: it is unreadable"):
        drafts.resume("one")


def test_stray_files_and_hidden_folders_are_no_runs(drafts, run, settings):
    (settings.runs_dir / "notes.txt").write_text("x")
    (settings.runs_dir / ".data").mkdir()
    assert {record.name for record in drafts.all()} == {"good", "one"}


def test_a_folder_with_the_name_of_no_run_is_listed_as_unreadable(drafts, run, settings):
    (settings.runs_dir / "My Photos").mkdir()
    assert drafts.get("My Photos").state == "unreadable"
    assert "cannot be the name of a run" in drafts.get("My Photos").reason


def test_a_copied_run_is_named_as_one_and_not_started(drafts, run, settings):
    shutil.copytree(run.folder, settings.runs_dir / "two")
    record = drafts.get("two")
    assert record.state == "unreadable"
    assert "copy of the run 'one'" in record.reason
    with pytest.raises(BadRun, match="copy of the run 'one'"):
        LocalEngine(settings).start(record.folder)


def test_a_link_is_no_run_and_what_it_leads_to_is_not_touched(drafts, settings, run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (settings.runs_dir / "link").symlink_to(tmp_path / "elsewhere")
    assert "is a link" in drafts.get("link").reason
    with pytest.raises(BadRun, match="is a link"):
        drafts.delete("link")
    with pytest.raises(BadRun, match="is a link"):
        LocalEngine(settings).start(settings.runs_dir / "link")
    assert (tmp_path / "elsewhere").is_dir()


def test_a_folder_of_runs_that_is_a_file_is_named(drafts, config, images, settings):
    settings.runs_dir.write_text("not a folder")
    with pytest.raises(Failure, match="cannot be written"):
        drafts.submit(config, images, name="one")
    with pytest.raises(BadRun, match="cannot be read"):
        drafts.all()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to the superuser")
def test_a_read_only_folder_of_runs_is_named(drafts, run, config, images, settings):
    settings.runs_dir.chmod(0o500)
    try:
        with pytest.raises(Failure, match="cannot be written"):
            drafts.submit(config, images, name="two")
    finally:
        settings.runs_dir.chmod(0o700)
