"""Runs in real processes, with cheap work: started, waiting, stopped, resumed, and what goes wrong."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vit_core.errors import BadRun, UnknownName
from vit_core.runs.files import RunFiles, read_config
from vit_core.runs.library import Runs
from vit_core.runs.locks import RunLocks
from vit_core.runs.process import signal_process
from vit_core.runs.status import read_status
from vit_core.store.holder import Holder, ProcessId, boot_id, start_of, this_process
from vit_core.store.owners import own

LONG = 5000  # steps; more than any test waits for


@pytest.fixture
def process_of(settings, eventually):
    """Wait until a run's process has said who it is, and give its number."""

    def ask(name):
        folder = settings.runs_dir / name
        locks, config = RunLocks(settings.lock_dir), read_config(RunFiles(folder))
        return eventually(lambda: (owner := locks.owner(config, folder)) and owner.process and owner.process).pid

    return ask


def test_a_run_goes_from_submission_to_its_result(submit, reaches, settings, stand_in):
    assert submit("one").state in ("queued", "running")
    record = reaches("one", "done")
    assert (record.progress.step, record.device) == (10, "CPU")
    assert record.heartbeat_age_s is None
    assert (record.result / "state").read_text() == stand_in.after(10)


def test_runs_wait_in_order_and_know_their_place(submit, reaches, runs):
    submit("one", steps=LONG)
    reaches("one", "running")
    submit("two")
    submit("three")
    assert [(record.name, record.place) for record in runs.all()] == [("three", 2), ("two", 1), ("one", 0)]
    assert runs.wants_device()
    runs.stop("one")
    assert reaches("two", "done").number < reaches("three", "done").number
    assert runs.get("one").state == "stopped"


def test_a_waiter_that_is_killed_leaves_the_queue(submit, reaches, runs, kill):
    submit("one", steps=LONG)
    reaches("one", "running")
    submit("two")
    submit("three")
    kill("two")
    assert runs.get("two").state in ("interrupted", "draft")
    assert runs.get("three").place == 1


def test_a_stopped_run_goes_on_where_it_was(submit, reaches, runs, stand_in, eventually):
    submit("one", steps=60)
    eventually(lambda: runs.get("one").progress.step > 3)
    runs.stop("one")
    assert reaches("one", "stopped").reason.startswith("Its state after step")
    runs.resume("one")
    assert (reaches("one", "done").result / "state").read_text() == stand_in.after(60)


def test_a_run_stopped_twice_and_signalled_twice_stops_once(submit, reaches, runs, process_of):
    submit("one", steps=LONG)
    reaches("one", "running")
    pid = process_of("one")
    runs.stop("one")
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
    assert reaches("one", "stopped").state == "stopped"
    with pytest.raises(BadRun, match="it is stopped"):
        runs.stop("one")


def test_a_run_that_waits_is_stopped(submit, reaches, runs):
    submit("one", steps=LONG)
    reaches("one", "running")
    submit("two")
    runs.stop("two")
    assert "waited" in reaches("two", "stopped").reason
    assert runs.get("one").state == "running"


def test_a_run_is_stopping_from_the_moment_it_was_asked(submit, reaches, runs, process_of):
    submit("one", steps=LONG)
    reaches("one", "running")
    pid = process_of("one")
    os.kill(pid, signal.SIGSTOP)
    try:
        runs.stop("one")
        assert runs.get("one").state == "stopping"
    finally:
        os.kill(pid, signal.SIGCONT)
    reaches("one", "stopped")


def test_a_run_whose_work_does_not_listen_ends_at_the_end_of_the_grace(submit, reaches, runs, monkeypatch, eventually):
    monkeypatch.setenv("DEAF", "1")
    submit("one", steps=LONG)
    eventually(lambda: runs.get("one").progress.step > 3)
    runs.stop("one", grace_s=0.5)
    assert "before it could save its last steps" in reaches("one", "stopped").reason


def test_a_run_is_ended_at_once_without_a_grace(submit, reaches, runs, process_of):
    submit("one", steps=LONG)
    reaches("one", "running")
    process_of("one")
    runs.stop("one", grace_s=0)
    assert "before it could save its last steps" in reaches("one", "stopped").reason


def test_work_that_fails_says_why_and_logs_where(submit, reaches, runs):
    submit("one", note="fail")
    record = reaches("one", "failed")
    assert record.reason == "The program failed (KeyError: 'the note said so'); the log says where."
    assert "Traceback" in runs.log("one")
    assert "stand_in.py" in runs.log("one")


def test_a_failed_run_is_resumed(submit, reaches, runs):
    submit("one", note="fail")
    reaches("one", "failed")
    runs.annotate("one", "")
    runs.resume("one")
    reaches("one", "done")


def test_a_run_is_not_started_twice(submit, reaches, engine, settings):
    submit("one", steps=LONG)
    with pytest.raises(BadRun, match="is running already"):
        engine.start(settings.runs_dir / "one")
    assert reaches("one", "running").state == "running"


def test_the_same_run_in_another_folder_of_runs_is_not_started_meanwhile(submit, reaches, engine, settings, tmp_path):
    submit("one", steps=LONG)
    reaches("one", "running")
    shutil.copytree(settings.runs_dir / "one", tmp_path / "backup" / "one")
    copies = Runs(dataclasses.replace(settings, runs_dir=tmp_path / "backup"), engine=engine)
    assert copies.get("one").state == "interrupted"  # the process is the other's
    with pytest.raises(BadRun, match="in a copy of this folder"):
        copies.resume("one")


