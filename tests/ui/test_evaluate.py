"""Evaluate, from the choice of pictures to the figures; the evaluation is a real process."""

import gc
import io
import time
import zipfile

import pytest

from app.evaluation_desk import EvaluationDesk
from app.samples import read_samples
from vit_core.runs.leftovers import DATA
from vit_core.settings import Settings, bundled_data_dir

DEMO = bundled_data_dir() / "demo"
CHECKPOINT = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0--digits-steps_0k-lr_0.1-res_32"
PATIENCE_S = 120


@pytest.fixture
def settings(tmp_path):
    return Settings(
        bucket=str(tmp_path / "nothing"),
        cache_dir=tmp_path / "cache",
        runs_dir=tmp_path / "runs",
        lock_dir=tmp_path / "locks",
        device="cpu",
    )


@pytest.fixture
def digits():
    return [sample for sample in read_samples(DEMO / "samples") if sample.dataset == "digits"]


def ended(desk):
    deadline = time.monotonic() + PATIENCE_S
    while not desk.state().finished:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return desk.state()


def test_the_page_offers_a_zip_and_the_samples_of_what_the_checkpoint_knows(open_page, texts):
    page = open_page("evaluate", checkpoint=CHECKPOINT)
    assert "How right is it?" in texts(page)
    assert [each.label for each in page.button if "sample" in each.label] == ["Try the sample pictures"]
    assert "the figures appear here" in texts(page)


def test_the_samples_are_evaluated_and_the_figures_shown(open_page, texts):
    page = open_page("evaluate", checkpoint=CHECKPOINT)
    page.button(key="evaluation samples").click().run()
    ended(page.session_state["evaluation desk"])
    page.run()
    figures = {each.label: each.value for each in page.metric}
    assert figures["Pictures"] == "20"
    assert figures["Top-1"].endswith(" %")
    assert "matched by their exact names" in texts(page)
    assert [each.label for each in page.get("download_button")] == [
        "Report (HTML)",
        "Every answer (CSV)",
        "Figures (JSON)",
    ]


def test_a_zip_is_evaluated_and_gone_with_the_visit(settings, digits, tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for sample in digits:
            archive.write(sample.path, f"{sample.label}/{sample.path.name}")
    desk = EvaluationDesk()
    with (tmp_path / "mine.zip").open("rb") as source:
        desk.start_zip(CHECKPOINT, source, name="../mine.zip", preprocess="timm", settings=settings)
    report = ended(desk).report
    assert (report["num_images"], report["preprocess"]) == (20, "timm")
    assert b"<!doctype html>" in desk.file("report.html")
    folder = desk._folders[0]
    assert folder.is_dir()
    assert folder.parent == settings.runs_dir / DATA  # whose leftovers of killed processes are swept
    del desk
    gc.collect()
    assert not folder.exists()


def test_a_zip_of_other_classes_gets_the_sentence_of_the_command_line(settings, digits, tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for sample in digits:
            archive.write(sample.path, f"wrong {sample.label}/{sample.path.name}")
    desk = EvaluationDesk()
    with (tmp_path / "mine.zip").open("rb") as source:
        desk.start_zip(CHECKPOINT, source, name="mine.zip", preprocess="original", settings=settings)
    assert "The class 'wrong digit 0' of the data is none of the 10 classes" in str(ended(desk).error)


def test_a_folder_outside_of_the_operators_is_refused(settings, tmp_path):
    (tmp_path / "open").mkdir()
    desk = EvaluationDesk()
    desk.start_folder(CHECKPOINT, "../runs", root=tmp_path / "open", preprocess="original", settings=settings)
    assert "There is no '../runs' in the operator's folder." in str(desk.problem)
    assert desk.state() is None


def test_cancel_ends_the_process_and_forgets_the_pictures(settings, digits):
    desk = EvaluationDesk()
    desk.start_samples(CHECKPOINT, digits, preprocess="original", settings=settings)
    process, folder = desk._under_way[0], desk._folders[0]
    desk.cancel()
    assert process._process.wait(PATIENCE_S) != 0
    assert desk.state() is None
    assert not folder.exists()


def test_a_folder_of_runs_that_cannot_be_written_is_named_in_a_sentence(settings, digits):
    settings.runs_dir.write_text("a file, where the folder should be")
    desk = EvaluationDesk()
    desk.start_samples(CHECKPOINT, digits, preprocess="original", settings=settings)
    assert "cannot be written" in str(desk.problem)
    assert "set VIT_RUNS_DIR to another folder" in str(desk.problem)
    assert desk.state() is None


def test_a_zip_that_the_disk_has_no_room_for_is_refused_before_it_is_copied(settings):
    class Huge(io.BytesIO):
        def seek(self, place, whence=io.SEEK_SET):
            return 2**60 if whence == io.SEEK_END else super().seek(place, whence)

    desk = EvaluationDesk()
    desk.start_zip(CHECKPOINT, Huge(), name="huge.zip", preprocess="original", settings=settings)
    assert "Free some space" in str(desk.problem)
    assert list((settings.runs_dir / DATA).iterdir()) == []
