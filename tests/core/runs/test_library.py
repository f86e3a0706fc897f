"""The folder of runs: what is submitted, listed, read, annotated and deleted. No process is started here."""

import dataclasses
import json
import os
import shutil
import threading
import time

import pytest

from vit_core.errors import BadRun, BadSetting, Failure, StorageFull, UnknownName
from vit_core.runs.files import RunFiles, read_config, write_json
from vit_core.runs.library import Runs
from vit_core.runs.locks import RunLocks
from vit_core.runs.record import Progress
from vit_core.runs.status import Status, read_status, write_status
from vit_core.store.holder import Holder
from vit_core.store.owners import own
from vit_core.training.estimates import QuickLook

LOOK = QuickLook(0.5, (0.3, 0.7), 4, 1.0, ((1, 0.25), (2, 0.5)), "CPU")


@pytest.fixture
def make(drafts, config, images):
    def submit(name="one", **details):
        return drafts.submit(config, images, name=name, **details)

    return submit


@pytest.fixture
def set_status(settings):
    def write(name, **changes):
        files = RunFiles(settings.runs_dir / name)
        write_status(files, dataclasses.replace(read_status(files), **changes))

    return write


@pytest.fixture
def owned(settings):
    """Own a run as its process would, within the block."""
    held = []

    def take(name):
        folder = settings.runs_dir / name
        lock = own(RunLocks(settings.lock_dir).run(read_config(RunFiles(folder))))
        lock.write_note(Holder("run", str(folder.resolve())).to_note())
        held.append(lock)
        return lock

    yield take
    for lock in held:
        lock.release()


def test_there_are_no_runs_before_the_first(drafts):
    assert drafts.all() == ()
    assert drafts.reconcile() == ()
    assert not drafts.wants_device()


def test_a_submitted_run_is_all_there(make, drafts, config, images, idle):
    record = make(note="my first", quick_look=LOOK)
    assert (record.name, record.state, record.config, record.note) == ("one", "draft", config, "my first")
    assert (record.dataset_name, record.num_classes, record.num_train, record.num_test) == ("Twelve.zip", 2, 8, 4)
    assert record.progress == Progress(total_steps=10)
    assert drafts.dataset("one") == images
    assert drafts.quick_look("one") == LOOK
    assert drafts.report("one") is None
    assert drafts.metrics("one") == ()
    assert drafts.log("one") == ""
    assert idle.started == ["one"]


def test_runs_are_listed_newest_first_whatever_the_clock_says(make, drafts, monkeypatch):
    make("one")
    monkeypatch.setattr(time, "time", lambda: 0.0)  # 1970
    make("two")
    assert [record.name for record in drafts.all()] == ["two", "one"]


def test_the_same_request_makes_one_run(make, drafts):
    assert make("one", key="button 7").name == make("two", key="button 7").name == "one"
    assert len(drafts.all()) == 1


def test_the_same_request_in_ten_threads_and_libraries_makes_one_run(settings, idle, config, images):
    def press():
        Runs(settings, engine=idle).submit(config, images, name="one", key="button 7")

    threads = [threading.Thread(target=press) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record.name for record in Runs(settings, engine=idle).all()] == ["one"]


@pytest.mark.parametrize("name", ["", "../../etc", "a;rm -rf", "$(id)", "x" * 65, "Big", "-a", ".data", "a/b", "a\n"])
def test_an_impossible_name_is_refused_with_the_rule(make, drafts, name):
    with pytest.raises(BadRun, match="name"):
        make(name)
    assert drafts.all() == ()


def test_a_taken_name_is_refused_with_a_free_one(make):
    make("one")
    with pytest.raises(BadRun, match="take another name, such as 'one-2'"):
        make("one")


def test_names_are_suggested_from_what_the_user_called_the_data(drafts, make):
    make("twelve")
    assert drafts.suggest_name("Twelve.zip") == "twelve-2"
    assert drafts.suggest_name("Émile's Café photos") == "emile-s-cafe-photos"
    assert drafts.suggest_name("../../x") == "x"
    assert drafts.suggest_name("猫") == "run"