def test_a_run_whose_folder_goes_away_ends(submit, reaches, settings, process_of, eventually):
    submit("one", steps=LONG)
    reaches("one", "running")
    pid = process_of("one")
    shutil.rmtree(settings.runs_dir / "one", ignore_errors=True)
    eventually(lambda: start_of(pid) is None)


def test_a_run_whose_lock_file_is_deleted_keeps_its_own(submit, reaches, runs, settings, engine, eventually):
    submit("one", steps=LONG)
    reaches("one", "running")
    config = read_config(RunFiles(settings.runs_dir / "one"))
    path = RunLocks(settings.lock_dir).run(config)
    path.unlink()
    eventually(path.exists)
    eventually(lambda: runs.get("one").state == "running")
    with pytest.raises(BadRun, match="is running already"):
        engine.start(settings.runs_dir / "one")


def test_a_run_that_lost_its_deleted_lock_to_another_ends(submit, reaches, settings, process_of, eventually):
    submit("one", steps=LONG)
    reaches("one", "running")
    process_of("one")
    config = read_config(RunFiles(settings.runs_dir / "one"))
    path = RunLocks(settings.lock_dir).run(config)
    path.unlink()
    if (thief := own(path)) is None:  # it was quick enough, which is as good
        return
    status = eventually(lambda: (said := read_status(RunFiles(settings.runs_dir / "one"))).state == "failed" and said)
    assert "Never delete files" in status.reason
    thief.release()


@pytest.mark.parametrize("changed", ["config", "dataset"])
def test_a_run_whose_files_were_changed_is_not_resumed_in_silence(submit, reaches, runs, settings, changed, eventually):
    submit("one", steps=60)
    eventually(lambda: runs.get("one").progress.step > 3)
    runs.stop("one")
    reaches("one", "stopped")
    path = getattr(RunFiles(settings.runs_dir / "one"), changed)
    path.write_text(path.read_text().replace("0.01", "0.02").replace("cat", "cow"))
    runs.resume("one")
    assert "changed since" in reaches("one", "failed").reason


def test_a_note_changes_nothing_that_matters_for_a_resume(submit, reaches, runs, eventually):
    submit("one", steps=60)
    eventually(lambda: runs.get("one").progress.step > 3)
    runs.stop("one")
    reaches("one", "stopped")
    runs.annotate("one", "new words")
    runs.resume("one")
    reaches("one", "done")


def test_a_forged_process_number_in_the_lock_is_not_signalled(submit, runs, settings, kill, engine):
    submit("one", steps=LONG)
    kill("one")
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        folder = settings.runs_dir / "one"
        lock = own(RunLocks(settings.lock_dir).run(read_config(RunFiles(folder))))
        forged = ProcessId(bystander.pid, start_of(bystander.pid) + 1, boot_id())
        lock.write_note(Holder("run", str(folder.resolve()), forged).to_note())
        engine.stop(folder, 0)
        engine.stop(folder, 10)
        lock.release()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_process_is_signalled_only_if_it_is_exactly_the_one():
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        real = ProcessId(bystander.pid, start_of(bystander.pid), boot_id())
        for other in (
            dataclasses.replace(real, started=real.started + 1),
            dataclasses.replace(real, boot_id="before the restart"),
            dataclasses.replace(real, pid=1),
            dataclasses.replace(real, pid=2**22 + 1),
        ):
            assert not signal_process(other, signal.SIGKILL)
        assert bystander.poll() is None
        assert signal_process(real, signal.SIGKILL)
    finally:
        bystander.kill()
        bystander.wait()
    assert not signal_process(real, signal.SIGKILL)
    assert start_of(os.getpid()) == this_process().started


def test_a_full_disk_ends_a_run_with_a_sentence_and_it_goes_on_when_there_is_room(
    submit, reaches, runs, settings, monkeypatch, stand_in
):
    monkeypatch.setenv("FILE_LIMIT", "100000")  # enough for the small files
    submit("one", note="large states")
    record = reaches("one", "failed")
    assert record.reason.startswith("The disk is full: there is no room for large")
    monkeypatch.delenv("FILE_LIMIT")
    runs.resume("one")
    assert (reaches("one", "done").result / "state").read_text() == stand_in.after(10)


def test_the_process_that_waits_is_small_and_has_no_jax(submit, reaches, process_of, runs):
    submit("one", steps=LONG)
    reaches("one", "running")
    submit("two")
    pid = process_of("two")
    maps = Path(f"/proc/{pid}/maps").read_text()
    assert "jaxlib" not in maps
    assert "numpy" not in maps


def test_the_engine_tells_what_it_sees(submit, reaches, engine, settings, runs):
    submit("one", steps=LONG)
    reaches("one", "running")
    submit("two")
    assert engine.poll(settings.runs_dir / "one") == "running"
    assert engine.poll(settings.runs_dir / "two") == "queued"
    runs.stop("two")
    reaches("two", "stopped")
    ends_at = time.monotonic() + 60  # it says that it stopped, and then ends
    while engine.poll(settings.runs_dir / "two") != "gone":
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_two_libraries_with_one_folder_see_the_same(submit, reaches, settings, engine, runs):
    submit("one", steps=LONG)
    reaches("one", "running")
    other = Runs(settings, engine=engine)
    assert other.get("one").state == "running"
    other.stop("one")
    reaches("one", "stopped")
    other.delete("one")
    with pytest.raises(UnknownName):
        runs.get("one")
