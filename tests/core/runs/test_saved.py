"""From which saved state a run goes on, and what is said of it before it has."""

import dataclasses
import shutil
import time
import zipfile

import pytest

from vit_core.errors import BadRun
from vit_core.runs.files import RunFiles
from vit_core.runs.local import begin_attempt
from vit_core.runs.record import Progress
from vit_core.runs.saved import newest_saved_step
from vit_core.runs.status import Status, read_status, write_status

HALF = Progress(150, 400, 12.0, 300.0, 0.5, 0.75, 10**9)


@pytest.fixture
def run(drafts, config, images, settings):
    """A run that was killed after step 150 of 400."""
    drafts.submit(dataclasses.replace(config, total_steps=400), images, name="one")
    files = RunFiles(settings.runs_dir / "one")
    write_status(files, Status(state="running", attempt=1, progress=HALF).beating())
    return files


def save(files, step):
    folder = files.checkpoints / str(step)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "state.npz", "w") as archive:
        archive.writestr("step", str(step))
    return folder / "state.npz"


def finish(files):
    files.result.mkdir()
    for name in ("model.npz", "report.json"):
        (files.result / name).write_text("{}")
    write_status(files, dataclasses.replace(read_status(files), state="done"))


def test_the_newest_whole_state_counts(run):
    save(run, 80)
    save(run, 120)
    cut = save(run, 140)
    cut.write_bytes(cut.read_bytes()[:20])
    (run.checkpoints / "160.orbax-checkpoint-tmp").mkdir()

    assert newest_saved_step(run) == 120


def test_an_interrupted_run_says_from_which_step_it_goes_on(run, drafts):
    save(run, 120)

    record = drafts.get("one")

    assert record.saved_step == 120
    assert "Resume goes on from step 120 of 400." in record.reason


def test_a_newer_state_is_seen(run, drafts):
    save(run, 80)
    assert drafts.get("one").saved_step == 80
    time.sleep(0.02)  # a folder's time of change has the grain of the clock's ticks
    save(run, 120)

    assert drafts.get("one").saved_step == 120


def test_without_a_usable_state_it_is_said_to_begin_again(run, drafts):
    save(run, 120).write_text("cut")

    assert "No saved state can be used: resume begins again from the start." in drafts.get("one").reason


def test_a_stopped_run_says_so_too(run, drafts):
    save(run, 150)
    write_status(run, dataclasses.replace(read_status(run), state="stopped", reason="Its state is saved."))

    assert drafts.get("one").reason == "Its state is saved. Resume goes on from step 150 of 400."


def test_a_run_that_begins_again_keeps_no_figures_of_its_earlier_attempt(run):
    save(run, 120)

    status = begin_attempt(run)

    assert status.progress == Progress(120, 400, None, None, 0.5, 0.75, None)
    assert status.begins_at == 120


def test_a_run_without_a_saved_state_begins_again_from_the_start(run):
    assert begin_attempt(run).progress == Progress(0, 400)


def test_a_done_run_is_not_begun_again(run):
    finish(run)

    with pytest.raises(BadRun, match="is done"):
        begin_attempt(run)


def test_a_done_run_whose_result_is_gone_can_be_resumed(run, drafts, idle):
    save(run, 400)
    finish(run)
    assert drafts.get("one").state == "done"
    shutil.rmtree(run.result)

    record = drafts.get("one")
    assert record.state == "failed"
    assert record.reason == (
        "It was done, and its result is no longer there. "
        "All 400 steps are saved: resume tests the model and writes the result."
    )
    drafts.resume("one")
    assert idle.started[-1] == "one"
    assert begin_attempt(run).state == "queued"


def test_a_finished_run_says_how_long_it_learned(run, drafts):
    finish(run)
    run.metrics.write_text('{"step": 399, "seconds": 23.5}\n{"step": 400, "seconds": 24.0}\n')

    assert drafts.get("one").seconds == 24.0