@pytest.mark.parametrize(
    ("field", "value"),
    [("learning_rate", 0.0), ("learning_rate", float("nan")), ("total_steps", 10**12), ("batch", 0), ("batch", 9)],
)
def test_an_impossible_setting_is_refused_by_name_and_nothing_is_made(drafts, config, images, field, value):
    with pytest.raises(BadSetting, match=field):
        drafts.submit(dataclasses.replace(config, **{field: value}), images, name="one")
    assert drafts.all() == ()


def test_too_little_room_is_said_with_both_figures_before_anything_is_made(make, drafts, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageFull, match=r"1 MB free, and this run wants \d+ MB"):
        make()
    assert drafts.all() == ()


def test_an_engine_that_fails_leaves_a_draft_that_the_same_request_starts(make, drafts, idle, monkeypatch):
    def fail(folder):
        raise Failure("The process could not be started.")

    with monkeypatch.context() as patch:
        patch.setattr(idle, "start", fail)
        with pytest.raises(Failure, match="could not be started"):
            make(key="button")
    assert drafts.get("one").state == "draft"
    make(key="button")
    assert idle.started == ["one"]


def test_an_unknown_run_lists_close_names(make, drafts):
    make("tulips")
    with pytest.raises(UnknownName, match=r"no run 'tulip'.*'tulips'"):
        drafts.get("tulip")
    for ask in (drafts.metrics, drafts.log, drafts.stop, drafts.resume, drafts.delete, drafts.dataset):
        with pytest.raises(UnknownName):
            ask("../one")


def test_a_note_is_changed_and_limited(make, drafts):
    make()
    drafts.annotate("one", "better light")
    assert drafts.get("one").note == "better light"
    with pytest.raises(BadRun, match="2000"):
        drafts.annotate("one", "x" * 2001)


def test_the_state_follows_from_the_status_and_the_owner(make, drafts, set_status, owned, settings):
    make()
    beating = Status(state="running", attempt=1, progress=Progress(step=4, total_steps=10)).beating()
    set_status("one", **{f.name: getattr(beating, f.name) for f in dataclasses.fields(Status)})
    assert drafts.get("one").state == "interrupted"
    assert "step 4" in drafts.get("one").reason
    lock = owned("one")
    assert drafts.get("one").state == "running"
    assert drafts.get("one").heartbeat_age_s < 60
    write_json(RunFiles(settings.runs_dir / "one").stop, {"grace_s": 9})
    assert drafts.get("one").state == "stopping"
    set_status("one", state="stopped", reason="Saved.")
    assert (drafts.get("one").state, drafts.get("one").reason[:6]) == ("stopped", "Saved.")
    lock.write_note(b"")


def test_a_run_that_runs_is_neither_resumed_nor_deleted(make, drafts, owned, set_status):
    make()
    set_status("one", state="running", beat=1)
    owned("one")
    with pytest.raises(BadRun, match="cannot be resumed: it is running"):
        drafts.resume("one")
    with pytest.raises(BadRun, match="is running already"):
        drafts.delete("one")
    assert drafts.get("one").state == "running"


def test_a_run_that_does_not_run_is_not_stopped(make, drafts):
    make()
    with pytest.raises(BadRun, match="does not run: it is draft"):
        drafts.stop("one")


def test_a_done_run_is_not_resumed(make, drafts, set_status, settings):
    make()
    set_status("one", state="done")
    (settings.runs_dir / "one" / "result").mkdir()
    for name in ("model.npz", "report.json"):
        (settings.runs_dir / "one" / "result" / name).touch()
    with pytest.raises(BadRun, match="cannot be resumed: it is done"):
        drafts.resume("one")


def test_a_deleted_run_leaves_nothing_and_its_name_is_free(make, drafts, settings):
    make()
    drafts.delete("one")
    assert drafts.all() == ()
    assert list(settings.runs_dir.iterdir()) == []
    assert make().name == "one"


def test_what_a_killed_deletion_or_submission_left_is_cleared_away(make, drafts, settings):
    make()
    for name in (".gone-1", ".new-2"):
        (settings.runs_dir / name / "checkpoints").mkdir(parents=True)
    assert [record.name for record in drafts.all()] == ["one"]
    assert drafts.reconcile() == ("one: draft. It was not started yet; resume starts it.",)
    assert [path.name for path in settings.runs_dir.iterdir()] == ["one"]


