"""One attempt at a run, in this process."""

import shutil

import pytest

from vit_core.errors import Failure
from vit_core.runs.attempt import Ending, run_attempt


def test_work_whose_folder_was_deleted_ends_with_one_sentence_and_no_traceback(
    drafts, settings, config, images, caplog
):
    folder = drafts.submit(config, images, name="one").folder

    def work(attempt):
        shutil.rmtree(folder)
        return Ending("done", str(next((folder / "checkpoints").iterdir())))

    with pytest.raises(Failure, match=r"^The folder of the run, '.*one', was deleted or moved; the run ends\.$"):
        run_attempt(folder, settings, work)
    assert not [record for record in caplog.records if record.exc_info]


def test_an_attempt_begins_with_how_far_the_run_is(drafts, settings, config, images):
    folder = drafts.submit(config, images, name="one").folder
    seen = []

    def work(attempt):
        seen.append(attempt.progress)
        return Ending("done")

    status = run_attempt(folder, settings, work)

    assert seen[0].total_steps == config.total_steps
    assert status.begun > 0