def test_reconcile_tells_of_interrupted_runs_and_sweeps_their_half_files(make, drafts, set_status, settings):
    make()
    set_status("one", state="running", beat=3)
    half = settings.runs_dir / "one" / ".status.json.123.part"
    half.write_text("{")
    (sentence,) = drafts.reconcile()
    assert sentence.startswith("one: interrupted.")
    assert not half.exists()


def test_uploads_of_no_run_are_deleted_after_a_week(make, drafts, settings, images, config):
    for name, age_days in (("used", 30), ("fresh", 1), ("old", 8)):
        folder = settings.runs_dir / ".data" / name / "files"
        folder.mkdir(parents=True)
        os.utime(folder.parent, (time.time() - age_days * 86400,) * 2)
    root = settings.runs_dir / ".data" / "used" / "files"
    drafts.submit(config, dataclasses.replace(images, root=root), name="one")
    said = drafts.reconcile()
    assert any("old" in sentence for sentence in said)
    assert sorted(path.name for path in (settings.runs_dir / ".data").iterdir()) == ["fresh", "used"]


def test_images_of_a_run_are_kept_by_whatever_way_it_names_their_folder(
    make, drafts, settings, images, config, tmp_path
):
    (tmp_path / "another way").symlink_to(settings.runs_dir.parent)
    folder = settings.runs_dir / ".data" / "used"
    (folder / "files").mkdir(parents=True)
    os.utime(folder, (time.time() - 30 * 86400,) * 2)
    root = tmp_path / "another way" / settings.runs_dir.name / ".data" / "used"
    drafts.submit(config, dataclasses.replace(images, root=root), name="one")
    drafts.reconcile()
    assert folder.is_dir()


def test_an_old_file_beside_the_uploads_is_deleted_without_a_word(drafts, settings):
    left = settings.runs_dir / ".data" / ".zip-0123"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"PK")
    os.utime(left, (time.time() - 8 * 86400,) * 2)
    assert drafts.reconcile() == ()
    assert not left.exists()


def test_the_folder_of_the_images_of_each_run_is_known(make, drafts, images):
    make()
    assert drafts.image_roots() == {"one": images.root}


def test_the_log_gives_its_last_lines_whatever_bytes_it_has(make, drafts, settings):
    make()
    (settings.runs_dir / "one" / "log.txt").write_bytes(b"x\n" * 300_000 + b"\xff\xfe bytes\nlast\n")
    assert drafts.log("one", lines=2) == "\ufffd\ufffd bytes\nlast"


def test_a_curve_with_repeated_and_torn_lines_is_read_right(make, drafts, settings):
    make()
    rows = [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}, {"step": 2, "loss": 1.5}]
    text = "\n".join(map(json.dumps, rows)) + '\n{"step": 3, "lo'
    (settings.runs_dir / "one" / "metrics.jsonl").write_text(text)
    assert [row["loss"] for row in drafts.metrics("one")] == [3.0, 1.5]


def test_ten_thousand_runs_are_listed_from_their_small_files_alone(make, drafts, settings, monkeypatch):
    make("run-0")
    source = settings.runs_dir / "run-0"
    plain = json.loads((source / "config.json").read_text())
    status = (source / "status.json").read_text().replace('"draft"', '"done"')
    for number in range(1, 10_000):
        folder = settings.runs_dir / f"run-{number}"
        folder.mkdir()
        changed = plain | {"id": f"{number:032x}", "name": folder.name, "number": number + 1}
        (folder / "config.json").write_text(json.dumps(changed))
        (folder / "status.json").write_text(status)
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest, **more: opened.append(str(path)) or real(path, *rest, **more))
    records = drafts.all()
    assert (len(records), records[0].name) == (10_000, "run-9999")
    assert {path.rpartition("/")[2] for path in opened if "/runs/run-" in path} == {"config.json", "status.json"}
    opened.clear()
    assert drafts.all() == records
    assert len([path for path in opened if path.endswith(".json")]) <= 2  # only what has changed, and live ones
